"""What loans cost the borrower and bring the lender a year: APR and internal rate of return (facts C.5).

The tape says when a loan was opened and closed and what was paid in all, not when. Interest accrues daily on what is
out, so that the interest of a repaid loan tells its fen-days, and the penalty those past due: the APR is as exact as
that, and for a loan that was never late and got no refund it is the contract rate. For its internal rate a loan stands
as if all had been paid at once after its money-weighted life. Of a loan paid at once that is exact; one paid in parts
comes out too low as a rule: 0.06 % a day is 24.5 % a year where all interest is paid daily, 23.9 % where it is paid
once, after 73 days. The fee of a share of sales tells no days: its principal is taken to come back evenly, as the shop
sells, so that life and rates are approximate. Where nothing at all came back the rate is -100 %.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.money import parse_rate
from sim.results.ledger import DAYS_IN_YEAR, Ledger
from sim.results.tables import is_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.results.run import Run

SALES_SHARE = "sales_share"
TOTAL_LOSS = -1.0  # nothing at all came back
PENALTY_MULTIPLE = 1.5


class LoanReturns(NamedTuple):
    """Returns of the loans of a tape, (n,) each, in its order; NaN where undefined.

    Attributes
    ----------
    is_repaid, is_written_off
        Whether the loan has ended, and how.
    fen_days
        Principal times the days that it was out, until the loan's end or the run's. Exact for repaid loans, to the
        rounding of interest; for others what was paid back is taken to have been out as long as on repaid loans of the
        product.
    paid_after_days
        Money-weighted days after which it was paid what was paid of it before it ended.
    cost_fen
        Interest (the fee, of a share of sales) and penalty paid, less refunds.
    apr_borrower
        Of repaid loans: cost / fen-days x 365, a share a year, not compounded. Exact as fen-days are.
    irr_borrower
        Of repaid loans: yearly rate, compounded.
    irr_lender
        Of ended loans: the same, with what was never paid and what was recovered; -1 is a total loss. Recoveries stand
        at the day of the write-off, before which they did not come.
    """

    loan_id: NDArray[np.int64]
    is_repaid: NDArray[np.bool_]
    is_written_off: NDArray[np.bool_]
    fen_days: NDArray[np.float64]
    paid_after_days: NDArray[np.float64]
    cost_fen: NDArray[np.int64]
    apr_borrower: NDArray[np.float64]
    irr_borrower: NDArray[np.float64]
    irr_lender: NDArray[np.float64]


def loan_returns(run: Run, lender: str) -> LoanReturns:
    """Return APR and internal rates of every loan of a lender."""
    return returns_of(Ledger(run, lender))


def returns_of(book: Ledger) -> LoanReturns:
    """Return APR and internal rates of the loans of one lender's tape."""
    principal, cost, recovered = book.all_loans("principal_fen"), _cost(book), book.all_loans("recovered_fen")
    is_repaid, is_written_off = _has_status(book, "closed"), _has_status(book, "written_off")
    out, early = _fen_days(book)
    paid = book.all_loans("principal_paid_fen") + cost
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        days = np.where(is_repaid, out / principal, 0.0)
        # A loan lost in part stands as one payment too, at the mean day of what was paid before and recovered after.
        cash = paid + recovered
        days = np.where(is_written_off, (paid * early + recovered * _days_open(book)) / cash, days)
        rate = np.where(days > 0, (cash / principal) ** (DAYS_IN_YEAR / days) - 1.0, np.nan)
        apr = np.where(is_repaid & (out > 0), cost * DAYS_IN_YEAR / out, np.nan)
    rate = np.where(is_written_off & (cash <= 0), TOTAL_LOSS, rate)
    rate[~np.isfinite(rate)] = np.nan
    return LoanReturns(
        loan_id=book.all_loans("loan_id"),
        is_repaid=is_repaid,
        is_written_off=is_written_off,
        fen_days=out,
        paid_after_days=early,
        cost_fen=cost,
        apr_borrower=apr,
        irr_borrower=np.where(is_repaid, rate, np.nan),
        irr_lender=np.where(is_repaid | is_written_off, rate, np.nan),
    )


