"""The network's input from prepared photographs."""

from __future__ import annotations

import numpy as np

from retdsl.runtime.network_input import normalize, to_network, to_unit


class TestNormalize:
    """to_unit, to_network."""

    def test_formula_and_order_of_axes(self) -> None:
        photo = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
        last = normalize(mean=(0.4, 0.5, 0.6), std=(0.1, 0.2, 0.3), scale=2.0)
        expected = ((photo / 255.0 * 2.0 - (0.4, 0.5, 0.6)) / (0.1, 0.2, 0.3)).transpose(2, 0, 1)
        made = to_network(to_unit(photo), last)
        assert made.dtype == np.float32
        assert made.flags.c_contiguous
        np.testing.assert_allclose(made, expected, atol=2e-6)

    def test_none_leaves_unit_values(self) -> None:
        photo = np.array([[[0, 51, 255]]], np.uint8)
        np.testing.assert_allclose(to_network(to_unit(photo), None).ravel(), (0, 0.2, 1), atol=1e-6)

    def test_writes_where_it_is_told(self) -> None:
        out = np.empty((3, 4, 6), np.float32)
        assert to_network(np.ones((4, 6, 3), np.float32), None, out) is out
        assert (out == 1).all()
