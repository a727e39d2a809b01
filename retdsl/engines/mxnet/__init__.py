"""Program to MXNet: the text of a training program for each experiment."""

from retdsl.engines.mxnet.program import emit_program

__all__ = ["emit_program"]
