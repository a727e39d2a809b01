"""Views: how else than as it is a photograph is shown to the network when it predicts."""

from __future__ import annotations

from retdsl.schema.model import REQUIRED, Entry, Option
from retdsl.schema.types import Real

VIEW = "view"
"""Their category. Nothing in it draws anything: a view is the same for every photograph, and every time."""

VIEWS = (
    Entry("flip_horizontal", VIEW, "Mirrored left and right.", aliases=("hflip", "fliplr", "flip")),
    Entry("flip_vertical", VIEW, "Mirrored top and bottom.", aliases=("vflip", "flipud")),
    Entry("rotate180", VIEW, "Turned by half a turn, as if mirrored both ways.", aliases=("half_turn",)),
    Entry(
        "turn",
        VIEW,
        "Turned about its centre, clockwise; what comes in from outside is black.",
        (Option("degrees", Real(-180, 180), REQUIRED, "By how much."),),
        ("degrees",),
    ),
    Entry(
        "magnify",
        VIEW,
        "Magnified about its centre, or made smaller on black.",
        (Option("factor", Real(0.1, 10), REQUIRED, "Above 1 larger, below 1 smaller."),),
        ("factor",),
    ),
)
