"""Wash trading: orders a shop places with itself to look larger (facts B.4 V55, C.12)."""

from __future__ import annotations

from sim.core.kernels import Scalar, floor, rule

FEE = 0.02  # paid to whoever fakes the orders, as a share of their value; assumption
TIED_UP = 0.3  # at most this share of the wallet is put into fake orders a day; assumption


@rule
def faked_value(wash: Scalar, sales_mean: Scalar, wallet: Scalar, live: Scalar) -> Scalar:
    """Whole fen of fake orders placed today: the shop's habit times its sales, as far as its money goes."""
    wish = wash * sales_mean
    most = TIED_UP * wallet
    value = floor(wish if wish < most else most)
    return live * (value if value > 0.0 else 0.0)


@rule
def faking_cost(value: Scalar) -> Scalar:
    """Whole fen paid for faking orders of that value."""
    return floor(value * FEE)
