"""The wallet: costs, stock, the owner, and the dear money from outside. Money is whole fen in float64."""

from __future__ import annotations

import numpy as np

from sim.core.kernels import Scalar, floor, rule

_F = np.float32
LEAST_STOCK = 2.0  # orders; the smallest shop holds a piece to sell and one in reserve; assumption


@rule
def unit_cost(order_value: Scalar, margin: Scalar) -> Scalar:
    """What the goods of one order cost, fen."""
    return order_value * (_F(1) - margin)


@rule
def stock_target(
    pace: Scalar, lead: Scalar, cover: Scalar, season_ahead: Scalar, fit: Scalar, promotion_ahead: Scalar
) -> Scalar:
    """Goods wanted at hand and on order, in orders: the forecast over lead time and cover, known promotions in.

    ``promotion_ahead`` is the sum of (lift - 1) over the days of the promotions that stock bought today is for.
    """
    target = pace * ((lead + cover) * season_ahead + fit * promotion_ahead)
    return target if target > _F(LEAST_STOCK) else _F(LEAST_STOCK)


@rule
def kept_back(reserve_days: Scalar, fixed_cost: Scalar, due_soon: Scalar) -> Scalar:
    """Money kept back before stock is bought: some days of cost, and what falls due."""
    return reserve_days * fixed_cost + due_soon


@rule
def spent_on_stock(need: Scalar, wallet: Scalar, reserve: Scalar) -> Scalar:
    """Whole fen spent on stock today: the need, out of what is left above the reserve."""
    spare = wallet - reserve
    spend = need if need < spare else spare
    return floor(spend) if spend > 0.0 else 0.0


@rule
def outside_draw(
    shortage: Scalar, outside_debt: Scalar, room_days: Scalar, sales_mean: Scalar, take: Scalar, wants: bool
) -> Scalar:
    """Whole fen borrowed outside today: a share of the shortage, up to the cap in days of sales."""
    room = room_days * sales_mean - outside_debt
    draw = take * shortage
    draw = draw if draw < room else room
    return floor(draw) if (draw > 0.0 and wants) else 0.0


@rule
def outside_repayment(outside_debt: Scalar, wallet: Scalar, reserve: Scalar, shortage: Scalar) -> Scalar:
    """Whole fen paid back outside today: a fifth of the idle money, and nothing while the shop is short."""
    idle = _FIFTH * (wallet - reserve)
    pay = outside_debt if outside_debt < idle else idle
    return floor(pay) if (pay > 0.0 and shortage <= 0.0) else 0.0


_FIFTH = 0.2


@rule
def owner_draw(
    wallet: Scalar, reserve: Scalar, worth: Scalar, needed: Scalar, patience: Scalar, take: Scalar
) -> Scalar:
    """Whole fen the owner takes out: a share of own capital above what patience leaves in the shop (design rule 6)."""
    idle = wallet - reserve
    extra = worth - patience * needed
    draw = take * (extra if extra < idle else idle)
    return floor(draw) if draw > 0.0 else 0.0
