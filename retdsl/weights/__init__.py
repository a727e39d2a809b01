"""Weights files as people have them: what is in one, and which of its tensors is which parameter of a network.

Enters: a path. Leaves: names, types, shapes and places of tensors, never their numbers, so this room needs neither
NumPy nor MXNet, and its memory does not depend on the file's size. `check` asks it whether weights fit a network; the
runtime reads the numbers from the places that it gives. It imports nothing else of retdsl, because a program made to
run alone carries a copy.
"""