def _fen_days(book: Ledger) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fen-days of every loan of the tape, (n,), and the days that what was paid back of it was out, (n,)."""
    principal, days_open = book.all_loans("principal_fen"), _days_open(book)
    rate = book.all_loans("rate_ppm_year") / 1e6 / _days_in_year(book)
    multiple = float(book.terms.get("penalty_multiple") or PENALTY_MULTIPLE)
    is_repaid = _has_status(book, "closed")
    with np.errstate(divide="ignore", invalid="ignore"):
        told = (book.all_loans("interest_paid_fen") + book.all_loans("penalty_paid_fen") / multiple) / rate
    # the price of a share of sales is a fee, which tells no days: it is taken to come back evenly
    evenly = np.where(book.all_products == SALES_SHARE, 0.5, 1.0) * principal * days_open
    whole = np.where(rate > 0, np.minimum(told, principal * days_open), evenly)
    n = len(book.product_names)
    lent = np.bincount(book.product_codes[is_repaid], principal[is_repaid], n)
    was_out = np.bincount(book.product_codes[is_repaid], whole[is_repaid], n)
    life = np.where(lent > 0, was_out / np.maximum(lent, 1), np.inf)[book.product_codes]
    early = np.where(is_repaid, whole / np.maximum(principal, 1), np.minimum(life, days_open))
    stuck = book.all_loans("balance_fen") + book.all_loans("written_off_fen")
    in_part = stuck * days_open + (principal - stuck) * early
    return np.where(is_repaid, whole, in_part), early


def pooled_irr(book: Ledger, returns: LoanReturns, loans: NDArray[np.bool_], lgd: float) -> float | None:
    """Yearly internal rate of the cash flows of some loans together, compounded; approximate where the tape is.

    What is still unpaid counts, on the run's last day, for as much as is not expected to be lost.

    Parameters
    ----------
    returns
        Those of the same tape.
    loans
        Which loans of the tape, (n,).
    lgd
        Share of what is unpaid that is expected to be lost.
    """
    opened, ended = book.all_loans("opened")[loans], (book.all_loans("opened") + _days_open(book))[loans]
    paid = (book.all_loans("principal_paid_fen") + returns.cost_fen)[loans]
    left = book.all_loans("recovered_fen")[loans] + (1.0 - lgd) * book.all_loans("balance_fen")[loans]
    day = np.concatenate([opened, opened + returns.paid_after_days[loans], ended])
    fen = np.concatenate([-book.all_loans("principal_fen")[loans], paid, left])
    return irr_of_flows(day, fen)


def lending_irr(book: Ledger) -> float | None:
    """Yearly internal rate of a lender's lending over the window, compounded, from its daily cash flows.

    Paid: the opening balance less its allowance on the day before, and all disbursements. Received: principal,
    interest, penalties and fees less refunds, recoveries, and the closing balance less its allowance on the last day.
    Before operating cost and cost of funds; interest accrued and not yet paid is left out at both ends.
    """
    paid = ("principal_repaid", "interest_paid", "penalty_paid", "fee_paid", "recovered")
    received = sum(book.day(f"{name}_fen") for name in paid)
    flow = np.asarray(received - book.day("disbursed_fen") - book.day("refunded_fen"), dtype=np.float64)
    flow[-1] += book.closing("balance_fen") - book.closing("allowance_fen")
    before = book.opening("balance_fen") - book.opening("allowance_fen")
    return irr_of_flows(np.append(book.days, book.first - 1), np.append(flow, -before))


def irr_of_flows(day: NDArray[np.float64], fen: NDArray[np.float64]) -> float | None:
    """Yearly rate at which dated cash flows are worth nothing: sum of CF / (1 + IRR)^(days / 365) = 0.

    A flow between two days is divided between them so that its mean day stays.

    Parameters
    ----------
    day, fen : ndarray (n,)
        Day numbers since 1970-01-01, whole or not; fen received, negative if paid.

    Returns
    -------
    float or None
        -1 if something was paid and nothing came back; None if nothing was paid, or there is no such rate.
    """
    import pyxirr

    if not (fen < 0).any():
        return None
    if not (fen > 0).any():
        return TOTAL_LOSS
    whole = np.floor(day).astype(np.int64)
    part, start = day - whole, int(whole.min())
    place, n = whole - start, int(whole.max()) - start + 2
    flow = np.bincount(place, fen * (1.0 - part), n) + np.bincount(place + 1, fen * part, n)
    moves = np.flatnonzero(flow)
    if not ((flow > 0).any() and (flow < 0).any()):
        return None
    first = datetime.date(1970, 1, 1) + datetime.timedelta(days=start)
    found = pyxirr.xirr([first + datetime.timedelta(days=int(k)) for k in moves], flow[moves].tolist())
    return None if found is None else float(found)


def _cost(book: Ledger) -> NDArray[np.int64]:
    paid = sum(book.all_loans(f"{name}_paid_fen") for name in ("interest", "penalty", "fee"))
    return np.asarray(paid - book.all_loans("refunded_fen"))


def _days_open(book: Ledger) -> NDArray[np.int64]:
    """Days from payout to the loan's end, or to the run's, (n,)."""
    return np.minimum(book.all_loans("closed"), book.observed) - book.all_loans("opened")


def _days_in_year(book: Ledger) -> NDArray[np.int64]:
    """Days that a year of each loan's interest has, (n,): 360 where the scenario's price of the product says so."""
    products = book.terms.get("products") or {}
    basis = [_basis(products.get(name) or {}) for name in book.product_names]
    return np.array([DAYS_IN_YEAR, *basis])[1:][book.product_codes]


def _basis(product: object) -> int:
    price = product.get("rate") if isinstance(product, dict) else None
    return parse_rate(price).days_in_year if price is not None else DAYS_IN_YEAR


def _has_status(book: Ledger, status: str) -> NDArray[np.bool_]:
    return is_text(book.tape["status"], status) if book.tape.num_rows else np.zeros(0, dtype=bool)
