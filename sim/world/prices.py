"""Prices: what young shops give up of theirs, and what an order brings today."""

from __future__ import annotations

import math

import numpy as np

from sim.core.kernels import Scalar, exp32, floor, rule

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
def value_today(price: Scalar, noise: Scalar, orders: Scalar, z: Scalar) -> Scalar:
    """Whole fen that an order of today brings on average, where single ones vary by ``noise`` (log) about ``price``.

    ``orders`` are those of a usual day: of one or fewer the mean is that of a single order. The mean over days is the
    price.
    """
    s = noise / _F(math.sqrt(orders if orders > _F(1) else _F(1)))
    value = floor(price * exp32(s * (z - s * _F(0.5))) + _F(0.5))
    return value if value > _F(1) else _F(1)


@rule
def price_today(order_value: Scalar, cut: Scalar) -> Scalar:
    """Whole fen an order brings at a price lower by the share ``cut``."""
    return floor(order_value * (_F(1) - cut))
