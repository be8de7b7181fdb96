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
from sim.core.schedules import TREATMENTS, Schedules

PRODUCTS = (
    "order_loan", "revolving_line", "fixed_loan", "annuity", "equal_principal", "interest_only_bullet", "sales_share",
    "purchase_order", "warehouse", "joint_liability",
)
ORDER_LOAN, REVOLVING_LINE, FIXED_LOAN, SALES_SHARE, PURCHASE_ORDER, WAREHOUSE, JOINT_LIABILITY = 0, 1, 2, 6, 7, 8, 9
SECURED = (ORDER_LOAN, PURCHASE_ORDER, WAREHOUSE)  # bounded by what they rest on, not by a credit limit

ACTIVE, PAID_OFF, WRITTEN_OFF = 0, 1, 2
STATUSES = ("active", "closed", "written_off")

# What was done about a loan, beyond what its days past due alone call for: bits of its column ``pressure``.
HELD, PROMISED, SUED, ADVISED, DEFAULTED_AGAIN, EVADED, SUSPENDED, LISTED = (1 << bit for bit in range(8))
PRESSURE = ("held", "promised", "sued", "advised", "defaulted_again", "evaded", "suspended", "listed")
SALE = TREATMENTS.index("sale")

LOANS_A_MERCHANT = 1_000_000  # loan id = merchant id x this + sequence number

# name, dtype, values a loan, meaning; what a quiet day reads comes first, so that it lies together
LOAN_COLUMNS: tuple[tuple[str, str, int, str], ...] = (
    ("row", "int32", 1, "row of the merchant"),
    ("lender", "int8", 1, "index of the lender"),
    ("product", "int8", 1, "index into PRODUCTS"),
    ("status", "int8", 1, "active, closed or written off"),
    ("cause", "int8", 1, "why it is late: unable, unwilling, fraud, forgot"),
    ("balance", "int64", 1, "fen of principal outstanding"),
    ("overdue", "int64", 1, "fen of principal that fell due and is unpaid"),
    ("accrued", "int64", 1, "interest earned and unpaid, units"),
    ("rate", "int32", 1, "ppm a year"),
    ("units_per_fen", "int32", 1, "basis x 10^6"),
    ("opened", "int16", 1, "day number of disbursement"),
    ("due", "int16", 1, "day number of the last due date"),
    ("closed", "int16", 1, "day number of closing, 0 while open"),
    ("unpaid_since", "int16", 1, "day number of the oldest unpaid due date, 0 if none"),
    ("dpd", "int16", 1, "days past due"),
    ("inherited_dpd", "int16", 1, "days past due that a refinancing or new terms would hide"),
    ("max_dpd", "int16", 1, "worst days past due"),
    ("pressure", "uint8", 1, "what the lender does about it: bits of PRESSURE"),
    ("n_restructured", "int8", 1, "times that its terms were changed"),
    ("schedule", "int32", 1, "place of its schedule + 1; 0 for a loan without instalments"),
    ("grace", "int8", 1, "days after a due date within which paying costs no penalty; of a loan without a schedule"),
    ("waits", "bool", 1, "penalty is held below zero: it is owed only if the days of grace pass"),
    ("is_first", "bool", 1, "first loan of this merchant from this lender"),
    ("is_refinancing", "bool", 1, "paid off another loan within three days"),
    ("pledged", "float64", STAGES, "fen of pledged orders by stage of confirmation"),
    ("loan_id", "int64", 1, "merchant id x 10^6 + own sequence number"),
    ("advance", "float64", 1, "share of a pledged order that was lent"),
    ("suspended", "int64", 1, "interest owed but not in income (past 90 days), units"),
    ("penalty", "int64", 1, "penalty interest owed, not in income until paid, units"),
    ("principal_paid", "int64", 1, "fen"),
    ("interest_paid", "int64", 1, "fen"),
    ("penalty_paid", "int64", 1, "fen"),
    ("principal", "int32", 1, "fen paid out"),
    ("refunded", "int32", 1, "fen of interest given back"),
    ("written_off", "int32", 1, "fen of principal written off or forgiven"),
    ("forgiven", "int32", 1, "fen of principal forgiven; part of what was written off"),
    ("recovered", "int32", 1, "fen that came back after the write-off"),
    ("fee", "int32", 1, "fen of late fees owed; of a loan without a schedule"),
    ("fee_paid", "int32", 1, "fen"),
    ("first_due", "int16", 1, "day number of the first due payment, 0 if nothing was due yet"),
    ("first_unpaid_days", "int16", 1, "days that first payment has stayed unpaid"),
    ("restructured_day", "int16", 1, "day number of the last new terms, 0 if none"),
    ("treatment", "int8", 1, "what the last new terms were: a position in TREATMENTS"),
    ("surcharge", "uint8", 1, "per cent of its own rate that money used for another purpose costs; 0 if none"),
    ("score", "float32", 1, "score of the decision"),
)

