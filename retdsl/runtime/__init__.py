"""What generated programs import. Imports nothing else of retdsl, so that a copy of this folder runs alone."""
