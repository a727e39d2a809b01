"""Text to tree: the grammar, the tree, the parser and its errors in words."""

from retdsl.syntax.parser import parse

__all__ = ["parse"]
