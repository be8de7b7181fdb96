"""To whom a lender shows itself, who has registered by a channel, and what the views of the day cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.core.channels import NEVER, come_by, in_audience, invited
from sim.core.clock import Day
from sim.lenders.lender import Lender

if TYPE_CHECKING:
    from sim.engine.market import Market


def is_addressed(market: Market, lender: Lender, rows: Any) -> npt.NDArray[np.bool_]:
    """Which of ``rows`` belong to the lender's part of a split, (n,): it never shows itself to the others."""
    ids, part = market.merchants.merchant_id[rows], lender.spec.audience
    if part is None:
        return np.ones(ids.size, np.bool_)
    return in_audience(market.seed_number, part.split, ids, part.at_least, part.below)


def sees_entry(market: Market, lender: Lender, rows: Any, day: Day) -> npt.NDArray[np.bool_]:
    """To whom of ``rows`` the lender shows its entry, (n,): the invited, and who has registered by a channel."""
    ids = market.merchants.merchant_id[rows]
    shown = invited(market.seed_number, lender.lender_id, ids, lender.spec.eligibility.invited)
    for after, registers in _reached(market, lender, rows):
        shown |= registers & (_there_since(market, rows) + after <= day.number)
    return shown


def cost_of_views(market: Market, lender: Lender, day: Day) -> int:
    """Fen for the merchants who view a channel of the lender for the first time today."""
    total, everybody = 0, slice(0, market.merchants.n)
    costs = [channel.cost for channel in lender.spec.eligibility.channels.values()]
    for cost, (after, _) in zip(costs, _reached(market, lender, everybody), strict=True):
        today = (after != NEVER) & (_there_since(market, everybody) + after == day.number)
        if lender.spec.audience is not None and today.any():
            today &= is_addressed(market, lender, everybody)
        total += cost * int(today.sum())
    return total


def _there_since(market: Market, rows: Any) -> npt.NDArray[np.int64]:
    """First day on which a channel could reach a merchant, day number, (n,)."""
    entry: npt.NDArray[np.int64] = market.merchants.entry_day[rows].astype(np.int64)
    return np.maximum(entry, np.int64(market.calendar[0].number))


def _reached(market: Market, lender: Lender, rows: Any) -> Any:
    ids = market.merchants.merchant_id[rows]
    for name, one in lender.spec.eligibility.channels.items():
        yield come_by(market.seed_number, lender.lender_id, name, ids, one.reach, one.registers, one.over)
