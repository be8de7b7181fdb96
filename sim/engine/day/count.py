"""Money as it lies in the arrays, summed for the books: apart from all that moves it, and before anything has moved.

The count of a tile comes first in its day, when the tile has just come from memory; a pass of its own over all columns
would cost three times as much.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.core.kernels import kernel
from sim.core.loanbook import ACTIVE, ORDER_LOAN
from sim.core.merchants import STAGES

MONEY = ("wallets", "escrow", "outside_debt")  # whole fen, in this order
LENT = ("balance", "accrued_365", "accrued_360")  # of a lender: fen of principal, units of interest by basis


class MoneyColumns(NamedTuple):
    """The merchant columns that hold money."""

    wallet: Any
    shipped: Any
    outside_debt: Any


@kernel
def whole_sum(column: Any) -> Any:
    """Sum of a column (n,) of whole fen in float64, as int64: exact, and fast as whole numbers may be added anyhow."""
    total = np.int64(0)
    for j in range(column.size):
        total += np.int64(column[j])
    return total


@kernel
def count_money(c: Any, a: Any, b: Any, totals: Any) -> None:
    """Add the money of the merchants of rows ``a`` to ``b`` to ``totals`` (len(MONEY),) of int64."""
    totals[0] += whole_sum(c.wallet[a:b])
    for stage in range(STAGES):
        totals[1] += whole_sum(c.shipped[stage, a:b])
    totals[2] += whole_sum(c.outside_debt[a:b])


@kernel
def count_loans(loans: Any, positions: Any, lent: Any, money: Any) -> None:
    """Add the loans at ``positions`` (k,) of a book (n,) of LOAN to ``lent`` (n_lenders, len(LENT)) of int64.

    Pledged orders under way are escrow: they are added to ``money``.
    """
    pledged = 0.0
    for position in positions:
        loan = loans[np.uint64(position)]
        own = lent[np.uint64(loan.lender)]
        own[0] += loan.balance
        own[2 if loan.units_per_fen == 360_000_000 else 1] += loan.accrued
        if loan.product == ORDER_LOAN:
            for stage in range(STAGES):
                pledged += loan.pledged[stage]
    money[1] += np.int64(pledged)


@kernel
def mark_late(loans: Any, by_row: Any, first: Any, late: Any) -> None:
    """Mark the merchants of a tile, of which ``first`` is the first row, that have a loan past due.

    ``by_row`` (k,) are positions of the tile's loans in the book; ``late`` (tile,) of uint8 is written, 1 or 0.
    """
    late[:] = 0
    for position in by_row:
        loan = loans[np.uint64(position)]
        if loan.status == ACTIVE and loan.dpd > 0:
            late[np.uint64(loan.row - first)] = 1
