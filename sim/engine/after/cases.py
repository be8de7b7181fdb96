"""Borrowers in talks with a lender: plain rows, so that a checkpoint is a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.kernels import kernel
from sim.core.loanbook import ACTIVE, LoanBook

ASKS, RESTS = 0, 1  # waits for an answer; collection rests
CASE = np.dtype(
    [
        ("loan_id", np.int64),
        ("row", np.int32),  # of the merchant
        ("lender", np.int8),
        ("kind", np.int8),
        ("since", np.int16),  # day number on which it asked
        ("until", np.int16),  # day number of the answer, or of the end of the rest
    ],
    align=True,
)
"""One case; a loan has one at a time."""

Cases = npt.NDArray[Any]
Standing = dict[str, float]
NO_CASES: Cases = np.zeros(0, CASE)


def begin_standing() -> Standing:
    """How a lender stands with borrowers in difficulty: who asked, got relief, complained; what is said of it, 0 to 1."""
    return {"asked": 0, "granted": 0, "complaints": 0, "goodwill": 1.0}


def positions_of(book: LoanBook, cases: Cases) -> npt.NDArray[np.int64]:
    """Where the loans of cases (k,) lie in the book; -1 for those that have ended."""
    found = np.full(cases.size, -1, np.int64)
    _find(book.records, book.order, book.rows, cases["row"].copy(), cases["loan_id"].copy(), found)
    return found


@kernel
def _find(records: Any, order: Any, rows: Any, wanted: Any, ids: Any, found: Any) -> None:
    for k in range(wanted.size):
        place = np.searchsorted(rows, wanted[k])
        while place < rows.size and rows[place] == wanted[k]:
            loan = records[order[place]]
            if loan.loan_id == ids[k] and loan.status == ACTIVE:
                found[k] = order[place]
            place += 1
