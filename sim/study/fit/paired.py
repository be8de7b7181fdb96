"""Parameters that are set by simulated moments: each has one moment that moves with it most.

| parameter | moment of the shops |
|---|---|
| `size.median_daily_sales` | median of log mean daily sales |
| `size.sigma` | log of (90 % less 10 % quantile of the same) / 2.563 |
| `demand.volatility` | median log (10-90 % range / 2.563) of weekly growth beyond the week's median shop's |
| `demand.volatility_sigma` | interquartile range / 1.349 of the same |
| `demand.weekly_autocorrelation` | median autocorrelation of detrended log weekly orders, one and two weeks apart |
| `demand.daily_noise` | median squared spread within the week beyond chance |
| `trade.growth` | median log growth a year between the ends of a shop's life |
| `trade.growth_spread` | interquartile range / 1.349 of the same |
| `exits.hazard` | root of leavings a year lived |
| `exits.returns` | share of old leavings that ended |
| `season.festival_low` | log of orders in the week of the Spring Festival over those around |
| `spells.festival` | share of shops without an order in that week |
| `spells.rest` | root of closures a year open |
| `spells.hot` | root of the share of days above twice those around |
| `spells.hot_lift` | mean log of these days over twice those around |
| `spells.rest_days` | mean days of closures beyond their least |
| `spells.rest_sigma` | log of the deviation over the mean of shops' shares of days without orders |
| `spells.rest_level` | share with a day with orders of weeks with at most one such day |
| `spells.day_off` | share of single days without orders, of shops with ten a day |
| `spells.slack` | share of days with orders, but fewer than a quarter of those around |
| `spells.youth` | root of closures in the first 14 days of a life, a shop |
| `spells.hot_sigma` | share of shops with any day above twice those around |
| `spells.hot_lift_sigma` | deviation over the mean of the logs of these days over twice those around |
| `season.own_festival` | 10-90 % range / 2.563 of orders in the week of the Spring Festival over those around |
| `entrants.climb` | mean log of a shop's first seven days over those of its third and fourth month |
| `entrants.climb_days` | the same of its third and fourth week |
| `demand.jump_share` | share of weekly growth beyond three robust deviations of the shop |
| `trade.order_value` | median log value of an order |
| `trade.order_value_slope` | squared 10-90 % range of log orders less that of log values, over that of sales |
| `trade.order_value_sigma` | the same of log values |
| `trade.order_value_skew` | (90 % + 10 % - 2 x 50 % quantile) over (90 - 10 %) of the same |

The last four only where values of orders are known: the spreads of sales, of orders and of values are then all met
where the model can. Where sizes are of orders (`sim.study.fit.sizes.measure_of`), the lower and the upper half of log
orders set the two halves of the body, `size.sigma` and `size.upper`; the slope is set by the correlation of both logs.

They cannot be read off the data directly: chance in counts, days out of stock, short series (which bias an
autocorrelation downwards) and the selection of those who stay are in the data, and are in the simulated shops too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.study.fit.own_days import own_figures
from sim.study.fit.shops import leavings, shop_figures
from sim.study.fit.sizes import lower_spread
from sim.study.fit.spells import LONGEST_REST, closures, feast_figures, spike_figures
from sim.study.moments.describe import Floats, finite
from sim.study.moments.shop_days import ShopDays

Figures = Mapping[str, Floats]
LEAST_SHOPS = 15  # shops that must have a figure for its moment to count
MOST_UNLIKE = 0.6  # spread of volatility beyond which the most volatile shops would hardly sell on most days
LEAST_SPREAD = 0.01  # of parameters that are searched on a logarithmic scale


def middle(values: Floats) -> float:
    known = finite(values)
    return float(np.median(known)) if known.size >= LEAST_SHOPS else math.nan


def range_of(values: Floats, low: float = 0.25, high: float = 0.75, normal: float = 1.349) -> float:
    known = finite(values)
    if known.size < LEAST_SHOPS:
        return math.nan
    a, b = np.quantile(known, [low, high])
    return float(b - a) / normal


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan


def _exit_rate(figures: Figures) -> float:
    exposure = figures["exposure"].sum() / 365.0
    exits = figures["exits"].sum()
    return math.sqrt(exits / exposure) if exposure > 0 else math.nan


def _balance(figures: Figures) -> float:
    """1 - 2 slope, were sizes, the slope and the spread of values all there is: it moves with the slope alone."""
    orders, values, sales = (
        range_of(one, 0.1, 0.9, 2.563) ** 2 for one in (figures["log_orders"], _values(figures), figures["log_sales"])
    )
    return (orders - values) / sales if sales > 0 else math.nan


def _returned(figures: Figures) -> float:
    old = float(figures["followed"].sum())
    return float(figures["returned"].sum()) / old if old > 0 else math.nan


def _feast(figures: Figures) -> float:
    usual = float(figures["feast_usual"].sum())
    return _log(float(figures["feast_orders"].sum()) / usual) if usual > 0 else math.nan


def _share(figures: Figures, part: str, whole: str) -> float:
    n = float(figures[whole].sum())
    return float(figures[part].sum()) / n if n > 0 else math.nan


def skew_of(values: Floats) -> float:
    """How much further the 90 % than the 10 % quantile lies from the median, over their distance."""
    known = finite(values)
    if known.size < LEAST_SHOPS:
        return math.nan
    low, half, high = np.quantile(known, [0.1, 0.5, 0.9])
    return float((high + low - 2.0 * half) / (high - low)) if high > low else math.nan


def _mean(values: Floats) -> float:
    known = finite(values)
    return float(known.mean()) if known.size >= LEAST_SHOPS else math.nan


def _unlike(values: Floats) -> float:
    """Deviation over mean."""
    return float(values.std() / values.mean()) if values.size and values.mean() > 0 else math.nan


def _height_spread(figures: Figures) -> float:
    n, height = float(figures["high"].sum()), float(figures["height"].sum())
    if n < 2 or height <= 0:
        return math.nan
    mean = height / n
    return math.sqrt(max(float(figures["squares"].sum()) / n - mean * mean, 0.0)) / mean


def _alike(figures: Figures) -> float:
    """Correlation of log values and log orders."""
    values, orders = _values(figures), figures["log_orders"]
    return float(np.corrcoef(values, orders)[0, 1]) if values.std() > 0 and orders.std() > 0 else math.nan


def _values(figures: Figures) -> Floats:
    return figures["log_sales"] - figures["log_orders"]


@dataclass(frozen=True)
class Pair:
    """A parameter, how it is searched, and the moment that sets it.

    ``step`` is that of the finite difference on the scale of the search, ``unit`` what the file writes after the
    number, ``is_log`` says that the moment is a logarithm. ``least`` is the relative error below which no moment is
    held, however many shops there are: wider where the model often cannot meet it, lest the others pay for it.
    """

    key: str
    says: str
    moment: Callable[[Figures], float]
    low: float
    high: float
    scale: str = "log"
    step: float = 0.15
    unit: str = ""
    is_log: bool = True
    least: float = 0.03

    def to_search(self, value: float) -> float:
        """The parameter on the scale of the search: itself, its log, or its logit."""
        if self.scale == "plain":
            return value
        held = min(max(value, self.low), self.high)
        return math.log(held) if self.scale == "log" else math.log(held / (1.0 - held))

    def from_search(self, place: float) -> float:
        """The parameter at a place of the search, within its bounds."""
        if self.scale == "plain":
            value = place
        elif self.scale == "log":
            value = math.exp(min(place, 50.0))
        else:
            value = 1.0 / (1.0 + math.exp(-min(max(place, -30.0), 30.0)))
        return min(max(value, self.low), self.high)

    def slope(self, place: float) -> float:
        """Change of the parameter with the place: turns a standard error on one scale into that on the other."""
        value = self.from_search(place)
        return {"plain": 1.0, "log": value, "logit": value * (1.0 - value)}[self.scale]


PAIRS = (
    Pair("size.median_daily_sales", "median log mean daily sales",
         lambda f: middle(f["log_sales"]), 1.0, 100_000.0, unit=" yuan"),
    Pair("size.sigma", "log of the 10-90 % range of log mean daily sales",
         lambda f: _log(range_of(f["log_sales"], 0.1, 0.9, 2.563)), 0.1, 3.0),
    Pair("demand.volatility", "median log deviation of weekly growth",
         lambda f: middle(f["log_deviation"]), LEAST_SPREAD, 2.0),
    Pair("demand.volatility_sigma", "interquartile range of the same",
         lambda f: range_of(f["log_deviation"]), LEAST_SPREAD, MOST_UNLIKE, is_log=False, least=0.15),
    Pair("demand.weekly_autocorrelation", "median autocorrelation of detrended weeks, mean of one and two apart",
         lambda f: 0.5 * (middle(f["autocorrelation"]) + middle(f["autocorrelation_2"])),
         0.02, 0.98, "logit", 0.3, is_log=False),
    Pair("demand.daily_noise", "median squared spread within the week beyond chance",
         lambda f: middle(f["daily"]), LEAST_SPREAD, 1.0, is_log=False),
    Pair("trade.growth", "median log growth a year",
         lambda f: middle(f["growth"]), -0.9, 5.0, "plain", 0.15, is_log=False),
    Pair("trade.growth_spread", "interquartile range of log growth a year",
         lambda f: range_of(f["growth"]), LEAST_SPREAD, 3.0, is_log=False, least=0.1),
    Pair("exits.hazard", "root of leavings a year lived",
         _exit_rate, 1e-7, 0.5, step=0.5, is_log=False),
    Pair("exits.returns", "share of leavings that ended, of those 120 days old",
         _returned, 0.01, 0.99, "logit", 0.5, is_log=False, least=0.05),
    Pair("season.festival_low", "log of orders in the week of the Spring Festival over those around",
         _feast, 0.05, 3.0),
    Pair("spells.festival", "share of shops without an order in that week",
         lambda f: _share(f, "feast_shut", "feast_shops"), 0.001, 0.999, "logit", 0.4, is_log=False),
    Pair("spells.rest", "root of closures a year open",
         lambda f: math.sqrt(365.0 * _share(f, "closures", "open_days")), 1e-5, 0.2, step=0.3, is_log=False),
    Pair("spells.hot", "root of the share of days above twice those around",
         lambda f: math.sqrt(_share(f, "high", "seen")), 1e-5, 0.1, step=0.3, is_log=False),
    Pair("spells.hot_lift", "mean log of these days over twice those around",
         lambda f: _share(f, "height", "high"), 1.05, 100.0, step=0.2, is_log=False),
    Pair("spells.rest_sigma", "log of deviation over mean of shops' shares of days without orders",
         lambda f: _log(_unlike(f["shut_share"])), 0.05, 3.0, step=0.2),
    Pair("spells.youth", "root of closures in the first 14 days of a life, a shop",
         lambda f: math.sqrt(f["early_closures"].mean()), 1e-4, 0.5, step=0.3, is_log=False),
    Pair("spells.rest_days", "mean days of closures beyond their least",
         lambda f: _share(f, "shut_beyond", "closures"), 2.0, LONGEST_REST, step=0.3, unit=" days", is_log=False),
    Pair("spells.rest_level", "share with a day with orders of weeks with at most one",
         lambda f: _share(f, "one_day", "shut_weeks"), 1e-6, 0.1, step=0.4, is_log=False, least=0.05),
    Pair("spells.day_off", "single days without orders, of shops with ten a day",
         lambda f: _share(f, "days_off", "days_open"), 1e-5, 0.2, step=0.3, is_log=False, least=0.05),
    Pair("spells.slack", "share of days with orders, but fewer than a quarter of those around",
         lambda f: _share(f, "low", "seen"), 1e-5, 0.2, step=0.3, is_log=False, least=0.05),
    Pair("spells.hot_sigma", "share of shops with any day above twice those around",
         lambda f: _share(f, "any_spike", "spikes_seen"), 0.05, 3.0, step=0.2, is_log=False),
    Pair("spells.hot_lift_sigma", "deviation over mean of logs of these days over twice those around",
         _height_spread, 0.02, 2.0, step=0.2, is_log=False),
    Pair("season.own_festival", "10-90 % range of orders in the week of the Spring Festival over those around",
         lambda f: range_of(f["feast_multiple"], 0.1, 0.9, 2.563), 0.02, 2.0, is_log=False),
    Pair("entrants.climb", "mean log of the first seven days over the third and fourth month",
         lambda f: _mean(f["early"]), 0.02, 5.0, step=0.2, is_log=False, least=0.05),
    Pair("entrants.climb_days", "the same of the third and fourth week",
         lambda f: _mean(f["next"]), 2.0, 120.0, step=0.4, unit=" days", is_log=False, least=0.1),
    Pair("demand.jump_share", "share of weekly growth beyond three robust deviations of the shop",
         lambda f: _share(f, "wild", "wild_of"), 0.01, 0.95, "logit", 0.4, is_log=False, least=0.05),
    Pair("trade.order_value", "median log value of an order",
         lambda f: middle(_values(f)), 1.0, 100_000.0, unit=" yuan"),
    Pair("trade.order_value_slope", "squared 10-90 % range of log orders less that of log values, over that of sales",
         _balance, -0.9, 0.9, "plain", -0.15, is_log=False, least=0.1),
    Pair("trade.order_value_sigma", "log of the 10-90 % range of log values",
         lambda f: _log(range_of(_values(f), 0.1, 0.9, 2.563)), 0.05, 2.0),
    Pair("trade.order_value_skew", "quantile skew of the same",
         lambda f: skew_of(_values(f)), -0.99, 0.99, "plain", 0.15, is_log=False, least=0.2),
)  # fmt: skip
OF_ORDERS = {
    "size.median_daily_sales": Pair("size.median_daily_sales", "median log mean daily orders",
         lambda f: middle(f["log_orders"]), 1.0, 100_000.0, unit=" yuan"),
    "size.sigma": Pair("size.sigma", "log of the 10-50 % range of log mean daily orders",
         lambda f: math.log(lower_spread(f["log_orders"])), 0.1, 3.0),
    "size.upper": Pair("size.upper", "log of the 50-90 % range of log mean daily orders",
         lambda f: _log(range_of(f["log_orders"], 0.5, 0.9, 1.2816)), 0.1, 20.0),
    "trade.order_value_slope": Pair("trade.order_value_slope", "correlation of log values and log orders",
         _alike, -2.0, 2.0, "plain", 0.15, is_log=False, least=0.2),
}  # fmt: skip
"""What takes the place of the pair of the same key where sizes are of orders."""


def pairs_for(measure: str) -> tuple[Pair, ...]:
    """The pairs where the law of sizes is of sales, or of orders."""
    if measure != "orders":
        return PAIRS
    return (*(OF_ORDERS.get(pair.key, pair) for pair in PAIRS), OF_ORDERS["size.upper"])


def figures_of(days: ShopDays, value: float | None = None) -> dict[str, Floats]:
    """Every figure of each shop that a moment needs, (shops,)."""
    found = shop_figures(days, value) | leavings(days) | closures(days) | spike_figures(days) | feast_figures(days)
    return found | own_figures(days)


def moments_of(figures: Figures, pairs: tuple[Pair, ...] = PAIRS) -> Floats:
    """The moments of the pairs, (pairs,); NaN where there are too few shops."""
    return np.array([pair.moment(figures) for pair in pairs])


def taken(figures: Figures, who: npt.NDArray[np.int64]) -> dict[str, Floats]:
    """The figures of the shops ``who``, which may be named more than once."""
    return {name: values[who] for name, values in figures.items()}
