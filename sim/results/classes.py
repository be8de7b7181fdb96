"""Loan classification: five classes by days past due, and the provisions they call for (facts C.8)."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.compute as pc

from sim.results.ledger import Ledger
from sim.results.tables import day_numbers, whole_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.results.run import Run

CLASSES = ("normal", "special mention", "substandard", "doubtful", "loss")
NON_PERFORMING = CLASSES[2:]
#: First days past due of special mention, substandard, doubtful and loss; None where days alone make no loss.
SCHEMES: dict[str, tuple[int, int, int, int | None]] = {
    "small_business_2007": (1, 31, 91, 361),  # Yin Jian Fa [2007] 63, credit
    "small_business_2007_guaranteed": (31, 91, 181, 361),  # the same, guaranteed
    "banks_before_2023": (1, 91, 181, None),
    "banks_2023": (1, 91, 271, 361),
}
DEFAULT_SCHEME = "small_business_2007"
#: Percent of the balance to be set aside by class: general, then special provisions.
PROVISION_PERCENT = (1, 2, 25, 50, 100)


class ClassRow(NamedTuple):
    """One class of one lender's loans on a day; money in fen."""

    name: str
    dpd: str
    balance_fen: int
    share: float | None
    required_fen: int


def classify(dpd: NDArray[np.int64], scheme: str) -> NDArray[np.int64]:
    """Positions in `CLASSES`, (n,), of loans so many days past due.

    Raises
    ------
    KeyError
        If there is no such scheme.
    """
    edges = [edge for edge in SCHEMES[scheme] if edge is not None]
    return np.searchsorted(edges, dpd, side="right").astype(np.int64)


def five_classes(run: Run, lender: str) -> tuple[datetime.date, list[ClassRow]] | None:
    """Classes of a lender's loans at the last month end of the report window; None if it has none.

    The scheme is the scenario's (`institutions.regulator.classes`). Restructured loans are special mention at least.
    """
    book, scheme = Ledger(run, lender), scheme_of(run)
    panel = book.own("loan_months", ["month_end", "loan_id", "lender", "balance_fen", "dpd"])
    day = day_numbers(panel["month_end"]) if panel.num_rows else np.zeros(0, np.int64)
    inside = (day >= book.first) & (day <= book.last)
    if not inside.any():
        return None
    last = day[inside].max()
    rows = day == last
    balance, dpd = whole_numbers(panel["balance_fen"])[rows], whole_numbers(panel["dpd"])[rows]
    place = whole_numbers(pc.index_in(panel["loan_id"], book.tape["loan_id"].combine_chunks()))[rows]
    codes = np.maximum(classify(dpd, scheme), book.all_loans("restructured")[place])
    total, found = int(balance.sum()), []
    for code, (name, span) in enumerate(zip(CLASSES, _spans(scheme), strict=True)):
        own = int(balance[codes == code].sum())
        required = (own * PROVISION_PERCENT[code] + 50) // 100
        found.append(ClassRow(name, span, own, own / total if total else None, required))
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=int(last)), found


def scheme_of(run: Run) -> str:
    """The scheme that the scenario of a run names."""
    regulator = (run.scenario.get("institutions") or {}).get("regulator") or {}
    return str(regulator.get("classes") or DEFAULT_SCHEME)


def _spans(scheme: str) -> list[str]:
    """Days past due of each class, in words."""
    first = [0, *SCHEMES[scheme]]
    spans = []
    for place, low in enumerate(first):
        high = first[place + 1] if place + 1 < len(first) else None
        if low is None:
            spans.append("when recognised")
        elif high is None:
            spans.append(f"{low} and more")
        else:
            spans.append(str(low) if high == low + 1 else f"{low} to {high - 1}")
    return spans
