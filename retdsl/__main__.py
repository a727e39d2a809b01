"""`python -m retdsl`: the same as the command `retdsl`."""

import sys

from retdsl.cli import process

sys.exit(process())
