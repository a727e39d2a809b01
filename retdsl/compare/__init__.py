"""What differs in meaning between two programs: `compare(a, b)` gives a `Comparison`, plain frozen data."""

from retdsl.compare.compare import compare
from retdsl.compare.model import Change, Comparison, Difference, Part

__all__ = ["Change", "Comparison", "Difference", "Part", "compare"]
