"""Where the search begins, and what is too rare to be searched for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from sim.study.fit.direct import LEAST_EXITS
from sim.study.fit.direct import direct as estimate
from sim.study.fit.estimates import DIRECT, Estimate
from sim.study.fit.paired import OF_ORDERS, Pair, skew_of
from sim.study.fit.sizes import lower_spread
from sim.study.fit.spells import LEAST_CLOSURES, LEAST_SPIKES, USUAL_FALL, rest_chance, rests
from sim.study.moments.describe import Floats
from sim.study.moments.shop_days import FEW

FEW_EXITS = 6  # leavings below which their rate is read off, not searched for
MANY_CLOSURES = 100  # closures without which shops of one size are taken to rest alike
MANY_ENTRANTS, LEAST_CLIMB = 50, 0.2  # entrants that tell how they begin, and how far below their size, in logs
LEAST_WILD, MANY_WEEKS = 0.015, 3_000  # share of wild weeks from which there are jumps, five normal ones, of so many
LEAST_SKEW = 0.15  # of log values of an order, below which they are lognormal
DEPTH = 0.8  # mean dip of the week of the Spring Festival over that of its day, as `sim.world.season` shapes it


def all_came_back(figures: Mapping[str, Floats]) -> bool:
    """Whether all who fell silent long before the end sold again, and there were enough of them to say so."""
    old = float(figures["followed"].sum())
    return old >= LEAST_EXITS and float(figures["returned"].sum()) == old


def unseen(figures: Mapping[str, Floats]) -> tuple[str, ...]:
    """Keys of parameters whose events are too rare in the data to search for them."""
    old, back = float(figures["followed"].sum()), float(figures["returned"].sum())
    found: tuple[str, ...] = ()
    if figures["exits"].sum() < FEW_EXITS or all_came_back(figures):
        found += ("exits.hazard",)
    if old < LEAST_EXITS or back in (0.0, old):
        found += ("exits.returns",)
    if figures["feast_shops"].sum() < FEW:
        found += ("season.festival_low", "spells.festival")
    if figures["closures"].sum() < LEAST_CLOSURES:
        found += ("spells.rest",)  # and all that begins so
    if figures["high"].sum() < LEAST_SPIKES:
        found += ("spells.hot",)
    if figures["closures"].sum() < MANY_CLOSURES:
        found += ("spells.rest_sigma",)
    if figures["one_day"].sum() < LEAST_CLOSURES:
        found += ("spells.rest_level",)
    if figures["days_off"].sum() < LEAST_SPIKES:
        found += ("spells.day_off",)
    if figures["low"].sum() < LEAST_SPIKES:
        found += ("spells.slack",)
    if figures["early_closures"].sum() < LEAST_CLOSURES:
        found += ("spells.youth",)
    if np.isfinite(figures["feast_multiple"]).sum() < FEW:
        found += ("season.own_festival",)
    if np.isfinite(figures["early"]).sum() < MANY_ENTRANTS or np.nanmean(figures["early"]) > -LEAST_CLIMB:
        found += ("entrants.climb",)
    if figures["wild"].sum() < LEAST_WILD * max(figures["wild_of"].sum(), MANY_WEEKS):
        found += ("demand.jump_share",)
    if abs(skew_of(figures["log_sales"] - figures["log_orders"])) < LEAST_SKEW:
        found += ("trade.order_value_skew",)
    return found


def rare(figures: Mapping[str, Floats], values: Mapping[str, float], searched: set[str], n_days: int) -> list[Estimate]:
    """Estimates, read off, of what is too rare to be searched for."""
    found = []
    exits, n_shops = float(figures["exits"].sum()), figures["exits"].size
    if all_came_back(figures):
        says = f"all {figures['followed'].sum():.0f} old silences ended: they are rests"
        found.append(Estimate("exits.hazard", 0.0, math.nan, DIRECT, says))
        found.append(Estimate("exits.ruin_hazard", 0.0, math.nan, DIRECT, "the same: who gave up is not in the file"))
    elif exits < FEW_EXITS:  # too few to search for; chance alone is their root
        level = values["exits.hazard"] if exits else 0.0
        one = estimate({**figures, "exits": np.full(n_shops, 1.0 / n_shops)}, n_days)["exits.hazard"]
        says = f"{exits:.0f} leavings over the days on which they would be seen"
        found.append(Estimate("exits.hazard", level, one * math.sqrt(max(exits, 1.0)), DIRECT, says))
    if figures["closures"].sum() < LEAST_CLOSURES:
        n = float(figures["closures"].sum())
        one = rest_chance({**figures, "closures": np.full(n_shops, 1.0 / n_shops)}, USUAL_FALL)
        says = f"{n:.0f} closures over the days on which they could begin"
        found.append(Estimate("spells.rest", min(n * one, 0.2), one * math.sqrt(max(n, 1.0)), DIRECT, says))
    if "spells.festival" not in searched and figures["feast_shops"].sum() >= FEW:
        share = float(figures["feast_shut"].sum() / figures["feast_shops"].sum())
        says = "shops without an order in the week of the Spring Festival"
        found.append(Estimate("spells.festival", share, math.nan, DIRECT, says))
    return found


def begin(pair: Pair, figures: Mapping[str, Floats], fall: float) -> float:
    """Where the search for a parameter begins; ``fall`` is how the chance to rest falls with orders."""
    moment = pair.moment(figures)
    starts: dict[str, Callable[[], float]] = {
        "size.median_daily_sales": lambda: math.exp(moment),
        "size.sigma": lambda: math.exp(moment),
        "demand.volatility": lambda: 1.2 * math.exp(moment),
        "demand.volatility_sigma": lambda: 0.8 * moment,
        "demand.weekly_autocorrelation": lambda: min(max(moment + 0.2, 0.1), 0.9),
        "demand.daily_noise": lambda: math.sqrt(max(moment, 0.0004)),
        "trade.growth": lambda: moment,
        "trade.growth_spread": lambda: 0.5 * moment,
        "exits.hazard": lambda: estimate(figures, 1)["exits.hazard"],
        "exits.returns": lambda: moment,
        "season.festival_low": lambda: 1.0 - (1.0 - _of_the_open(figures)) / DEPTH,
        "spells.festival": lambda: moment * float(np.mean((1.0 + figures["open_pace"]) ** fall)),
        "spells.rest": lambda: rest_chance(figures, fall),
        "spells.hot": lambda: 0.25 * moment * moment,
        "spells.hot_lift": lambda: 2.5 * math.exp(moment),
        "spells.rest_sigma": lambda: 1.5,
        "spells.youth": lambda: moment * moment / 6.0,
        "spells.rest_days": lambda: rests(figures, math.nan)["spells.rest_days"],
        "spells.rest_level": lambda: 0.0003,
        "spells.day_off": lambda: moment,
        "spells.slack": lambda: moment,
        "size.upper": lambda: math.exp(moment) / lower_spread(figures["log_orders"]),
        "spells.hot_sigma": lambda: 1.0,
        "spells.hot_lift_sigma": lambda: 0.4,
        "season.own_festival": lambda: moment,
        "entrants.climb": lambda: -moment,
        "entrants.climb_days": lambda: 8.0,
        "demand.jump_share": lambda: 0.4,
        "trade.order_value_skew": lambda: 1.5 * moment,
        "trade.order_value": lambda: math.exp(moment),
        "trade.order_value_slope": lambda: _values_on_sales(figures)[0],
        "trade.order_value_sigma": lambda: _values_on_sales(figures)[1],
    }
    if pair is OF_ORDERS.get(pair.key):
        starts |= {
            "size.median_daily_sales": lambda: math.exp(float(np.median(figures["log_sales"]))),
            "trade.order_value_slope": lambda: moment,
        }
    return min(max(starts[pair.key](), pair.low), pair.high)


def _of_the_open(figures: Mapping[str, Floats]) -> float:
    """Orders in the week of the Spring Festival over those around, of shops that are open then."""
    shut = float(figures["feast_shut"].sum() / figures["feast_shops"].sum())
    return float(figures["feast_orders"].sum() / figures["feast_usual"].sum()) / max(1.0 - shut, 0.1)


def _values_on_sales(figures: Mapping[str, Floats]) -> tuple[float, float]:
    """Slope of log values on log sales by least squares, and the deviation around the line."""
    sales, value = figures["log_sales"], figures["log_sales"] - figures["log_orders"]
    covariance = np.cov(sales, value)
    slope = float(covariance[0, 1] / max(covariance[0, 0], 1e-9))
    return slope, math.sqrt(max(float(covariance[1, 1]) - slope * float(covariance[0, 1]), 0.01))
