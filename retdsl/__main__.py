"""`python -m retdsl`: the same as the command `retdsl`."""

import sys

from retdsl.cli import main

sys.exit(main())
