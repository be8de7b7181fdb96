"""Owners who turn away from the platform: in trouble, or with borrowed money taken out of the shop (facts A.1.3).

How far one has turned away is kept in per cent, whole numbers from 0 to `AWAY`.
"""

from __future__ import annotations

import numpy as np

from sim.core.kernels import Scalar, rule

_F = np.float32
AWAY = 100  # per cent: an owner who has turned away altogether


@rule
def next_retreat(
    retreat: Scalar, is_in_trouble: Scalar, is_honest: Scalar, honest: Scalar, up: Scalar, down: Scalar
) -> Scalar:
    """Per cent an owner has turned away after today: ``up`` more in trouble, else ``down`` less.

    An honest one goes no further than ``honest`` per cent; nobody comes nearer for being in trouble.
    """
    most = honest if is_honest else _F(AWAY)
    most = most if most > retreat else retreat
    further = retreat + up
    further = further if further < most else most
    nearer = retreat - down
    nearer = nearer if nearer > _F(0) else _F(0)
    return further if is_in_trouble else nearer


@rule
def share_elsewhere(usual: Scalar, shifted: Scalar, retreat: Scalar) -> Scalar:
    """Share of sales off the platform: the usual one, and ``shifted`` of the rest as the owner turns away (0 to 1)."""
    return usual + (_F(1) - usual) * shifted * retreat


def day_steps(after: int, back: int) -> tuple[int, int]:
    """Per cent that an owner turns away a day in trouble, and comes back a day without: whole numbers, at least 1."""
    return max(1, round(AWAY / after)), max(1, round(AWAY / back))
