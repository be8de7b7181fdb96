"""The loan book: one table of columns for all lenders and products; stable ids; the tape of closed loans.

A loan is (merchant id, own sequence number), so that ids depend on nobody else. Money is whole fen in int64; accrued
interest is exact, in units of 1/(basis x 10^6) fen, and becomes fen only when it is billed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.kernels import Scalar, kernel, rule
from sim.core.merchants import STAGES

PRODUCTS = (
    "order_loan", "revolving_line", "fixed_loan", "annuity", "equal_principal", "interest_only_bullet", "sales_share",
    "purchase_order", "warehouse", "joint_liability",
)
ORDER_LOAN, REVOLVING_LINE = 0, 1

ACTIVE, PAID_OFF, WRITTEN_OFF = 0, 1, 2
STATUSES = ("active", "closed", "written_off")

LOANS_A_MERCHANT = 1_000_000  # loan id = merchant id x this + sequence number

# name, dtype, values a loan, meaning
LOAN_COLUMNS: tuple[tuple[str, str, int, str], ...] = (
    ("loan_id", "int64", 1, "merchant id x 10^6 + own sequence number"),
    ("row", "int32", 1, "row of the merchant"),
    ("lender", "int8", 1, "index of the lender"),
    ("product", "int8", 1, "index into PRODUCTS"),
    ("status", "int8", 1, "active, closed or written off"),
    ("opened", "int32", 1, "day number of disbursement"),
    ("due", "int32", 1, "day number of the last due date"),
    ("closed", "int32", 1, "day number of closing, 0 while open"),
    ("principal", "int64", 1, "fen paid out"),
    ("balance", "int64", 1, "fen of principal outstanding"),
    ("overdue", "int64", 1, "fen of principal that fell due and is unpaid"),
    ("rate", "int32", 1, "ppm a year"),
    ("units_per_fen", "int64", 1, "basis x 10^6"),
    ("accrued", "int64", 1, "interest earned and unpaid, units"),
    ("suspended", "int64", 1, "interest owed but not in income (past 90 days), units"),
    ("penalty", "int64", 1, "penalty interest owed, not in income until paid, units"),
    ("pledged", "float64", STAGES, "fen of pledged orders by stage of confirmation"),
    ("advance", "float64", 1, "share of a pledged order that was lent"),
    ("principal_paid", "int64", 1, "fen"),
    ("interest_paid", "int64", 1, "fen"),
    ("penalty_paid", "int64", 1, "fen"),
    ("refunded", "int64", 1, "fen of interest given back"),
    ("written_off", "int64", 1, "fen of principal written off"),
    ("recovered", "int64", 1, "fen that came back after the write-off"),
    ("unpaid_since", "int32", 1, "day number of the oldest unpaid due date, 0 if none"),
    ("dpd", "int16", 1, "days past due"),
    ("max_dpd", "int16", 1, "worst days past due"),
    ("inherited_dpd", "int16", 1, "days past due of a late loan that this one paid off"),
    ("first_due", "int32", 1, "day number of the first due payment, 0 if nothing was due yet"),
    ("first_unpaid_days", "int16", 1, "days that first payment has stayed unpaid"),
    ("cause", "int8", 1, "why it is late: unable, unwilling, fraud"),
    ("is_first", "bool", 1, "first loan of this merchant from this lender"),
    ("is_refinancing", "bool", 1, "paid off another loan within three days"),
    ("is_restructured", "bool", 1, "terms were changed"),
    ("score", "float32", 1, "score of the decision"),
)

LOAN = np.dtype(
    [(name, dtype) if shape == 1 else (name, dtype, (shape,)) for name, dtype, shape, _ in LOAN_COLUMNS], align=True
)
"""One loan as a record: a pass over loans reads nearly all of one before the next, so they lie together."""

_SMALLEST = 256


@rule
def billed(units: Scalar, units_per_fen: Scalar) -> Scalar:
    """Whole fen of accrued units, rounded half up; the remainder, which may be below zero, stays accrued."""
    return (units + units_per_fen // 2) // units_per_fen if units > 0 else 0


@kernel
def _close_ranks(records: Any) -> Any:
    """Move the loans that are not paid off to the front, in order; returns how many there are."""
    stay = 0
    for k in range(records.size):
        if records[k].status != PAID_OFF:
            if stay != k:
                records[stay] = records[k]
            stay += 1
    return stay


class LoanBook:
    """Loans: open, read, close. Rows stay in the order of opening; a column is ``book["balance"]``."""

    def __init__(self) -> None:
        self.n = 0
        self.records: npt.NDArray[Any] = np.zeros(_SMALLEST, LOAN)
        self.order = np.zeros(0, np.int32)  # positions by merchant row, oldest first, so that a pass meets rows in turn

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        column: npt.NDArray[Any] = self.records[name][: self.n]
        return column

    def append(self, **values: npt.ArrayLike) -> None:
        """Add loans, one an element of the given columns; columns that are not given start at zero."""
        count = len(np.atleast_1d(np.asarray(values["loan_id"])))
        if self.n + count > self.records.size:
            grown = np.zeros(max(2 * self.records.size, self.n + count), LOAN)
            grown[: self.n] = self.records[: self.n]
            self.records = grown
        span = slice(self.n, self.n + count)
        self.records[span] = np.zeros(1, LOAN)
        for name, column in values.items():
            self.records[name][span] = column
        rows = self.records["row"]
        fresh = np.arange(self.n, self.n + count, dtype=np.int32)
        fresh = fresh[np.argsort(rows[fresh], kind="stable")]
        self.order = np.insert(self.order, np.searchsorted(rows[self.order], rows[fresh], side="right"), fresh)
        self.n += count

    def take_closed(self) -> dict[str, npt.NDArray[Any]]:
        """Remove the paid-off loans and return their columns; the others keep their order.

        Rows are only moved when a quarter of the table is paid off, as moving costs more than passing over.
        """
        gone = self["status"] == PAID_OFF
        if self.n == 0 or 4 * int(gone.sum()) < self.n:
            return {}
        taken = self.records[np.flatnonzero(gone)]
        place = np.cumsum(~gone, dtype=np.int32) - 1
        self.order = place[self.order[~gone[self.order]]]
        self.n = int(_close_ranks(self.records[: self.n]))
        return {name: taken[name] for name in LOAN.names or ()}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Copies of all columns, for a checkpoint."""
        return {name: self[name].copy() for name in LOAN.names or ()}

    def restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Become the book whose ``state`` this is."""
        self.n = 0
        self.records = np.zeros(_SMALLEST, LOAN)
        self.order = np.zeros(0, np.int32)
        self.append(**state)


def sum_by_lender(values: npt.NDArray[Any], lender: npt.NDArray[Any], n_lenders: int) -> list[int]:
    """Exact integer sums of ``values`` by lender: the re-summing that the books are checked against."""
    return [int(values[lender == index].sum(dtype=np.int64)) for index in range(n_lenders)]
