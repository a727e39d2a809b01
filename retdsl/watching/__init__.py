"""Runs while they go on, from the files that they write: the screen of `retdsl watch`, and events for TensorBoard.

`lines` reads files that grow, `state` says how far a run has come, `curves` draws figures with characters, `screen`
puts all on a terminal, and `events` writes what TensorBoard reads. Nothing here touches a run.
"""
