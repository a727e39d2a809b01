"""Accounts that a checked program gives of itself, for people: what `retdsl check --verbose` adds to the messages."""
