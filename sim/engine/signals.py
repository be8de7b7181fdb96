"""Signals that lenders buy: who has been read, what the reading says today, and what it costs.

Nothing is stored. A merchant is read when it applies; the day of its first loan tells when that was, and every
``valid_for`` days from then on a customer is read again. Reviews see what has been bought.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.clock import Day
from sim.core.merchants import OPEN, SIGNALS
from sim.lenders.lender import Lender
from sim.world.signals import read, unread

if TYPE_CHECKING:
    from sim.engine.market import Market

Rows = npt.NDArray[np.intp]
_DAYS = 1 << 14  # more than there are day numbers: a reading is an entity of its own, merchant and day
_KINDS = 8  # room for the signals of one lender


def read_signals(
    market: Market, lender: Lender, names: Sequence[str], rows: Rows, day: Day, *, applies: bool
) -> dict[str, npt.NDArray[np.float32]]:
    """The columns of the signals ``names`` for the merchants of ``rows``, (n,), as their readings stand today.

    Those who apply tonight and are no customers yet are read tonight, if the signal has no delay. Who has not been read
    shows what `sim.world.signals.unread` says.
    """
    m, p = market.merchants, market.plan_of_run.merchants
    first = m.lender["first_loan_day"][lender.index][rows].astype(np.int64)
    elsewhere = {"shifted": p.elsewhere.shifted, "rival": float(market.outlook.rival[day.index])}
    found: dict[str, npt.NDArray[np.float32]] = {}
    for name, terms in lender.spec.signals.items():
        if name not in names:
            continue
        is_read = (first > 0) & (day.number - first >= terms.delay)
        reading = (day.number - first - terms.delay) // terms.valid_for
        bought = np.where(is_read, first + reading * terms.valid_for, 0)
        if applies and terms.delay == 0:
            bought = np.where(first > 0, bought, day.number)
            is_read = np.ones_like(is_read)
        ids = m.merchant_id[rows].astype(np.int64) * _DAYS + bought
        kind = lender.luck_key * _KINDS + SIGNALS.index(name)
        z = draws.normal(market.seed_number, "signal.bought", draws.ONCE, ids, kind)
        values = read(name, m, rows, z, terms.noise, p.character.overstated, **elsewhere)
        found[name] = np.where(is_read, values, unread(name, m, rows))
    return found


def cost_of_applications(market: Market, lender: Lender, rows: Rows, takes: npt.NDArray[np.bool_]) -> int:
    """Fen for what is bought tonight about the applicants of ``rows``, of whom ``takes`` (n,) are paid out.

    Before they are paid out; only who is no customer yet is read anew.
    """
    is_new = market.merchants.lender["first_loan_day"][lender.index][rows] == 0
    asked, paid = int(is_new.sum()), int((is_new & takes).sum())
    return sum(one.cost * (paid if one.delay else asked) for one in lender.spec.signals.values())


def cost_of_renewals(market: Market, lender: Lender, day: Day) -> int:
    """Fen for reading those customers again whose readings have aged, and who still see the lender's entry."""
    if not lender.spec.signals:
        return 0
    m = market.merchants
    first: Any = m.lender["first_loan_day"][lender.index]
    who = np.flatnonzero((first > 0) & (first < day.number) & (m.status == OPEN))
    who = who[m.lender["is_visible"][lender.index][who]]
    age = day.number - first[who].astype(np.int64)
    return sum(one.cost * int((age % one.valid_for == 0).sum()) for one in lender.spec.signals.values())
