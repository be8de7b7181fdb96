"""The points card, compiled: a review scores all merchants, and comparisons in NumPy cost several times as much."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import kernel


@kernel
def add_losses(attributes: Any, edges: Any, steps: Any, start: Any, losses: Any, total: Any) -> None:
    """Points lost by attribute, (attributes, rows) of int8, and in all, (rows,) of int16.

    ``edges`` (attributes, levels) of float32 and ``steps`` of int8 are the card, ``start`` (attributes,) of int8.
    """
    total[:] = 0
    for row in range(start.size):
        values, lost, first = attributes[row], losses[row], start[row]
        for j in range(total.size):
            lost[j] = first
        for level in range(edges.shape[1]):
            edge, step = edges[row, level], steps[row, level]
            for j in range(total.size):
                lost[j] += step if values[j] >= edge else np.int8(0)
        for j in range(total.size):
            total[j] += lost[j]
