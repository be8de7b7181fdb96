"""The wish for a loan: chosen, not drawn. What the money earns is weighed against its price and its bother."""

from __future__ import annotations

import numpy as np

from sim.core.kernels import Scalar, rule

_F = np.float32


@rule
def sale_chance(gap: Scalar, target: Scalar) -> Scalar:
    """Chance that more stock sells: the missing share of the target, as the last units sell least."""
    share = gap / (target if target > _F(1e-6) else _F(1e-6))
    return share if share < _F(1) else _F(1)


@rule
def money_worth(margin: Scalar, chance: Scalar, lead: Scalar, cover: Scalar, confirmation: Scalar) -> Scalar:
    """Gain of one more yuan in stock, per yuan and day: markup times the chance to sell, over the cash cycle."""
    cycle = lead + cover * _F(0.5) + confirmation
    return margin / (_F(1) - margin) * chance / cycle


@rule
def is_worth_asking(
    worth: Scalar, price: Scalar, sensitivity: Scalar, amount: Scalar, days: Scalar, bother: Scalar, distress: bool
) -> bool:
    """Whether a loan pays: gain over price and bother; in distress the price does not matter (design rule 2).

    Parameters
    ----------
    worth, price : float
        Gain and price per yuan and day.
    amount, days : float
        Fen wanted and days they would be used.
    bother : float
        Fen of trouble of one application.
    distress : bool
        Whether costs or debts are due that the shop cannot pay.
    """
    return distress or (worth - price * sensitivity) * amount * days > bother
