"""Contact sheets: some photographs of every class, before and after each step of their preparation.

Enters: the plan of a data block, or an experiment, and where its photographs lie. Leaves: a `Sheet`, and its drawing as
one page of HTML or one PNG. Guaranteed: what is shown went through the very code that a run uses; the same seed shows
the same photographs; a photograph that cannot be read is shown as such.

    sheet = look(plan, root, experiment=None, each=4)
    write(sheet, Path("eyes.html"))
"""

from retdsl.sheet.draw import SUFFIXES, write
from retdsl.sheet.look import look
from retdsl.sheet.model import Column, Group, Row, Sheet
from retdsl.viz.render import RenderError

__all__ = ["SUFFIXES", "Column", "Group", "RenderError", "Row", "Sheet", "look", "write"]
