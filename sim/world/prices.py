"""Prices: what young shops give up of theirs, and what an order brings today."""

from __future__ import annotations

import numpy as np

from sim.core.kernels import Scalar, floor, rule

_F = np.float32
MOST_CUT = 0.5  # of its margin that a young shop gives up; assumption


@rule
def entrant_cut(age_days: Scalar, margin: Scalar, cut: Scalar, fades: Scalar) -> Scalar:
    """Share of its price that a shop of that age gives up to build volume (facts B.4 V53): fading, and bounded."""
    young = _F(1) - age_days / fades
    given = cut * (young if young > _F(0) else _F(0))
    most = _F(MOST_CUT) * margin
    return given if given < most else most


@rule
def price_response(cut: Scalar, elasticity: Scalar) -> Scalar:
    """Factor on orders of a price that is lower by the share ``cut``."""
    return _F(1) + elasticity * cut


@rule
def price_today(order_value: Scalar, cut: Scalar) -> Scalar:
    """Whole fen an order brings at a price lower by the share ``cut``."""
    return floor(order_value * (_F(1) - cut))
