"""The dated rules of China for lenders: rates, bank debt, securities, one borrower (facts C.13, C.14).

Declaring parameters and finding the rules of a day need no market, so that the regulator stands in another file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sim.core.money import MAX_PPM_YEAR

LIFTED = MAX_PPM_YEAR  # a ceiling that was taken away again
NO_FLOOR = 0  # a floor that was taken away again
SHORT_MONTHS, SHORT_DAYS = 6, 184  # the longest term to which the bounds of short loans apply


@dataclass(frozen=True)
class Rules:
    """What holds on a day; None where nothing does.

    Attributes
    ----------
    ceiling, ceiling_long
        Highest contract rate of terms up to six months, and of longer ones, ppm a year.
    floor, floor_long
        Lowest contract rate of them, ppm a year.
    leverage
        Most bank debt, as a multiple of net capital.
    securities
        Most securities with investors, as a multiple of net capital.
    single_borrower
        Most that one borrower may owe, as a share of net capital.
    """

    ceiling: int | None = None
    ceiling_long: int | None = None
    floor: int | None = None
    floor_long: int | None = None
    leverage: float | None = None
    securities: float | None = None
    single_borrower: float | None = None

    def ceiling_of(self, count: int, unit: str) -> int:
        """Highest rate of a term of so many ``days`` or ``months``, ppm a year; the highest there is if none holds."""
        found = self.ceiling if _is_short(count, unit) else self.ceiling_long
        return LIFTED if found is None else found

    def floor_of(self, count: int, unit: str) -> int:
        """Lowest rate of a term of so many ``days`` or ``months``, ppm a year; nothing if none holds."""
        found = self.floor if _is_short(count, unit) else self.floor_long
        return NO_FLOOR if found is None else found

    def contradiction(self) -> tuple[int, int] | None:
        """A floor above the ceiling of the same terms, and that ceiling, ppm a year; None if there is none."""
        for months in (SHORT_MONTHS, SHORT_MONTHS + 1):
            low, high = self.floor_of(months, "months"), self.ceiling_of(months, "months")
            if low > high:
                return low, high
        return None


def _is_short(count: int, unit: str) -> bool:
    return count <= (SHORT_MONTHS if unit == "months" else SHORT_DAYS)


_NO_RULES = Rules()
_ROWS = tuple[tuple[date, dict[str, Any]], ...]
_BENCHMARKS_END = date(2015, 9, 1)

# Facts C.14: to August 2015 four times the benchmark of the same term; benchmarks before July 2011 are not in the
# facts, so that no ceiling holds before. Facts C.13: bank funding and single borrower.
_TO_2020: _ROWS = (
    (date(2011, 7, 7), {"ceiling": 244_000, "ceiling_long": 262_400}),
    (date(2012, 6, 8), {"ceiling": 234_000, "ceiling_long": 252_400}),
    (date(2012, 7, 6), {"ceiling": 224_000, "ceiling_long": 240_000}),
    (_BENCHMARKS_END, {"ceiling": 240_000, "ceiling_long": 240_000}),
)
# Facts C.13: from May 2008 micro-loan companies lend at no less than 0.9 times the benchmark, 9 fortieths of the
# ceiling, so that no floor is known before July 2011 either. It went with the benchmarks, on which no later ceiling
# rests.
_FLOORS: _ROWS = tuple(
    (since, {"floor": row["ceiling"] * 9 // 40, "floor_long": row["ceiling_long"] * 9 // 40})
    for since, row in _TO_2020
    if since < _BENCHMARKS_END
)
RULES: dict[str, _ROWS] = {
    "none": (),
    "micro_loan_company": (
        (date(2008, 5, 1), {"leverage": 0.5, "single_borrower": 0.05}),
        *_TO_2020,
        *_FLOORS,
        (_BENCHMARKS_END, {"floor": NO_FLOOR, "floor_long": NO_FLOOR}),
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


def floor(day: date, term_months: int, lender_type: str) -> int | None:
    """Lowest contract rate, ppm a year, of a loan signed on a day; None where no floor holds (facts C.13)."""
    found = rules_on(day, lender_type).floor_of(term_months, "months")
    return None if found == NO_FLOOR else found


def _as_row(change: Any) -> dict[str, Any]:
    given = {
        "ceiling": change.rate_ceiling and change.rate_ceiling.ppm_year,
        "ceiling_long": change.rate_ceiling_long and change.rate_ceiling_long.ppm_year,
        "floor": change.rate_floor and change.rate_floor.ppm_year,
        "floor_long": change.rate_floor_long and change.rate_floor_long.ppm_year,
        "leverage": change.leverage,
        "securities": change.securities,
        "single_borrower": change.single_borrower,
    }
    return {name: value for name, value in given.items() if value is not None}
