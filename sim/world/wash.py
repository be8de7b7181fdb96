"""Wash trading: orders a shop places with itself to look larger (facts B.4 V55, C.12)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.kernels import Scalar, floor, kernel, rule
from sim.core.merchants import Merchants
from sim.world.decisions import Washing

_F = np.float32
HABIT = 100  # per cent: as many fake orders as the shop's habit

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


@rule
def next_wash_level(level: Scalar, is_short: Scalar, most: Scalar, chase: Scalar, back: Scalar) -> Scalar:
    """Per cent of its habit that a shop fakes after tonight.

    One that wants more money than it can get works up to ``most`` by ``chase`` a day, else it comes down by ``back``;
    one that lies low, below `HABIT`, only comes back, by ``back`` a day.
    """
    more = level + chase
    more = more if more < most else most
    less = level - back
    less = less if less > _F(HABIT) else _F(HABIT)
    risen = level + back
    risen = risen if risen < _F(HABIT) else _F(HABIT)
    usual = more if is_short else less
    return usual if level >= _F(HABIT) else risen


def wash_steps(p: Washing) -> tuple[int, int, int]:
    """Per cent: the most that is faked, how much more a day in want of money, how much a day after being found out."""
    most = round(HABIT * p.chase)
    return most, max(1, round((most - HABIT) / p.chase_days)), max(1, round(HABIT / p.quiet_days))


def dress_up(
    m: Merchants, days_to_review: npt.NDArray[np.int64], seed: int, p: Washing, smallest: float
) -> None:
    """Let the share ``p.before_review`` of fakers work up to ``p.chase`` before the next review of a lender they see.

    On the last evening before it they fake the most, and ``p.review_days`` before it as usual. With no review near they
    fake as usual, unless they miss ``smallest`` fen or more. Who lies low after it was found out takes no part.

    Parameters
    ----------
    days_to_review : ndarray (n_lenders,) of int64
        Days until each lender's next review, 1 if it is tomorrow's.
    """
    if p.before_review <= 0.0 or days_to_review.size == 0:
        return
    rows = np.flatnonzero((m.wash > 0) & (m.wash_level >= HABIT))
    rows = rows[draws.uniform(seed, "wash.review", draws.ONCE, m.merchant_id[rows]) < p.before_review]
    days = np.where(m.lender["is_visible"][:, rows], days_to_review[:, None], p.review_days).min(axis=0)
    near = np.maximum(p.review_days - days, 0)
    most = wash_steps(p)[0]
    dressed = HABIT + (most - HABIT) * near // max(p.review_days - 1, 1)
    level = m.wash_level[rows].astype(np.int64)
    usual = np.where(m.shortage[rows] >= smallest, level, HABIT)
    m.wash_level[rows] = np.where(near > 0, np.maximum(level, np.minimum(dressed, most)), usual)


def lie_low(m: Merchants, found: npt.NDArray[np.int64], p: Washing) -> None:
    """Those at the rows ``found`` whose fakes came out stop; the others of their trades and regions fake less."""
    if found.size == 0:
        return
    hears = np.zeros((int(m.category.max()) + 1, int(m.region.max()) + 1), np.bool_)
    hears[m.category[found], m.region[found]] = True
    _hush(m.wash, m.category, m.region, hears, np.uint8(round(HABIT * (1.0 - p.heard))), m.wash_level)
    m.wash_level[found] = 0


@kernel
def _hush(wash: Any, category: Any, region: Any, hears: Any, careful: Any, level: Any) -> None:
    """Lower the ``level`` of fakers (n,) to ``careful`` where ``hears`` (n_categories, n_regions) says so."""
    for j in range(wash.size):
        if wash[j] > 0.0 and level[j] > careful and hears[category[j], region[j]]:
            level[j] = careful
