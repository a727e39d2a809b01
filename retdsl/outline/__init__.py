"""What a network's graph tells of it: its parts, and the waists where it can be cut.

Enters: a network of the checked program. Leaves: names of its nodes. Pictures fold by the parts, generated programs
have their headings from them, and `retdsl layers` groups by them; waists are the places to cut.
"""

from retdsl.outline.names import Path
from retdsl.outline.parts import outline
from retdsl.outline.places import Worth, places
from retdsl.outline.waists import narrows, waists

__all__ = ["Path", "Worth", "narrows", "outline", "places", "waists"]
