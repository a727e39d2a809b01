"""One module a command of the command line: which arguments it takes, and what it does with them.

Each has `add_arguments(parser)` and `run(arguments)`, which returns the exit code. `retdsl.cli` imports the one that is
asked for and no other.
"""
