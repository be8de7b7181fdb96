"""Negotiation: what is offered to a borrower in difficulty, how soon, and how easy it is to ask (facts A.1.3, 004).

A policy of this kind is asked about loans whose borrowers have asked, or, if it reaches out early, about loans that
fall due soon; it answers with a treatment, or with nothing. Beside that it says how long an answer takes (`response`,
days), what share of those in difficulty find somebody to ask (`openness`), and how many days before the due date it
looks by itself (`ahead`, 0 for never). How long an extension is, and the like, are terms of the lender.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from sim.core.merchants import View
from sim.core.schedules import TREATMENTS
from sim.lenders.policy import Context, parameter

_EXTENSION, _RE_AMORTISATION, _RATE_CUT, _FORGIVENESS, _MORATORIUM = (
    TREATMENTS.index(word) for word in ("extension", "re_amortisation", "rate_cut", "forgiveness", "moratorium")
)
_OFFERS = TREATMENTS[1:7]


@dataclass(frozen=True)
class NoNegotiation:
    """No relief: the contract stands until it is paid or written off (facts A.1.3, 004: the missing policy)."""

    kind: ClassVar[str] = "negotiation"
    needs: ClassVar[tuple[str, ...]] = ()
    openness: ClassVar[float] = 0.0  # there is nobody to ask

    def __call__(self, view: View, context: Context) -> npt.NDArray[np.int8]:
        """Offer nothing, int8 (n,)."""
        return np.zeros(view.n, np.int8)


@dataclass(frozen=True)
class Slow:
    """Few find whom to ask, the answer takes long, and it is the same for all (facts A.1.3, 004: the failings)."""

    kind: ClassVar[str] = "negotiation"
    needs: ClassVar[tuple[str, ...]] = ()

    response: int = parameter(
        "10 days", unit="days", low="0 days", high="180 days", source="assumption", doc="Time until an answer."
    )
    openness: float = parameter(
        0.3, unit="share", low=0, high=1, source="assumption", doc="Share of those in difficulty who can ask."
    )
    offer: str = parameter(
        "extension", unit="name", source="assumption", doc="What everybody is offered.", choices=_OFFERS
    )

    def __call__(self, view: View, context: Context) -> npt.NDArray[np.int8]:
        """Offer all the same, int8 (n,)."""
        return np.full(view.n, TREATMENTS.index(self.offer), np.int8)


@dataclass(frozen=True)
class Fast(Slow):
    """A team, published rules and an answer on the next day; the same offer for all (facts A.1.3, 004: remedies)."""

    response: int = parameter(
        "1 day", unit="days", low="0 days", high="180 days", source="assumption", doc="Time until an answer."
    )
    openness: float = parameter(
        0.8, unit="share", low=0, high=1, source="assumption", doc="Share of those in difficulty who can ask."
    )
    offer: str = parameter(
        "re_amortisation", unit="name", source="assumption", doc="What everybody is offered.", choices=_OFFERS
    )


@dataclass(frozen=True)
class Personalised:
    """As fast, and by what the shop's sales can bear (facts A.1.3, 004: a plan of one's own out of the data).

    What a month of sales can bear is `bears` of it. Who can bear what is due in two months gets an extension; who can
    bear it in instalments, instalments; a shop out of season, a rest until its season; one that can bear half, its rate
    cut; and of one that is nearly gone a part is forgiven if it pays the rest.
    """

    kind: ClassVar[str] = "negotiation"
    needs: ClassVar[tuple[str, ...]] = (
        "sales_mean_7d", "sales_mean_30d", "sales_mean_90d", "season_index", "season_index_90d", "balance_fen",
        "due_fen", "days_past_due",
    )  # fmt: skip

    response: int = parameter(
        "1 day", unit="days", low="0 days", high="180 days", source="assumption", doc="Time until an answer."
    )
    openness: float = parameter(
        0.8, unit="share", low=0, high=1, source="assumption", doc="Share of those in difficulty who can ask."
    )
    bears: float = parameter(
        0.1, unit="share", low=0, high=1, source="assumption", doc="Share of a month's sales that can go to a loan."
    )
    over: int = parameter(
        "180 days", unit="days", low="30 days", high="1800 days", source="assumption", doc="Time that instalments take."
    )
    out_of_season: float = parameter(
        0.85, unit="1", low=0, high=1, source="assumption", doc="Calendar index over that of 90 days: out of season."
    )
    gone: float = parameter(
        0.3, unit="share", low=0, high=1, source="assumption", doc="Sales of a week over those of 90 days: nearly gone."
    )

    def __call__(self, view: View, context: Context) -> npt.NDArray[np.int8]:
        """Give treatments, int8 (n,)."""
        return self.fitting(view, self.bearable(view))

    def bearable(self, view: View) -> npt.NDArray[np.float32]:
        """What a month of sales can bear, fen, (n,)."""
        return np.asarray(self.bears * 30.0 * np.maximum(view.sales_mean_30d, 1.0), np.float32)

    def fitting(self, view: View, a_month: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
        """Give the treatment that suits each, int8 (n,), of whom a month can bear that much, fen."""
        instalment = view.balance_fen / (self.over / 30.0)
        found = np.full(view.n, _RATE_CUT, np.int8)
        found[view.sales_mean_7d < self.gone * view.sales_mean_90d] = _FORGIVENESS
        found[view.season_index < self.out_of_season * view.season_index_90d] = _MORATORIUM
        found[instalment <= a_month] = _RE_AMORTISATION
        found[view.due_fen <= 2.0 * a_month] = _EXTENSION
        return found


@dataclass(frozen=True)
class Early(Personalised):
    """As personalised, and the lender comes first: it looks at loans before they fall due (facts A.1.3, 004)."""

    ahead: int = parameter(
        "10 days", unit="days", low="1 day", high="60 days", source="assumption", doc="Days before due of the look."
    )

    def __call__(self, view: View, context: Context) -> npt.NDArray[np.int8]:
        """Give treatments, int8 (n,); before the due date only to those whose sales cannot bear what will be due."""
        a_month = self.bearable(view)
        found = self.fitting(view, a_month)
        found[(view.days_past_due < 0) & (view.due_fen <= 2.0 * a_month)] = 0
        return found
