"""Single orders: how long they wait to be confirmed, what is open, what comes back, and what they are worth.

Lags are in days, from the order to its arrival (``purchase_to_delivery_days``), to its approval, to the date
promised; for a run, from shipping to confirmation.

- ``purchase_to_delivery_lognormal``: mean and deviation (here divided by n - 1) of log lags, and the
  Kolmogorov-Smirnov distance from that law; ``purchase_to_delivery_gamma``: maximum likelihood with its start held at
  0.
- ``late_share_of_delivered``: arrived after the day promised; ``late_share_by_midnight_of_promise``: after that day's
  first second. ``not_delivered_share``: orders without an arrival.
- ``in_transit_receivable_age_days_steady_state``: what an observer finds of orders that come in evenly. Mean time
  open is the mean lag; the mean age of an open order is mean(lag^2) / (2 mean(lag)); the share open longer than ``a``
  days is mean(max(lag - a, 0)) / mean(lag); ``value_weighted_mean_lag`` weighs lags by the order's value.
- ``reweighted_to_full_review_mix``: the same where orders count so that review scores are as frequent as in a mix
  given; a quantile is the first lag at which the running weight reaches it, and late is after midnight of the day
  promised.
- ``review_*``: mean score, and share of scores 1 and 2, by days late against the promise and by days to arrive.
- ``weekday_index_mon_sun``: number of orders by weekday over the mean of the seven, of whole weeks.
- ``black_friday``: the Friday after the fourth Thursday of November, against a baseline: orders a day of the 56 days
  from 28 before it, less the 7 from that Friday on. The week from its Monday, and the one from the Friday on;
  standard errors are multiples over the root of the orders counted.
- ``returned_share``: orders, or their value, that came back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from sim.study.moments.describe import (
    Figures,
    Floats,
    by_bucket,
    describe,
    finite,
    lognormal_distance,
    mean,
    rank_correlation,
    ratio,
    size,
)

OLDER = (3, 7, 14, 21, 30, 45)
OPEN_AT = (1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60)
DAYS_LATE = (-100, -14, -7, -1, 0, 3, 7, 200)
DAYS_TAKEN = (0, 5, 10, 15, 20, 30, 200)
QUANTILES = (10, 25, 50, 75, 90, 95, 99)


@dataclass(frozen=True)
class Orders:
    """Single orders; times are days, (orders,), on one clock that counts from 1970-01-01. NaN where there is none.

    Parameters
    ----------
    ordered : ndarray
        When the order was placed.
    delivered, approved, promised, reviewed : ndarray, optional
        When it arrived or was confirmed, was approved, was to arrive by (a midnight), and when its review came.
    value, review : ndarray, optional
        Yuan, and a score of 1 to 5.
    is_returned : ndarray of bool, optional
    status : ndarray of str, optional
    """

    ordered: Floats
    delivered: Floats | None = None
    approved: Floats | None = None
    promised: Floats | None = None
    reviewed: Floats | None = None
    value: Floats | None = None
    review: Floats | None = None
    is_returned: npt.NDArray[np.bool_] | None = None
    status: npt.NDArray[np.str_] | None = None


def orders(
    given: Orders, *, weekdays: tuple[date, date] | None = None, without: tuple[date, date] | None = None
) -> Figures:
    """Figures of single orders; ``weekdays`` less ``without`` are the days of the weekday index, both ends included."""
    found: Figures = {"orders": int(given.ordered.size)}
    if given.status is not None:
        names, counts = np.unique(given.status, return_counts=True)
        ranked = sorted(zip(names.tolist(), counts.tolist(), strict=True), key=lambda pair: -pair[1])
        found["status_share"] = {name: n / given.ordered.size for name, n in ranked}
    if given.approved is not None:
        wait = given.approved - given.ordered
        found |= {"purchase_to_approval_days": describe(wait), "approval_over_1_day_share": mean(finite(wait) > 1.0)}
    if given.promised is not None:
        found["promised_days"] = describe(given.promised - given.ordered)
    if given.delivered is not None:
        found |= _arrival(given, given.delivered)
    if given.value is not None:
        found["order_value"] = size(given.value)
    if given.review is not None:
        found["review_mean"] = mean(given.review)
        if given.value is not None:
            found["spearman_review_order_value"] = rank_correlation(given.review, given.value)
    if given.is_returned is not None:
        found["returned_share"] = mean(given.is_returned)
    by_day = count_by_day(given.ordered)
    return found | {"weekday_index_mon_sun": weekday_index(*by_day, weekdays, without)} | black_friday(*by_day)


def _arrival(given: Orders, delivered: Floats) -> Figures:
    lag = delivered - given.ordered
    known = finite(lag)
    found: Figures = {
        "purchase_to_delivery_days": describe(known),
        "not_delivered_share": float(np.isnan(delivered).mean()),
        **laws(known),
        **open_orders(known),
        "survival_of_open_order_by_day": {str(day): mean(known > day) for day in OPEN_AT},
    }
    arrived = np.isfinite(lag)
    if given.value is not None:
        value = given.value[arrived]
        steady = found["in_transit_receivable_age_days_steady_state"]
        steady["value_weighted_mean_lag"] = ratio((known * value).sum(), value.sum())
    if given.promised is not None:
        late = delivered - given.promised
        found["late_share_of_delivered"] = mean(finite(late) >= 1.0)
        found["late_share_by_midnight_of_promise"] = mean(finite(late) > 0.0)
    if given.reviewed is not None:
        wait = finite(given.reviewed - delivered)
        found["delivery_to_review_answer_days"] = describe(wait[wait > 0])
    return found | (_reviews(given, given.review, delivered) if given.review is not None else {})


def _reviews(given: Orders, review: Floats, delivered: Floats) -> Figures:
    lag = delivered - given.ordered
    found: Figures = {
        "review_mean_by_delivery_days": {
            name: {"n": int(inside.sum()), "mean": mean(review[inside])} for name, inside in by_bucket(lag, DAYS_TAKEN)
        },
        "review_mean_not_delivered": mean(review[np.isnan(delivered)]),
        "spearman_review_delivery_days": rank_correlation(review, lag),
    }
    if given.promised is not None:
        late = delivered - given.promised
        found["review_mean_by_days_late"] = {
            name: {"n": int(inside.sum()), "mean": mean(review[inside]), "share_1_2": mean(review[inside] <= 2)}
            for name, inside in by_bucket(late, DAYS_LATE)
        }
    return found


def laws(lag: Floats) -> Figures:
    """The lognormal and the gamma law nearest to lags, (orders,) days."""
    from scipy.optimize import brentq
    from scipy.special import digamma, gammainc

    positive = lag[lag > 0]
    if positive.size < 2 or np.ptp(positive) == 0:
        return {"purchase_to_delivery_lognormal": None, "purchase_to_delivery_gamma": None}
    logs = np.log(positive)
    gap = np.log(positive.mean()) - logs.mean()
    shape = brentq(lambda k: np.log(k) - digamma(k) - gap, 1e-3, 1e6)
    scale = positive.mean() / shape
    law = gammainc(shape, np.sort(positive) / scale)
    steps = np.arange(positive.size + 1) / positive.size
    distance = float(max((steps[1:] - law).max(), (law - steps[:-1]).max()))
    return {
        "purchase_to_delivery_lognormal": {
            "mu": float(logs.mean()), "sigma": float(logs.std(ddof=1)), "ks": lognormal_distance(logs, ddof=1)
        },
        "purchase_to_delivery_gamma": {"shape": float(shape), "scale": float(scale), "ks": distance},
    }  # fmt: skip


def open_orders(lag: Floats, weight: Floats | None = None) -> Figures:
    """Age of what is open where orders come in evenly; lags (orders,) in days, ``weight`` how much each counts."""
    share = np.ones(lag.size) if weight is None else weight
    total = float((share * lag).sum())
    known = total > 0
    return {
        "in_transit_receivable_age_days_steady_state": {
            "mean_outstanding_days_per_order": total / float(share.sum()) if known else None,
            "mean_age_of_open_item": float((share * lag**2).sum() / 2.0 / total) if known else None,
            "share_open_older_than": {
                str(age): float((share * np.maximum(lag - age, 0.0)).sum() / total) if known else None for age in OLDER
            },
        }
    }


def weighted_quantile(values: Floats, weight: Floats, q: float) -> float:
    """The first value, in order, at which the running share of the weight reaches q."""
    order = np.argsort(values, kind="stable")
    running = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][min(int(np.searchsorted(running, q)), values.size - 1)])


def reweighted(given: Orders, mix: Mapping[int, float]) -> Figures:
    """Lags where review scores are as frequent among all orders as in a mix of score and number."""
    if given.delivered is None or given.review is None:
        return {}
    scores, counts = np.unique(given.review, return_counts=True)
    factor = {int(score): mix[int(score)] / n for score, n in zip(scores, counts, strict=True)}
    lag = given.delivered - given.ordered
    arrived = np.isfinite(lag)
    weight, lag = np.array([factor[int(score)] for score in given.review[arrived]]), lag[arrived]
    weight = weight / weight.sum()
    logs = np.log(lag)
    mu = float((weight * logs).sum())
    steady = open_orders(lag, weight)["in_transit_receivable_age_days_steady_state"]
    found: Figures = {
        "purchase_to_delivery_mean": float((weight * lag).sum()),
        **{f"p{q}": weighted_quantile(lag, weight, q / 100) for q in QUANTILES},
        "lognormal_mu": mu,
        "lognormal_sigma": float(np.sqrt((weight * (logs - mu) ** 2).sum())),
        "open_item_mean_age": steady["mean_age_of_open_item"],
        "share_open_older_than": steady["share_open_older_than"],
    }
    if given.promised is not None:
        found["late_share"] = float(weight[(given.delivered - given.promised)[arrived] > 0.0].sum())
    return {"reweighted_to_full_review_mix": found}


def count_by_day(ordered: Floats) -> tuple[date, npt.NDArray[np.int64]]:
    """The first day, and orders of every day from it on, (days,)."""
    rows = np.floor(finite(ordered)).astype(np.int64)
    if rows.size == 0:
        return date(1970, 1, 1), np.zeros(0, np.int64)
    return date(1970, 1, 1) + timedelta(days=int(rows.min())), np.bincount(rows - rows.min())


def weekday_index(
    first: date,
    counts: npt.NDArray[np.int64],
    days: tuple[date, date] | None = None,
    without: tuple[date, date] | None = None,
) -> list[float | None]:
    """Orders by weekday, Monday first, over the mean of the seven: of the days given, or of the last whole weeks."""
    row = np.arange(counts.size)
    inside = row >= counts.size % 7
    if days is not None:
        inside = (row >= (days[0] - first).days) & (row <= (days[1] - first).days)
    if without is not None:
        inside &= (row < (without[0] - first).days) | (row > (without[1] - first).days)
    sums = np.bincount((first.weekday() + row[inside]) % 7, counts[inside], 7)
    return [ratio(7.0 * x, sums.sum()) for x in sums]


def black_friday(first: date, counts: npt.NDArray[np.int64]) -> Figures:
    """Black Friday of the last year in which the days around it are in the data; nothing where there is none."""
    for year in range((first + timedelta(days=counts.size)).year, first.year - 1, -1):
        november = date(year, 11, 1)
        friday = november + timedelta(days=(3 - november.weekday()) % 7 + 22)
        at = (friday - first).days
        if at < 28 or at + 28 > counts.size:
            continue
        around = np.concatenate([counts[at - 28 : at], counts[at + 7 : at + 28]])
        usual, day = float(around.mean()), int(counts[at])
        if not usual:
            continue
        monday = float(counts[at - 4 : at + 3].sum())
        found = {
            "day_orders": day,
            "baseline_per_day": usual,
            "day_multiple": day / usual,
            "day_multiple_se": day**0.5 / usual,
            "week_mon_sun_multiple": monday / 7.0 / usual,
            "week_fri_thu_multiple": float(counts[at : at + 7].sum()) / 7.0 / usual,
            "week_multiple_se": monday**0.5 / 7.0 / usual,
        }
        return {"black_friday": found}
    return {}
