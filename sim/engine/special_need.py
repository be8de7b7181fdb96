"""Special need of the evening: who reports one to a lender, and for whom the limit then counts more."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.core.clock import Day
from sim.core.loanbook import SECURED
from sim.lenders.lender import Lender
from sim.lenders.special_need import LOOKS_AT, is_convinced
from sim.world.promotions import MEANS_TO

if TYPE_CHECKING:
    from sim.engine.lend import Requests
    from sim.engine.market import Market

Bools = npt.NDArray[np.bool_]


class Reports(NamedTuple):
    """Who reports a special need tonight, and whom the lender believes, (n,) each."""

    is_made: Bools
    is_met: Bools


def report_needs(
    market: Market, lender: Lender, rows: npt.NDArray[np.intp], wanted_fen: npt.NDArray[np.int64], day: Day
) -> Reports:
    """Who of ``rows`` reports: a hot product or a promotion it means to join, and a wish beyond what its limit leaves.

    Nothing is remembered: the same evening gives the same answer, and the next may give another.
    """
    m, terms = market.merchants, lender.spec.special_need
    if terms is None or rows.size == 0:
        none = np.zeros(rows.size, np.bool_)
        return Reports(none, none)
    own = {name: m.lender[name][lender.index].take(rows) for name in _STANDING}
    may_ask = own["is_visible"] & ~own["is_pending"] & (own["refused_until"] < day.number) & (own["dpd"] == 0)
    limit = np.where(own["offer_until"] >= day.number, own["limit_fen"], 0)
    more = market.outlook.largest_ahead[day.index].take(m.category.take(rows))
    means_to = ((m.promotion.take(rows) & MEANS_TO) != 0) & (more > 0)
    made = may_ask & (limit > 0) & (wanted_fen > limit - own["line_fen"]) & ((m.spell.take(rows) > 0) | means_to)
    seen = market.observer.columns(LOOKS_AT, rows, lender.index, lender.spec.bureau, day.index, day.number)
    return Reports(made, made & is_convinced(terms, seen, more))


def raise_for(market: Market, lender: Lender, requests: Requests, day: Day) -> Bools:
    """For whose request of tonight the limit is raised, (n,): a secured loan needs no limit."""
    met = report_needs(market, lender, requests.rows, requests.asked_fen, day).is_met
    return met & ~np.isin(requests.product, SECURED)


_STANDING = ("is_visible", "is_pending", "refused_until", "dpd", "offer_until", "limit_fen", "line_fen")
