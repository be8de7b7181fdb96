"""Borrowers who want something of a lender's people: plain rows, so that a checkpoint is a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.kernels import allocating_kernel, kernel
from sim.core.loanbook import ACTIVE, WRITTEN_OFF, LoanBook
from sim.engine.day.loan import T_CONTACTS
from sim.lenders.desk_terms import MINUTES_A_DAY

# Waits for an answer; collection rests; has promised to pay; was interviewed and waits for the decision; pays a part,
# so that the rest will be forgiven; was let down and asks no more; from here on work of the desk, by its number.
ASKS, RESTS, PROMISED_TO_PAY, SEEN, SETTLES, LET_DOWN, AT_DESK = 0, 1, 2, 3, 4, 5, 6
OPENS, CLOSES = 480.0, 1320.0  # minutes of the day between which people write and call; assumption
CASE = np.dtype(
    [
        ("loan_id", np.int64),
        ("row", np.int32),  # of the merchant
        ("lender", np.int8),
        ("kind", np.int8),
        ("since", np.int16),  # day number on which it asked
        ("until", np.int16),  # day number of the answer, or of the end of the rest
        ("case_id", np.int64),  # keys its draws at the desk
        ("arrived", np.float64),  # at the desk: minutes since day number 0
        ("product", np.int8),  # of an application: what is asked for, how much, and why
        ("asked", np.int64),  # fen; of a settlement what will be forgiven
        ("worth", np.float64),
        ("is_pressed", np.bool_),
    ],
    align=True,
)
"""One case; a loan has one at a time."""

_AS_BYTES = np.dtype((np.void, CASE.itemsize))
Cases = npt.NDArray[Any]
Standing = dict[str, float]
NO_CASES: Cases = np.zeros(0, CASE)


def desk_cases(
    seed: int, day: int, kind: int, lender: int, rows: npt.ArrayLike, subjects: npt.NDArray[np.int64]
) -> Cases:
    """New cases (k,) for the desk, that come between 8:00 and 22:00 of the day they are made.

    ``kind`` is the number of the work, ``rows`` of the merchants, ``subjects`` loan ids, or merchants' first ones.
    """
    new = np.zeros(subjects.size, CASE)
    new["loan_id"], new["row"], new["lender"], new["kind"] = subjects, rows, lender, AT_DESK + kind
    new["since"] = day
    new["case_id"] = (subjects << 18) | (day << 3) | kind
    part = draws.uniform(seed, "desk.arrival", day, new["case_id"])
    new["arrived"] = day * MINUTES_A_DAY + OPENS + (CLOSES - OPENS) * part
    return new


def loan_cases(c: Any, kind: int, since: int, until: int) -> Cases:
    """New cases (k,) of the loans ``c`` (records), until a day."""
    new = np.zeros(c.size, CASE)
    for name in ("loan_id", "row", "lender"):
        new[name] = c[name]
    new["kind"], new["since"], new["until"] = kind, since, until
    return new


def joined(parts: Sequence[Cases]) -> Cases:
    """Cases of all parts, in their order."""
    joint: Cases = np.concatenate([one.view(_AS_BYTES) for one in parts]).view(CASE)  # field by field is slow
    return joint


def begin_standing() -> Standing:
    """How a lender stands with borrowers in difficulty: who asked, and got relief; and what is said of it."""
    return {"asked": 0, "granted": 0, "goodwill": 1.0}


def positions_of(book: LoanBook, cases: Cases, *, lost: bool = False) -> npt.NDArray[np.int64]:
    """Where the loans of cases (k,) lie in the book; -1 for those paid off and, unless ``lost``, those written off."""
    found = np.full(cases.size, -1, np.int64)
    worst = WRITTEN_OFF if lost else ACTIVE
    _find(book.records, book.order, book.rows, cases["row"].copy(), cases["loan_id"].copy(), worst, found)
    return found


@kernel
def _find(records: Any, order: Any, rows: Any, wanted: Any, ids: Any, worst: Any, found: Any) -> None:
    for k in range(wanted.size):
        found[k] = position_of(records, order, rows, wanted[k], ids[k], worst)


@kernel
def position_of(records: Any, order: Any, rows: Any, row: Any, loan_id: Any, worst: Any) -> Any:
    """Where the loan of that id of the merchant at ``row`` lies, -1 if it is neither active nor of status ``worst``."""
    place = np.searchsorted(rows, row)
    while place < rows.size and rows[place] == row:
        loan = records[order[place]]
        if loan.loan_id == loan_id and (loan.status == ACTIVE or loan.status == worst):
            return np.int64(order[place])
        place += 1
    return np.int64(-1)


@allocating_kernel
def distinct(positions: Any) -> Any:
    """Positions (k,) in their order in the book, each once."""
    found, n = np.sort(positions), 0
    for position in found:
        if n == 0 or found[n - 1] != position:
            found[n] = position
            n += 1
    return found[:n]


@kernel
def count_contacts(loans: Any, positions: Any, sums: Any) -> None:
    """Count one contact a loan at ``positions`` (k,) in ``sums`` (n_lenders, n_products, len(REPAY_TOTALS))."""
    for position in positions:
        loan = loans[position]
        sums[np.uint64(loan.lender), np.uint64(loan.product), T_CONTACTS] += 1


@kernel
def count_borrowers(loans: Any, positions: Any, sums: Any) -> None:
    """As `count_contacts`, but one contact a borrower; the loans of one follow each other."""
    last = np.int64(-1)
    for position in positions:
        loan = loans[position]
        if loan.row != last:
            sums[np.uint64(loan.lender), np.uint64(loan.product), T_CONTACTS] += 1
        last = np.int64(loan.row)
