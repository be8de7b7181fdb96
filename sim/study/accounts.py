"""What each merchant was to a lender: what was lent to it, what that brought and cost, and whether it went bad.

Counted are the loans opened in the report window, from their payout to the run's end. What is still out at the end
bears the loss that provisions of its days past due expect, the same scale for every lender (facts C.8), so that who
lends late does not look better for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.lenders.parameters import Provisions
from sim.results.economics.unit import LenderBook
from sim.results.ledger import Ledger

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.results.run import Run

BAD_AFTER = 90  # days past due, facts C.6
_BUCKETS = (1, 31, 61, 90)  # days past due at which the shares of `Provisions` change


@dataclass(frozen=True)
class Accounts:
    """The accounts of the merchants of a run with one lender; every array is (n,), in the order of ``merchant_id``.

    Attributes
    ----------
    n_loans, lent_fen, fen_days
        Loans, their principal, and principal times the days that it was out.
    income_fen
        Interest and penalties and fees paid, less refunds, and interest accrued on what is out.
    loss_fen
        Principal written off less recoveries, and the loss expected of what is out.
    cost_fen
        Interest on funds and operating cost, by the lender's means for a yuan and day and for a loan.
    is_known
        Whether a loan's outcome is known: its contractual date lies ``bad_after`` days before the run's end.
    is_bad
        Whether such a loan ever was ``bad_after`` days past due, or was written off.
    """

    merchant_id: NDArray[np.int64]
    n_loans: NDArray[np.int64]
    lent_fen: NDArray[np.int64]
    fen_days: NDArray[np.float64]
    income_fen: NDArray[np.int64]
    loss_fen: NDArray[np.float64]
    cost_fen: NDArray[np.float64]
    is_known: NDArray[np.bool_]
    is_bad: NDArray[np.bool_]

    @property
    def n(self) -> int:
        """How many merchants."""
        return self.merchant_id.size

    @property
    def borrows(self) -> NDArray[np.bool_]:
        """Who has taken a loan."""
        return self.n_loans > 0

    @property
    def profit_fen(self) -> NDArray[np.float64]:
        """Income less losses and costs."""
        return self.income_fen - self.loss_fen - self.cost_fen

    def of(self, who: NDArray[Any]) -> Accounts:
        """Return the accounts of some merchants, by a mask or by places."""
        return replace(self, **{name: values[who] for name, values in vars(self).items()})


def accounts_with(run: Run, lender: str, *, bad_after: int = BAD_AFTER) -> Accounts:
    """Return what every merchant of a run was to a lender.

    Losses and income are those of the loans, whoever bears them: a partner's part and insurance are not taken off.

    Raises
    ------
    ValueError
        If ``bad_after`` is below 1.
    """
    if bad_after < 1:
        raise ValueError(f"bad after {bad_after} days past due; at least 1 is needed")
    ids = run.table("merchants", ["merchant_id"])["merchant_id"].to_numpy().astype(np.int64)
    book = Ledger(run, lender)
    if book.tape.num_rows == 0:
        nothing = np.zeros(ids.size, np.int64)
        empty, no = nothing.astype(np.float64), nothing.astype(bool)
        return Accounts(ids, nothing, nothing, empty, nothing, empty, empty, no, no)
    own, opened = LenderBook(book), book.all_loans("opened")
    counts = (opened >= book.first) & (opened <= book.last)
    place = np.searchsorted(ids, book.all_loans("merchant_id")[counts])

    def total(values: NDArray[Any]) -> NDArray[Any]:
        """Sum a column of the tape by merchant; fen stay whole below 2^53."""
        sums = np.bincount(place, values[counts].astype(np.float64), ids.size)
        return sums if values.dtype.kind == "f" else sums.astype(np.int64)

    out = own.returns.fen_days
    is_known = book.all_loans("due") + bad_after <= book.observed
    is_bad = is_known & ((book.all_loans("max_dpd") >= bad_after) | (book.all_loans("written_off_fen") > 0))
    return Accounts(
        merchant_id=ids,
        n_loans=total(np.ones(opened.size, np.int64)),
        lent_fen=total(book.all_loans("principal_fen")),
        fen_days=total(out),
        income_fen=total(_income(book)),
        loss_fen=total(_loss(book)),
        cost_fen=total(out * own.funding_a_day + own.cost_of_a_loan),
        is_known=total(is_known.astype(np.int64)) > 0,
        is_bad=total(is_bad.astype(np.int64)) > 0,
    )


def _income(book: Ledger) -> NDArray[np.int64]:
    paid = sum(book.all_loans(name) for name in ("interest_paid_fen", "penalty_paid_fen", "fee_paid_fen"))
    return np.asarray(paid + book.all_loans("accrued_fen") - book.all_loans("refunded_fen"), np.int64)


def _loss(book: Ledger) -> NDArray[np.float64]:
    """Fen of every loan of the tape that are lost, or expected to be, (n,)."""
    shares = Provisions()
    scale = (shares.current, shares.dpd_1_30, shares.dpd_31_60, shares.dpd_61_90, shares.dpd_90_plus)
    expected = np.array(scale)[np.searchsorted(_BUCKETS, book.all_loans("dpd"), side="right")]
    lost = book.all_loans("written_off_fen") - book.all_loans("recovered_fen")
    return np.asarray(lost + expected * book.all_loans("balance_fen"), np.float64)
