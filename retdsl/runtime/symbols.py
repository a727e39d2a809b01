"""`sym`: MXNet's symbol operators, with MXNet itself imported only when the first one is used.

A generated program writes `sym.Convolution(...)` all over, and imports this at its top; but the number of threads must
be in the environment before MXNet is loaded, and `--help` should not pay the second that loading takes.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Symbol: TypeAlias = Any
"""An `mxnet.symbol.Symbol`; MXNet has no types."""


class _Symbols:
    def __getattr__(self, operator: str) -> Any:
        from retdsl.runtime.mx import mx

        return getattr(mx.sym, operator)


sym = _Symbols()
