"""How fast an experiment trains on each device that is here, and how fast it could.

Enters: an experiment. Leaves: a `Speed` for every device: images per second of each stage, what share of the time it
takes, and what the device's multiplication of matrices would allow; as lines for a terminal, and as a picture.

    speeds = measure(program, experiment, root, seconds=3)
    write_picture(speeds, Path("speed.svg"))
"""

from retdsl.speed.measuring import Asked, measure
from retdsl.speed.model import Speed, Stage
from retdsl.speed.picture import SUFFIXES, write_picture
from retdsl.speed.words import lines

__all__ = ["SUFFIXES", "Asked", "Speed", "Stage", "lines", "measure", "write_picture"]
