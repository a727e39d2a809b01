"""The common visual language: colours, lines and type of every picture.

Blue against orange stays apart for every kind of colour vision, and fill, border width and dashes say the same in grey:
frozen is pale with a thin border, trained is warm with a thick one, what is left behind has a dashed one, the loss is
dark.
"""

from __future__ import annotations

from retdsl.records import dataclass
from retdsl.viz.graph import Look

FONT = "Arial"  # graphviz-pure draws Arimo, Linux mostly Liberation Sans: all of the same widths
INK = "#1F2933"
SOFT_INK = "#5B6773"
LINE = "#6B7785"
PAPER = "#FFFFFF"


@dataclass(frozen=True, slots=True)
class Style:
    """Colours of a look; width: of the border or line in points; dash: a DOT line style."""

    fill: str
    border: str
    text: str = INK
    soft: str = SOFT_INK
    width: float = 1.0
    dash: str = "solid"
    ground: str = PAPER


STYLES = {
    Look.PLAIN: Style("#FFFFFF", "#8A94A0", ground="#F6F7F9"),
    Look.FROZEN: Style("#DCE8F3", "#6F97BD", soft="#47657F", width=0.8, ground="#F0F5FA"),
    Look.TRAINED: Style("#FFEBCF", "#D5790B", soft="#6E5330", width=1.8, ground="#FFF8EE"),
    Look.LEFT: Style("#FFFFFF", "#C3CCD6", "#7C8794", "#98A2AD", 0.8, "dashed", ground="#FBFBFC"),
    Look.LOSS: Style("#9C2F2F", "#6E1F1F", "#FFFFFF", "#F7DCDC", 1.8, ground="#FBF1F1"),
    Look.BLOCK: Style("#FFFFFF", "#C3CCD6", ground="#FFFFFF"),
    Look.TRAIN: Style("#FFEBCF", "#C96F06", "#8A4B00", width=1.8),
    Look.VALID: Style("#DCE8F3", "#2F6DA8", "#245480", width=1.3, dash="dashed"),
    Look.TEST: Style("#E4E4E4", "#4A4A4A", "#3A3A3A", width=1.3, dash="dotted"),
}
