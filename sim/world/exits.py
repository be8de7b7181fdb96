"""Leaving the market: hazards, winding down, coming back.

An exit is not a default: what is owed stays owed, stock is sold off, orders under way confirm and are swept.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.kernels import Scalar, exp32, log32, rule
from sim.core.merchants import CLOSED, CLOSING, OPEN, Merchants
from sim.world.parameters import MerchantParameters

_F = np.float32
FRAUDSTERS_STAY = 20  # days from a fraudster's strike to its leaving; assumption
SALES_A_DAY = 0.1  # share of the stock sold off a day while winding down; assumption
BACK_AFTER = 30  # days at least, up to `exits.away`, evenly; assumption


@rule
def exit_hazard(
    orders_mean: Scalar,
    age_days: Scalar,
    hazard: Scalar,
    exponent: Scalar,
    youth: Scalar,
    arrears: Scalar,
    ruin: Scalar,
    ruin_hazard: Scalar,
) -> Scalar:
    """Chance to leave today: falls with orders a quarter and with age, jumps when costs go unpaid.

    ``hazard * (orders a quarter)^-exponent * (1 + youth * 180 / (180 + age))``, plus ``ruin_hazard`` when arrears
    reach ``ruin`` fen.
    """
    orders = orders_mean * _F(91) + _F(1)
    thin = hazard * exp32(-exponent * log32(orders))
    young = _F(1) + youth * _F(180) / (_F(180) + age_days)
    return thin * young + (ruin_hazard if arrears > ruin else _F(0))


@rule
def most_hazard(hazard: Scalar, youth: Scalar) -> Scalar:
    """A bound on `exit_hazard` of a shop that pays its costs, for any orders and age."""
    return hazard * (_F(1) + youth) * _F(1.001)


@rule
def sells_off(status: Scalar, stock: Scalar) -> Scalar:
    """Whether a shop sells its stock off: while it closes, and later goods that come back with pledged orders."""
    return status == CLOSING or (status == CLOSED and stock > _F(0))


@rule
def comes_back(status: Scalar, reopen_day: Scalar, day: Scalar) -> Scalar:
    """Whether a shop that has left opens again on the day."""
    return status >= CLOSING and reopen_day == day


def close_shops(merchants: Merchants, rows: npt.NDArray[np.intp], p: MerchantParameters, seed: int, day: int) -> None:
    """Begin to wind down the shops of ``rows``, with all that is on its way; some draw a day to be back."""
    m = merchants
    m.stock[rows] += m.on_order[:, rows].sum(axis=0)
    m.on_order[:, rows] = 0.0
    m.status[rows] = CLOSING
    m.closed_day[rows] = day
    ids = m.merchant_id[rows]
    back = day + BACK_AFTER + np.floor((p.exits.away - BACK_AFTER) * draws.uniform(seed, "exit.return", day, ids, 0))
    returns = draws.uniform(seed, "exit.return", day, ids, 1) < p.exits.returns
    m.reopen_day[rows] = np.where(returns, back, 0)


def wind_down(
    merchants: Merchants, rows: npt.NDArray[np.intp], p: MerchantParameters
) -> tuple[int, npt.NDArray[np.intp]]:
    """Sell off stock of the closing shops of ``rows`` for one day; shops with nothing left are closed.

    Returns
    -------
    tuple
        Fen that came into wallets from outside, and the rows that are now closed.
    """
    m = merchants
    if rows.size == 0:
        return 0, rows
    stock = m.stock[rows]
    is_last = stock < 1.0
    gone = np.where(is_last, stock, stock * np.float32(SALES_A_DAY))
    cost = m.order_value[rows] * (1.0 - m.margin[rows].astype(np.float64))
    money = np.floor(gone * cost * p.cash.salvage)
    m.stock[rows] = stock - gone
    m.wallet[rows] += money
    done = rows[is_last]
    done = done[m.shipped[:, done].sum(axis=0) == 0.0]
    m.status[done] = CLOSED
    return int(money.sum()), done


def reopen_shops(merchants: Merchants, rows: npt.NDArray[np.intp]) -> None:
    """Open again the closed shops of ``rows``; they begin with the money they have kept."""
    merchants.status[rows] = OPEN
    merchants.reopen_day[rows] = 0
