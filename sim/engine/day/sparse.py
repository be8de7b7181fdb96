"""The few merchants that a dense pass has flagged, and sums over all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import allocating_kernel, kernel
from sim.core.loanbook import ORDER_LOAN


@allocating_kernel
def rows_with(flags: Any, bit: Any) -> Any:
    """Rows, int64 (k,), whose flags (n,) of uint8 have the bit, or one of several."""
    wanted, whole = np.uint8(bit), flags.size // 8 * 8
    rows, found = np.empty(64, np.int64), 0
    everywhere = np.uint64(0x0101010101010101) * np.uint64(bit)
    words = flags[:whole].view(np.uint64)
    for word in range(words.size + 1):
        if word < words.size and words[word] & everywhere == np.uint64(0):
            continue  # eight merchants without it
        if found + 8 > rows.size:
            more = np.empty(2 * rows.size, np.int64)
            more[:found] = rows[:found]
            rows = more
        for j in range(8 * word, min(8 * word + 8, flags.size)):
            if flags[j] & wanted:
                rows[found] = j
                found += 1
    return rows[:found]


@kernel
def whole_sum(column: Any) -> Any:
    """Sum of a column (n,) of whole fen in float64, as int64: exact, and fast as whole numbers may be added anyhow."""
    total = np.int64(0)
    for j in range(column.size):
        total += np.int64(column[j])
    return total


@kernel
def loan_sums(loans: Any, balances: Any, interest: Any) -> Any:
    """Sum a loan book (n,) of LOAN by lender.

    Adds principal, fen, to ``balances`` (n_lenders,) and accrued interest, units, to ``interest`` (n_lenders, 2) of
    int64: on 365 and on 360 days a year. Returns the fen of pledged orders under way.
    """
    pledged = 0.0
    for loan in loans:
        balances[loan.lender] += loan.balance
        interest[loan.lender, 1 if loan.units_per_fen == 360_000_000 else 0] += loan.accrued
        if loan.product == ORDER_LOAN:
            for stage in range(loan.pledged.size):
                pledged += loan.pledged[stage]
    return np.int64(pledged)
