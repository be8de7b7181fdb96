"""The regulator: rate ceilings, caps on bank debt and on one borrower, each from a date on (facts C.13, C.14)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import mesa

from sim.core.money import MAX_PPM_YEAR

LIFTED = MAX_PPM_YEAR  # a ceiling that was taken away again
SHORT_MONTHS, SHORT_DAYS = 6, 184  # the longest term to which the ceiling of short loans applies


@dataclass(frozen=True)
class Rules:
    """What holds on a day; None where nothing does.

    Attributes
    ----------
    ceiling, ceiling_long
        Highest contract rate of terms up to six months, and of longer ones, ppm a year.
    leverage
        Most bank debt, as a multiple of net capital.
    securities
        Most securities with investors, as a multiple of net capital.
    single_borrower
        Most that one borrower may owe, as a share of net capital.
    """

    ceiling: int | None = None
    ceiling_long: int | None = None
    leverage: float | None = None
    securities: float | None = None
    single_borrower: float | None = None

    def ceiling_of(self, count: int, unit: str) -> int:
        """Highest rate of a term of so many ``days`` or ``months``, ppm a year; the highest there is if none holds."""
        is_short = count <= (SHORT_MONTHS if unit == "months" else SHORT_DAYS)
        found = self.ceiling if is_short else self.ceiling_long
        return LIFTED if found is None else found


_NO_RULES = Rules()
_ROWS = tuple[tuple[date, dict[str, Any]], ...]

# Facts C.14: to August 2015 four times the benchmark of the same term; benchmarks before July 2011 are not in the
# facts, so that no ceiling holds before. Facts C.13: bank funding and single borrower.
_TO_2020: _ROWS = (
    (date(2011, 7, 7), {"ceiling": 244_000, "ceiling_long": 262_400}),
    (date(2012, 6, 8), {"ceiling": 234_000, "ceiling_long": 252_400}),
    (date(2012, 7, 6), {"ceiling": 224_000, "ceiling_long": 240_000}),
    (date(2015, 9, 1), {"ceiling": 240_000, "ceiling_long": 240_000}),
)
RULES: dict[str, _ROWS] = {
    "none": (),
    "micro_loan_company": (
        (date(2008, 5, 1), {"leverage": 0.5, "single_borrower": 0.05}),
        *_TO_2020,
        (date(2020, 8, 20), {"ceiling": LIFTED, "ceiling_long": LIFTED}),  # outside the scope of the new ceiling
        (date(2020, 9, 1), {"leverage": 1.0, "securities": 4.0}),
        (date(2024, 12, 1), {"single_borrower": 0.10}),
    ),
    "private_lender": (*_TO_2020, (date(2020, 8, 20), {"ceiling": 154_000, "ceiling_long": 154_000})),
}


def rules_on(day: date, lender_type: str, changes: Iterable[Any] = ()) -> Rules:
    """The rules of a day: those of the lender type, then the scenario's changes, the latest of each kind.

    Parameters
    ----------
    lender_type : {"none", "micro_loan_company", "private_lender"}
    changes : iterable of RuleChange
    """
    rows = [(since, row) for since, row in RULES[lender_type] if since <= day]
    rows += [(one.date, _as_row(one)) for one in changes if one.date <= day]
    rules = _NO_RULES
    for _, row in sorted(rows, key=lambda pair: pair[0]):
        rules = replace(rules, **row)
    return rules


def ceiling(day: date, term_months: int, lender_type: str) -> int | None:
    """Highest contract rate, ppm a year, of a loan signed on a day; None where no ceiling holds (facts C.14)."""
    found = rules_on(day, lender_type).ceiling_of(term_months, "months")
    return None if found == LIFTED else found


def _as_row(change: Any) -> dict[str, Any]:
    given = {
        "ceiling": change.rate_ceiling and change.rate_ceiling.ppm_year,
        "ceiling_long": change.rate_ceiling_long and change.rate_ceiling_long.ppm_year,
        "leverage": change.leverage,
        "securities": change.securities,
        "single_borrower": change.single_borrower,
    }
    return {name: value for name, value in given.items() if value is not None}


class Regulator(mesa.Agent):  # type: ignore[misc]
    """Tells lenders the rules of the day, and keeps count of what it had to answer.

    Parameters
    ----------
    regulation : Regulation
        The block of the scenario.
    """

    def __init__(self, model: Any, regulation: Any) -> None:
        super().__init__(model)
        self.regulation = regulation
        self.answers: Counter[str] = Counter()  # "lender|what": loans refused or cut, days over a cap
        turns = {since for since, _ in RULES[regulation.rules]} | {one.date for one in regulation.changes.values()}
        self._turns = sorted(turns)
        self._known: dict[int, Rules] = {}

    @property
    def breach(self) -> str:
        """What a breach does: ``refuse``, ``clip`` or ``stop``."""
        return str(self.regulation.breach)

    def rules(self, today: date) -> Rules:
        """The rules of the day."""
        passed = sum(turn <= today for turn in self._turns)
        if passed not in self._known:
            self._known[passed] = rules_on(today, self.regulation.rules, self.regulation.changes.values())
        return self._known[passed]

    def note(self, lender: str, what: str, n: int) -> None:
        """Keep count of an answer."""
        if n:
            self.answers[f"{lender}|{what}"] += n

    def notes(self) -> list[str]:
        """What a reader of the run should know."""
        told = []
        for key, n in sorted(self.answers.items()):
            lender, what = key.split("|")
            told.append(f"regulator: {lender}: {_SAID[what].format(n=n)}")
        return told


_SAID = {
    "rate_clipped": "the price of {n:,} loans was cut to the ceiling",
    "rate_refused": "{n:,} loans were refused, as their price was above the ceiling",
    "borrower_clipped": "{n:,} loans were cut to what one borrower may owe",
    "borrower_refused": "{n:,} loans were refused, as one borrower would have owed too much",
    "leverage": "bank debt was held to the cap of the rules, below the lender's own",
    "securities": "an issue of securities was held back for {n:,} days, as it would have passed the cap",
    "over_leverage": "bank debt was above the cap on {n:,} days, as it was drawn before the cap or capital fell",
}
