"""Expected loss from the run's own loans: probability of default x loss given default x exposure (facts C.7).

Default is 90 days past due or a write-off. Only loans whose outcome is known count, whatever it was: their contractual
due date lies 90 days back. So a run that is too short for its losses to show themselves has no expected loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.money import parse_days
from sim.results.ledger import Ledger, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT_DPD = 90
#: Buckets of days past due, as `daily` has them, and the least days of each after the first.
BUCKETS = ("current", "1_30", "31_60", "61_90", "90_plus")
BUCKET_FROM = (1, 31, 61, DEFAULT_DPD)
#: Taken where the run has seen too few defaults to their end (facts A.3 item 13).
LGD_ASSUMED = 0.6
LEAST_DEFAULTS = 20  # assumption: a share of fewer is mostly chance
WRITE_OFF_AFTER = "360 days"


class LossGivenDefault(NamedTuple):
    """Share of a defaulted balance that is lost, and how many defaults it was seen in; 0 where it is assumed."""

    share: float
    n_defaults: int


def loss_given_default(book: Ledger, least: int = LEAST_DEFAULTS) -> LossGivenDefault:
    """Share of the balance in default that is written off and not recovered by the run's end; not discounted.

    Of the loans seen in default at a month end so long ago that they were paid off or written off since: as many days
    as lie between 90 days past due and the write-off. A default cured before the month's end is not seen.

    Parameters
    ----------
    least
        Fewer such loans say nothing: `LGD_ASSUMED` stands in.
    """
    ends = book.all_month_ends
    days = max(parse_days(str(book.terms.get("write_off_after") or WRITE_OFF_AFTER)) - DEFAULT_DPD, 0)
    late = np.flatnonzero((ends.dpd >= DEFAULT_DPD) & (ends.day + days <= book.observed))
    late = late[np.argsort(ends.day[late], kind="stable")]
    loan, first = np.unique(ends.loan[late], return_index=True)
    if loan.size < least:
        return LossGivenDefault(LGD_ASSUMED, 0)
    lost = book.all_loans("written_off_fen")[loan] - book.all_loans("recovered_fen")[loan]
    exposure = int(ends.balance_fen[late[first]].sum())
    return LossGivenDefault(int(lost.sum()) / exposure if exposure else LGD_ASSUMED, int(loan.size))


def defaulted(book: Ledger) -> NDArray[np.bool_]:
    """Return which loans of the tape ever were in default, (n,)."""
    return (book.all_loans("max_dpd") >= DEFAULT_DPD) | (book.all_loans("written_off_fen") > 0)


def outcome_known(book: Ledger, known: int) -> NDArray[np.bool_]:
    """Return of which loans of the tape the outcome was known on the day ``known``, (n,)."""
    return book.all_loans("due") + DEFAULT_DPD <= known


def default_probabilities(book: Ledger, known: int) -> NDArray[np.float64]:
    """Share of a balance that goes into default before it is paid, by product and days past due.

    Of the balances at all month ends, those of loans whose outcome is known on the day ``known``. A late bucket in
    which a product has none takes that of all products, and without one that of the next later bucket; a current
    balance takes none but its own, NaN.

    Returns
    -------
    ndarray (n_products, 5)
        Rows in the order of ``book.product_names``, columns in that of `BUCKETS`; the last is 1.
    """
    ends = book.all_month_ends
    use = (ends.day <= known) & outcome_known(book, known)[ends.loan]
    is_bad = defaulted(book)[ends.loan]
    exposure = _by_cell(book, ends.loan[use], ends.dpd[use], ends.balance_fen[use])
    bad = _by_cell(book, ends.loan[use & is_bad], ends.dpd[use & is_bad], ends.balance_fen[use & is_bad])
    with np.errstate(invalid="ignore"):
        chance, of_all = bad / exposure, bad.sum(axis=0) / exposure.sum(axis=0)
    chance[:, -1] = 1.0
    for bucket in range(len(BUCKETS) - 2, 0, -1):
        unseen = np.isnan(chance[:, bucket])
        own = np.isnan(of_all[bucket])
        chance[unseen, bucket] = chance[unseen, bucket + 1] if own else of_all[bucket]
    return np.asarray(chance, dtype=np.float64)


def exposure_at(book: Ledger, day: int) -> NDArray[np.float64] | None:
    """Principal outstanding at the end of a day, fen, by product and days past due as in `default_probabilities`.

    The balances by days past due are those of the day; how they divide into products is that of the tape on the last
    simulated day, and else of the last month end. None before the first month end.
    """
    total = np.array([book.on(day, f"balance_{name}_fen") for name in BUCKETS], dtype=np.float64)
    if day == book.observed:
        balance = book.all_loans("balance_fen")
        open_ = np.flatnonzero(balance > 0)
        parts = _by_cell(book, open_, book.all_loans("dpd")[open_], balance[open_])
    else:
        ends = book.all_month_ends
        past = ends.day[ends.day <= day]
        if past.size == 0:
            return None
        rows = ends.day == past.max()
        parts = _by_cell(book, ends.loan[rows], ends.dpd[rows], ends.balance_fen[rows])
    if parts.sum() == 0:
        return None if total.sum() else np.zeros_like(parts)
    of_all = parts.sum(axis=1) / parts.sum()
    in_bucket = parts.sum(axis=0)
    share = np.where(in_bucket > 0, parts / np.maximum(in_bucket, 1), of_all[:, None])
    return np.asarray(share * total, dtype=np.float64)


def expected_loss(book: Ledger) -> float | None:
    """Loss to be expected on the book at the window's end, fen: sum of PD x LGD x balance.

    Exposure is the principal; accrued interest is left out, since it leaves income at 90 days past due. None if no
    loan of a product with a current balance was watched to 90 days after its due date.
    """
    return _expected(exposure_at(book, book.last), default_probabilities(book, book.observed), loss_given_default(book))


def _expected(exposure: NDArray[np.float64] | None, chance: NDArray[np.float64], lgd: LossGivenDefault) -> float | None:
    if exposure is None or np.isnan(chance[exposure > 0]).any():
        return None
    return float(np.where(exposure > 0, chance * exposure, 0.0).sum()) * lgd.share


def realised_to_expected(book: Ledger) -> float | None:
    """Balance that went into default, over what was expected then by the loans known then.

    Taken at the last month end until the window's end of whose loans, those in default left out, all outcomes are
    known by the run's end; loss given default is the same above and below. None without such a day, if no loan was
    known then, or if nothing was expected.
    """
    ends = book.all_month_ends
    is_healthy = (ends.day <= book.last) & (ends.dpd < DEFAULT_DPD)
    is_known = outcome_known(book, book.observed)[ends.loan]
    days = np.setdiff1d(ends.day[is_healthy & is_known], ends.day[is_healthy & ~is_known])
    if days.size == 0 or not outcome_known(book, int(days[-1])).any():
        return None
    day = int(days[-1])
    rows = is_healthy & (ends.day == day)
    loan, balance = ends.loan[rows], ends.balance_fen[rows]
    exposure = _by_cell(book, loan, ends.dpd[rows], balance)
    expected = _expected(exposure, default_probabilities(book, day), LossGivenDefault(1.0, 0))
    return None if expected is None else ratio(int(balance[defaulted(book)[loan]].sum()), expected)


def loss_per_yuan_lent(book: Ledger, lgd: LossGivenDefault) -> NDArray[np.float64]:
    """Loss on a yuan lent, by product in the order of ``book.product_names``, (n_products,); NaN if unknown.

    (written off - recovered + LGD x what is still unpaid) / principal, of the loans whose outcome is known at the run's
    end.
    """
    use = outcome_known(book, book.observed)
    lost = book.all_loans("written_off_fen") - book.all_loans("recovered_fen")
    loss = np.bincount(book.product_codes[use], (lost + lgd.share * book.all_loans("balance_fen"))[use], _n(book))
    lent = np.bincount(book.product_codes[use], book.all_loans("principal_fen")[use], _n(book))
    with np.errstate(invalid="ignore"):
        return np.asarray(loss / lent, dtype=np.float64)


def expected_loss_of_lending(book: Ledger) -> float | None:
    """Loss to be expected on what was paid out in the window, fen: sum over products of principal x loss per yuan."""
    opened = book.all_loans("opened")
    inside = (opened >= book.first) & (opened <= book.last)
    lent = np.bincount(book.product_codes[inside], book.all_loans("principal_fen")[inside], _n(book))
    loss = loss_per_yuan_lent(book, loss_given_default(book))[lent > 0]
    return None if np.isnan(loss).any() else float((loss * lent[lent > 0]).sum())


#: Economic capital for a yuan lent: the least capital of Basel II, 8 % of assets at a risk weight of 100 %. An
#: assumption for a lender that is no bank.
CAPITAL_SHARE = 0.08


def raroc(
    book: Ledger, capital_share: float = CAPITAL_SHARE, return_on_capital: float = 0.0, tax: float = 0.0
) -> float | None:
    """Risk-adjusted return on economic capital, a year (facts C.9).

    (revenue - funding cost - operating cost - expected loss of the window's lending + return on capital) x (1 - tax) /
    (capital_share x mean balance) x 365 / days. Operating and funding cost are those of the books, where own money is
    free; a return on capital would count it twice, so that its default is 0. The simulated world has no taxes.

    Parameters
    ----------
    capital_share
        Economic capital as a share of the balance.
    return_on_capital
        What the capital itself earns, as a share of it a year.
    """
    loss = expected_loss_of_lending(book)
    if loss is None:
        return None
    earned = book.income - book.total("funding_cost_fen", "operating_cost_fen") - loss
    on_loans = book.a_year(1, "balance_fen")
    if on_loans is None or capital_share <= 0:
        return None
    return (earned * on_loans / capital_share + return_on_capital) * (1.0 - tax)


def _by_cell(
    book: Ledger, loan: NDArray[np.int64], dpd: NDArray[np.int64], fen: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Sums of fen by product and bucket; exact, since they stay below 2^53."""
    cell = book.product_codes[loan] * len(BUCKETS) + np.searchsorted(BUCKET_FROM, dpd, side="right")
    sums = np.bincount(cell, fen, _n(book) * len(BUCKETS)).astype(np.float64)
    return sums.reshape(_n(book), len(BUCKETS))


def _n(book: Ledger) -> int:
    return len(book.product_names)