LOAN = np.dtype(
    [(name, dtype) if shape == 1 else (name, dtype, (shape,)) for name, dtype, shape, _ in LOAN_COLUMNS], align=True
)
"""One loan as a record: a pass over loans reads nearly all of one before the next, so they lie together."""

_LINE = 64  # bytes of a cache line
_AT_ONCE = 2_048  # loans that are turned into columns at a time
_TIDY = 5  # the book is tidied when one loan in so many is paid off


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


@kernel
def _copy_late(records: Any, order: Any, n_settled: Any, late: Any) -> Any:
    """Copy the loans from position ``n_settled`` on that are not paid off to ``late``, by row; returns how many."""
    found = 0
    for k in order:
        if k >= n_settled and records[k].status != PAID_OFF:
            late[found] = records[k]
            found += 1
    return found


@kernel
def _merge_in_place(records: Any, n_settled: Any, late: Any) -> None:
    """Merge ``late``, sorted by row, into the first ``n_settled`` records, sorted by row, from the back.

    Of loans of one merchant those of ``late`` come after the others.
    """
    old, new = n_settled - 1, late.size - 1
    for place in range(records.size - 1, -1, -1):
        if new < 0:
            return
        if old >= 0 and records[old].row > late[new].row:
            records[place] = records[old]
            old -= 1
        else:
            records[place] = late[new]
            new -= 1


@kernel
def _merge_positions(order: Any, rows: Any, late: Any, late_rows: Any, merged: Any, merged_rows: Any) -> None:
    """Merge positions and their rows, both sorted by row, (n,) and (k,) into (n + k,); of one row's, ``late`` last."""
    old = new = 0
    for place in range(merged.size):
        if new == late.size or (old < order.size and rows[old] <= late_rows[new]):
            merged[place] = order[old]
            merged_rows[place] = rows[old]
            old += 1
        else:
            merged[place] = late[new]
            merged_rows[place] = late_rows[new]
            new += 1


def _room_for(n: int) -> npt.NDArray[Any]:
    """Zeros for ``n`` loans, each from a cache line of its own on; they take memory only as they are used."""
    block = np.zeros((n + 1) * LOAN.itemsize, np.uint8)
    first = -block.ctypes.data % _LINE
    return block[first : first + n * LOAN.itemsize].view(LOAN)


