"""`python -m retdsl`: the same as the command `retdsl`."""

from retdsl.cli import process

process()
