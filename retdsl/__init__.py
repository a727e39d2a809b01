"""retdsl: a small language for screening studies on rare-disease photographs, compiled to Apache MXNet."""

__version__ = "0.1.0"
