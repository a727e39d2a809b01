"""Tree to Program: names, options, shapes, data and training, every mistake at once.

This is the only place where a `Program` is made, so an unchecked one cannot exist.
"""

from retdsl.check.check import Checked, check_source

__all__ = ["Checked", "check_source"]