class LoanBook:
    """Loans: open, read, close. A column is ``book["balance"]``; of one merchant's loans the older come first.

    ``order`` (n,) of int32 holds the positions by merchant row, oldest loan first, and ``rows`` (n,) of int32 the rows
    in that order. Loans themselves lie in that order too, but for those opened since the book was last tidied. A book
    with ``room`` for its loans need not be moved as it grows. ``schedules`` are those of loans repaid by instalments,
    of which at most ``most_unpaid`` are unpaid at a time.
    """

    def __init__(self, room: int = 256, most_unpaid: int = 1) -> None:
        self.schedules = Schedules(most_unpaid)
        self._begin(room)

    def _begin(self, room: int) -> None:
        self.n = 0
        self.n_closed = 0  # paid off and still in the book; the market counts them
        self.records = _room_for(room)
        self.order = np.zeros(0, np.int32)
        self.rows = np.zeros(0, np.int32)
        self._n_settled = 0  # the first loans, which lie in order

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        column: npt.NDArray[Any] = self.records[name][: self.n]
        return column

    def append(self, **values: npt.ArrayLike) -> None:
        """Add loans, one an element of the given columns; columns that are not given start at zero."""
        count = len(np.atleast_1d(np.asarray(values["loan_id"])))
        self._make_room(self.n + count)
        span = slice(self.n, self.n + count)
        self.records[span].view(np.uint8)[:] = 0
        for name, column in values.items():
            self.records[name][span] = column
        rows = self.records["row"][span].copy()
        by_row = np.argsort(rows, kind="stable")
        order, merged = np.empty(self.n + count, np.int32), np.empty(self.n + count, np.int32)
        _merge_positions(self.order, self.rows, (self.n + by_row).astype(np.int32), rows[by_row], order, merged)
        self.order, self.rows = order, merged
        self.n += count

    def _make_room(self, n: int) -> None:
        """Move the book to a larger room if this one does not hold ``n`` loans."""
        if n > self.records.size:
            grown = _room_for(max(self.records.size * 5 // 4, n))
            grown[: self.n] = self.records[: self.n]
            self.records = grown

    def take_closed(self) -> dict[str, npt.NDArray[Any]]:
        """Remove the paid-off loans, tidy the book, and return their columns.

        The book is only touched when a fifth of it is paid off, as moving costs more than passing over.
        """
        if self.n_closed == 0 or _TIDY * self.n_closed < self.n:
            return {}
        taken = self._columns_at(np.flatnonzero(self["status"] == PAID_OFF))
        places = taken["schedule"]
        self.schedules.give_back(places[places > 0] - 1)
        self._make_room(2 * self.n - self._n_settled)
        late = self.records[self.n :]
        n_late = _copy_late(self.records, self.order, self._n_settled, late)
        n = _close_ranks(self.records[: self._n_settled]) + n_late
        _merge_in_place(self.records[:n], n - n_late, late[:n_late])
        self.n = self._n_settled = int(n)
        self.n_closed = 0
        self.order = np.arange(self.n, dtype=np.int32)
        self.rows = self["row"].copy()
        return taken

    def _columns_at(self, positions: npt.NDArray[np.intp]) -> dict[str, npt.NDArray[Any]]:
        """Columns of the loans at ``positions`` (k,), each an array of its own; a piece at a time stays in cache."""
        columns = {name: np.empty((positions.size, *LOAN[name].shape), LOAN[name].base) for name in LOAN.names or ()}
        for start in range(0, positions.size, _AT_ONCE):
            piece = self.records.take(positions[start : start + _AT_ONCE])
            for name, column in columns.items():
                column[start : start + _AT_ONCE] = piece[name]
        return columns

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Copies of all columns, for a checkpoint; schedules as ``schedule.NAME``, those of the loans that have one."""
        own = {name: self[name].copy() for name in LOAN.names or ()}
        places = own["schedule"][own["schedule"] > 0] - 1
        return own | {f"schedule.{name}": column for name, column in self.schedules.state(places).items()}

    def restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Become the book whose ``state`` this is."""
        self._begin(self.records.size)
        columns = {name: state[name].copy() for name in LOAN.names or ()}
        schedules = {name.removeprefix("schedule."): column for name, column in state.items() if "." in name}
        columns["schedule"][columns["schedule"] > 0] = self.schedules.restore(schedules) + 1
        self.append(**columns)
        self.n_closed = int(np.count_nonzero(self["status"] == PAID_OFF))
