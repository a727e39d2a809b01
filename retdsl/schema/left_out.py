"""Options of MXNet's operators that the language does not have, and why; for messages, and for reading symbol files."""

from __future__ import annotations

from retdsl.ir import Value
from retdsl.records import dataclass


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why an option is not there. taken: the values that the language takes for granted; None if none has an effect."""

    why: str
    taken: tuple[Value, ...] | None = None


_SPEED = LeftOut("it says how, not what, MXNet computes; what is fastest, MXNet finds out by itself")
_COUNTED = LeftOut("it is counted from what flows in")
_NOT_SEQUENCES = LeftOut("photographs are no sequences of different lengths", (False,))

LEFT_OUT: dict[str, LeftOut] = {
    "workspace": _SPEED,
    "cudnn_tune": _SPEED,
    "cudnn_off": _SPEED,
    "cudnn_algo_verbose": _SPEED,
    "sparse_grad": _SPEED,
    "im2col_step": _SPEED,
    "num_args": _COUNTED,
    "is_int": LeftOut("every value is a float"),
    "lower_bound": LeftOut("only `rrelu` uses it, which the language does not have"),
    "upper_bound": LeftOut("only `rrelu` uses it, which the language does not have"),
    "ndev": LeftOut("statistics are those of one device"),
    "key": LeftOut("statistics are those of one device"),
    "layout": LeftOut("images are [N, channels, height, width] throughout", ("NCHW", None)),
    "axis": LeftOut("the channels are axis 1 of every value", (1,)),
    "axes": LeftOut("it works on every value by itself", ((),)),
    "flatten": LeftOut(
        "every change of shape is written: `Flatten` stands before it, and a `Convolution` with `kernel = 1` is what "
        "acts on each place by itself",
        (True,),
    ),
    "mode": LeftOut("it acts in training and never in prediction", ("training",)),
    "output_mean_var": LeftOut("a layer gives one value", (False,)),
    "p_value": LeftOut("only `lp` uses it, which the language does not have", (2, None)),
    "dtype": LeftOut("every value of a network is a float of 32 bits", ("float32", None)),
    "out_dtype": LeftOut("every value of a network is a float of 32 bits", ("float32", None)),
    "multi_input_mode": LeftOut("it takes one value; `Concat` and `Add` join several", ("concat",)),
    "target_shape": LeftOut("the size follows from the other options", ((), (0, 0))),
    "keep_highest": LeftOut("it belongs to an old form of `Reshape`", (False,)),
    "use_length": _NOT_SEQUENCES,
    "lhs_axes": LeftOut("the values have one rank", (None,)),
    "rhs_axes": LeftOut("the values have one rank", (None,)),
    "lhs_begin": LeftOut("it takes the whole shape", (None,)),
    "lhs_end": LeftOut("it takes the whole shape", (None,)),
    "rhs_begin": LeftOut("it takes the whole shape", (None,)),
    "rhs_end": LeftOut("it takes the whole shape", (None,)),
    "forward_stype": _SPEED,
    "min_calib_range": _SPEED,
    "max_calib_range": _SPEED,
}
"""option -> why; it holds for the layers that do not have an option of that name"""


def taken_for_granted(option: str, value: Value) -> bool:
    """Whether an option of MXNet's that a layer leaves out has the value, or the lack of meaning, that it relies on."""
    left_out = LEFT_OUT.get(option)
    return left_out is not None and (left_out.taken is None or value in left_out.taken)
