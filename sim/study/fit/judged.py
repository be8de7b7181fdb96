"""The moments by which a fit is judged: each of the data beside the same of the simulated shops.

Most are figures of `sim.study.moments`, and most of them set no parameter. ``group`` says where a reader looks for
them; ``about`` why the model may miss one whatever its parameters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.study.fit.shops import own_autocorrelation, series_of
from sim.study.moments.describe import finite, median
from sim.study.moments.growth import by_month, by_week
from sim.study.moments.rhythm import by_weekday, events, within_week
from sim.study.moments.sellers import survival
from sim.study.moments.shop_days import ShopDays
from sim.study.moments.sizes import sizes
from sim.study.moments.spells import spells, spikes

LAGS = (1, 2, 4, 8)
CLOSE, TWICE = 0.15, 2.0  # within 15 %, or twice the noise of the data: then a moment is met
FIXED = {
    "closures": "lengths of rests have one law, whatever the shop, and 120 days at most",
    "festivals": "the Spring Festival has a shape that is the model's",
    "weekly growth": "jumps of demand are normal and fade like other shocks; the rarest real ones are wilder",
    "spikes": "hot products have one length, and their heights one law",
}
"""Groups of which no parameter of the model tells, and why."""


@dataclass(frozen=True)
class Judged:
    """One moment: real, simulated, and the sampling noise (standard error over merchants) of the real one."""

    name: str
    group: str
    real: float
    simulated: float
    noise: float

    @property
    def is_met(self) -> bool:
        """Whether the simulated moment is within 15 % of the real one, or within twice its noise."""
        gap = abs(self.simulated - self.real)
        noise = self.noise if math.isfinite(self.noise) else 0.0
        return bool(gap <= max(CLOSE * abs(self.real), TWICE * noise))

    @property
    def about(self) -> str:
        """Why the model may miss it; empty where it should not."""
        return "" if self.is_met else FIXED.get(self.group, "")


def judged_moments(days: ShopDays) -> dict[str, tuple[str, float]]:
    """Moments by name, each with its group; NaN where the days do not give one."""
    return {name: (group, math.nan if value is None else float(value)) for group, name, value in _all(days)}


def _all(days: ShopDays) -> Iterator[tuple[str, str, Any]]:
    size = sizes(days)
    for name, short in _SIZES.items():
        for figure in ("mean", "median", "p90", "p99", "gini", "top10", "lognorm_sigma"):
            if name in size:
                yield "sizes", f"{short}: {_SAID[figure]}", size[name][figure]
    yield "zero days", "share of days without orders", size["zero_day_share_since_first_sale"]
    for k, share in enumerate(size["zero_day_share_by_size_quintile"]):
        yield "zero days", f"the same, {_FIFTHS[k]} fifth of shops", share
    spell = spells(days)
    yield "closures", "closures of 7 days or more, a shop-month", spell["closure_spells_7d_plus_per_shop_month"]
    yield "leaving", "shops silent on the last 28 days", spell["share_shops_silent_last_28d"]
    yield from _survivals(days)
    yield from _persistence(days)
    week = by_week(days)
    for p in ("p25", "p50", "p75"):
        yield "weeks", f"deviation of weekly growth by shop, {p}", week["weekly_log_growth_sd_by_shop"][p]
    for k, value in enumerate(week["weekly_log_growth_sd_by_size_quartile"]):
        yield "weeks", f"the same, quarter {k + 1} of shops by size", value
    for p in ("mean", "sd", "p5", "p25", "p75", "p95"):
        yield "weekly growth", f"weekly growth, all together, {p}", week["weekly_log_growth_pooled"][p]
    yield (
        "weeks",
        "spread within the week beyond chance",
        within_week(days)["daily_cv_within_week_beyond_poisson_median"],
    )
    month = by_month(days)
    for p in ("p10", "p50", "p90"):
        yield "months", f"monthly growth, all together, {p}", month["monthly_log_growth_pooled"][p]
    yield "months", "deviation of monthly growth by shop, p50", month["monthly_log_growth_sd_by_shop"]["p50"]
    yield "months", "autocorrelation of monthly growth", month["monthly_growth_autocorr_lag1"]
    yield "months", "share of monthly growth common to all", month["share_of_monthly_growth_variance_common"]
    for day, value in zip(_DAYS, by_weekday(days)["weekday_index_mon_sun"], strict=True):
        yield "weekdays", f"index of {day}", value
    found = spikes(days)
    for k in (2, 3):
        yield "spikes", f"days over {k} times those around", found[f"spike_days_over_{k}x_local_median_share"]
    yield "spikes", "days under a quarter of those around", found["drop_days_under_0.25x_local_median_share"]
    for name, figures in events(days)["events"].items():
        group = "festivals" if "festival" in name or "week" in name or "labour" in name else "promotions"
        yield group, f"{name.replace('_', ' ')}: orders over those around", figures["aggregate_multiple"]


def _survivals(days: ShopDays) -> Iterator[tuple[str, str, Any]]:
    last = days.n_days - 1 - np.argmax(days.orders[::-1] > 0, axis=0)
    curve = survival(days.opened.astype(np.float64), last.astype(np.float64), float(days.n_days - 1), 60)
    for months in ("3", "6", "12"):
        yield "leaving", f"shops that still sell after {months} months", curve[months]


def _persistence(days: ShopDays) -> Iterator[tuple[str, str, Any]]:
    rest = series_of(days)
    for lag in LAGS:
        own = own_autocorrelation(rest, lag) if rest.shape[0] > lag + 2 else np.zeros(0)
        yield "persistence", f"autocorrelation of detrended weeks, lag {lag}", median(own)
        if lag == 1 and finite(own).size:
            for q in (25, 75):
                yield "persistence", f"the same by shop, p{q}", np.quantile(finite(own), q / 100)


def judge(real: ShopDays, worlds: Sequence[ShopDays], noise: Mapping[str, float]) -> list[Judged]:
    """Lay the moments of real shops beside the mean over simulated markets; what the real do not give is left out."""
    theirs = [judged_moments(world) for world in worlds]
    return [
        Judged(
            name,
            group,
            value,
            float(np.mean([moments.get(name, (group, math.nan))[1] for moments in theirs])),
            noise.get(name, math.nan),
        )
        for name, (group, value) in judged_moments(real).items()
        if math.isfinite(value)
    ]


def resampled(days: ShopDays, who: npt.NDArray[np.int64]) -> ShopDays:
    """The shops at some places, which may be named more than once."""
    value = None if days.value is None else days.value[who]
    return ShopDays(days.first, days.orders[:, who], value)


_SIZES = {
    "size_mean_daily_payments": "daily orders",
    "size_last_12_weeks_daily_payments": "last 12 weeks",
    "size_last_12_weeks_daily_value": "last 12 weeks, yuan",
}
_SAID = {
    "mean": "mean", "median": "median", "p90": "p90", "p99": "p99", "gini": "Gini", "top10": "share of the top 10 %",
    "lognorm_sigma": "deviation of logs",
}  # fmt: skip
_FIFTHS = ("smallest", "second", "third", "fourth", "largest")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
