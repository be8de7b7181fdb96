"""The fit itself: direct estimates, the common path, simulated moments, and the judgement, in this order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sim.core.money import FEN_PER_YUAN
from sim.study.fit.adjust import TRIALS, Found, errors_of, search
from sim.study.fit.begin import all_came_back, begin, rare, unseen
from sim.study.fit.common import Common, common_of
from sim.study.fit.direct import direct as estimate
from sim.study.fit.entries import waves_of
from sim.study.fit.estimates import ASSUMED, DIRECT, SIMULATED, UNKNOWN, Estimate, Fit
from sim.study.fit.holidays import events_of, holidays_of, settled_holidays
from sim.study.fit.judgement import MARKETS, NOISES, judge_on
from sim.study.fit.own_days import weekday_halves
from sim.study.fit.paired import Pair, figures_of, moments_of, pairs_for, taken
from sim.study.fit.plan import common_estimates, equity_of, plan_of
from sim.study.fit.promotions import settled
from sim.study.fit.read import Observed
from sim.study.fit.resample import spread_of
from sim.study.fit.simulate import World, calendar_of
from sim.study.fit.sizes import measure_of
from sim.study.fit.spells import USUAL_FALL, hot_days_settled, weekday_sums
from sim.study.moments.describe import Floats
from sim.world.calendar import Season

SAMPLES = 200  # resamples of merchants for standard errors of parameters
FEWEST, MOST = 1_500, 2_000  # merchants of a simulated market
SETTLINGS = 3  # times that holidays are corrected by what simulated shops sell on them
GROWTH_DAYS = 300  # days without which growth is not told from chance, nor hot products from volatility

Tell = Callable[[int, int], None]
_SAYS = {
    "size.tail_share": (DIRECT, "maximum likelihood, larger half of the shops", ""),
    "size.tail_exponent": (DIRECT, "the same", ""),
    "entry.present": (DIRECT, "shops first seen within the first days or weeks", ""),
    "entry.over": (DIRECT, "wait of the others: twice its mean, or the last", " days"),
    "trade.growth_pivot": (DIRECT, "age in the middle of what is seen of shops", " days"),
    "exits.orders_exponent": (DIRECT, "Poisson regression of leavings on log orders a quarter", ""),
    "exits.returns": (DIRECT, "leavings that ended, of those 120 days old", ""),
    **{
        f"season.{day}": (DIRECT, "orders by weekday over the mean of the seven", "")
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    },
    "spells.orders_exponent": (DIRECT, "Poisson regression of closures on log orders a day", ""),
    "spells.festival_days": (DIRECT, "mean days of closures over the Spring Festival", " days"),
    "season.own_weekend": (DIRECT, "what both halves of a shop's weeks agree on", ""),
    "season.own_weekdays": (DIRECT, "the same", ""),
    "spells.hot_days": (DIRECT, "mean run of days above twice those around", " days"),
    "trade.return_rate": (DIRECT, "value that came back", ""),
    "trade.confirmation": (DIRECT, "mean days from order to confirmation", " days"),
}
_RARE = {
    "exits.returns": "too few shops left long before the end, or all came back",
    "season.festival_low": "no Spring Festival in the data, or fewer than 20 shops that tell of it",
    "spells.festival": "the same",
    "spells.hot": "fewer than 200 days above twice those around, or too short to tell them from volatility",
    "spells.hot_lift": "the same",
    "spells.rest_sigma": "too few closures, or too short",
    "spells.rest_level": "hardly any weeks with orders on one day at most",
    "spells.day_off": "hardly any such days",
    "spells.slack": "hardly any such days, or too short",
    "spells.youth": "fewer than 20 closures in the first 14 days of a life",
    "season.own_festival": "no Spring Festival in the data, or fewer than 20 shops that tell of it",
    "entrants.climb": "too few or too short lives from their beginning, or no sign of it",
    "demand.jump_share": "hardly more wild weeks than normal shocks have",
    "trade.order_value_skew": "values are lognormal as far as they tell",
}
_OF_LONG = ("spells.hot", "entrants", "spells.rest_sigma", "spells.slack")
_BOUNDS = {"trade.confirmation": (4.0, 60.0), "entry.over": (1.0, 3650.0)}


def fit(observed: Observed, base: Path, seed: int = 1, tell: Tell | None = None) -> Fit:
    """Estimate the merchants' side of a scenario from orders.

    Parameters
    ----------
    base
        The scenario that is extended: what orders do not tell is taken from it.
    seed
        Luck of resamples and of the simulated markets.
    tell
        Called with steps done and all steps.
    """
    from sim.engine.scenario import load

    days = observed.days
    start = load(base)
    usual = start.merchants.trade.order_value / FEN_PER_YUAN
    figures = figures_of(days, usual) | _more(observed)
    measure = measure_of(figures)
    candidates = pairs_for(measure)
    real, (errors, covariance) = (
        moments_of(figures, candidates),
        spread_of(lambda who: moments_of(taken(figures, who), candidates), days.n_shops, SAMPLES, seed),
    )
    is_used = np.isfinite(real) & np.isfinite(errors) & (np.nan_to_num(errors) > 0)
    unknown = ("trade.growth",) * (days.n_days < GROWTH_DAYS) + ("trade.order_value",) * (not _differ(days.value))
    unknown += unseen(figures) + _OF_LONG * (days.n_days < GROWTH_DAYS)
    is_used &= np.array([not pair.key.startswith(unknown) for pair in candidates])
    pairs = tuple(pair for pair, used in zip(candidates, is_used, strict=True) if used)
    real, errors, covariance = real[is_used], errors[is_used], covariance[np.ix_(is_used, is_used)]
    floor = np.array([pair.least for pair in pairs]) * np.where([pair.is_log for pair in pairs], 1.0, np.abs(real))
    errors = np.maximum(errors, floor)
    work = _Work(tell, 1 + 2 * len(pairs) + TRIALS + MARKETS + NOISES)

    direct = _direct(figures, observed, seed, {pair.key for pair in pairs})
    sizes = {"merchants.size.measure": measure, "merchants.entry.waves": list(waves_of(figures)) or [1.0]}
    season = Season.model_validate({one.key[7:]: one.value for one in direct if one.key.startswith("season.")})
    common = common_of(days, season)
    n_simulated = int(np.clip(3 * days.n_shops, FEWEST, MOST))
    world = World(base, days, n_simulated, seed, work.done)
    holidays = holidays_of(days, common.promotions)
    plan = plan_of(direct, common, start) | sizes | events_of(holidays)

    def tried_at(place: Floats) -> dict[str, Any]:
        # without the market's shock: its path in a trial would pass for the merchants' own doing
        tried = plan | {"merchants.demand.market_shock": 0.0}
        return tried | {f"merchants.{p.key}": _written(p, at) for p, at in zip(pairs, place, strict=True)}

    def moments(place: Floats) -> Floats:
        return moments_of(figures_of(world.shops(tried_at(place)), usual), pairs)

    fall = next((one.value for one in direct if one.key == "spells.orders_exponent"), USUAL_FALL)
    place = np.array([pair.to_search(begin(pair, figures, fall)) for pair in pairs])
    if "spells.hot" in {pair.key for pair in pairs}:
        direct = hot_days_settled(direct, figures, lambda days: world.shops({**tried_at(place), **days}))
        plan = plan_of(direct, common, start) | sizes | events_of(holidays)
    found = search(pairs, place, real, errors, moments)
    work.reached(1 + 2 * len(pairs) + TRIALS)
    plan |= {f"merchants.{p.key}": _written(p, at) for p, at in zip(pairs, found.place, strict=True)}
    if common.promotions:
        lived = world.shops(plan | {"merchants.demand.market_shock": 0.0})
        common = replace(common, promotions=settled(common.promotions, lived, season))
    for _ in range(SETTLINGS if holidays else 0):
        lived = world.shops(plan | {"merchants.demand.market_shock": 0.0} | events_of(holidays))
        holidays = settled_holidays(holidays, days, lived)
    plan = plan_of(direct, common, start) | sizes | events_of(holidays)
    plan |= {f"merchants.{p.key}": _written(p, at) for p, at in zip(pairs, found.place, strict=True)}
    judged, fresh = judge_on(plan, observed, base, n_simulated, seed + 1, work.done)
    estimates = [*direct, *_moved(pairs, found, covariance, days.n_shops, n_simulated), *common_estimates(common)]
    left = dict(UNKNOWN) | _unset(observed, candidates, is_used, direct, common)
    return Fit(
        observed,
        tuple(estimates),
        left,
        common,
        holidays,
        {**calendar_of(days), "merchants.number": observed.n_merchants, **plan, **equity_of(start, observed, usual)},
        judged,
        tuple(
            (pair.key, pair.says, float(a), float(b), float(e))
            for pair, a, b, e in zip(pairs, real, found.simulated, errors, strict=True)
        ),
        found.path,
        fresh,
        seed,
        n_simulated,
        observed.notes + _warnings(figures),
    )


def _warnings(figures: Mapping[str, Floats]) -> tuple[str, ...]:
    """What the data show about how they were chosen."""
    if all_came_back(figures):
        n = f"{figures['followed'].sum():.0f}"
        return (
            f"all {n} shops that fell silent long before the end sold again: the file seems to hold only shops that "
            "were alive at its end; its silences are taken as rests, and nobody leaves by chance",
        )
    return ()


class _Work:
    """Steps of the fit, told as they are done."""

    def __init__(self, tell: Tell | None, steps: int) -> None:
        self.tell, self.steps, self.n = tell, steps, 0

    def done(self, what: str = "") -> None:
        self.reached(self.n + 1)

    def reached(self, n: int) -> None:
        self.n = min(n, self.steps)
        if self.tell is not None:
            self.tell(self.n, self.steps)


def _more(observed: Observed) -> dict[str, Floats]:
    """Figures of each shop that only the file has."""
    found = {"opened": observed.days.opened.astype(np.float64), "weekday": weekday_sums(observed.days)}
    found["halves"] = weekday_halves(observed.days)
    if observed.returned is not None:
        found |= {"back": observed.returned[:, 0], "worth": observed.returned[:, 1]}
    if observed.confirmed is not None:
        found |= {"lag": observed.confirmed[:, 0], "n_lags": observed.confirmed[:, 1]}
    return found


def _differ(value: Floats | None) -> bool:
    """Whether values of an order are known merchant by merchant."""
    return value is not None and bool(np.ptp(value) > 0)


def _listed(values: Mapping[str, float], names: list[str]) -> Floats:
    return np.array([values[name] for name in names])


def _direct(figures: Mapping[str, Floats], observed: Observed, seed: int, searched: set[str]) -> list[Estimate]:
    n_days = observed.days.n_days
    measure = measure_of(figures)
    values = estimate(figures, n_days, measure)
    names = [name for name in values if name in _SAYS and math.isfinite(values[name]) and name not in searched]
    if n_days < GROWTH_DAYS:
        names = [name for name in names if name not in ("spells.hot_days", "trade.growth_pivot")]
    errors, _ = spread_of(
        lambda who: _listed(estimate(taken(figures, who), n_days, measure), names),
        observed.days.n_shops,
        SAMPLES // 2,
        seed,
    )  # fmt: skip
    found = []
    for name, error in zip(names, errors, strict=True):
        method, says, unit = _SAYS[name]
        low, high = _BOUNDS.get(name, (0.0, math.inf))
        held = min(max(values[name], low), high)
        if held != values[name]:
            says += f"; {values[name]:.4g} held within the bounds of the parameter"
        if error == 0.0:  # a share of none or all: resamples are all alike
            error = math.nan
        found.append(Estimate(name, held, float(error), method, says, unit))
    found += rare(figures, values, searched, n_days)
    value = observed.days.value
    if value is not None and not _differ(value):
        found.append(Estimate("trade.order_value", float(value[0]), math.nan, ASSUMED, "as given", " yuan"))
    if not _differ(value):
        found.append(Estimate("trade.order_value_sigma", 0.0, math.nan, ASSUMED, "no values by merchant are given"))
    return found


def _written(pair: Pair, place: float) -> Any:
    value = pair.from_search(float(place))
    if pair.unit == " days":
        return f"{max(round(value), 1)} days"
    return f"{value:.2f} yuan" if pair.unit == " yuan" else value


def _moved(pairs: tuple[Pair, ...], found: Found, covariance: Floats, n_real: int, n_simulated: int) -> list[Estimate]:
    errors = errors_of(found, covariance, n_real, n_simulated)
    estimates = []
    for pair, place, error, gap in zip(pairs, found.place, errors, found.gaps, strict=True):
        value, says = pair.from_search(float(place)), pair.says
        is_low = value <= pair.low * 1.001 if pair.scale == "log" else value <= pair.low + 1e-6
        if is_low or value >= pair.high * 0.999:
            says += "; at the bound of the parameter"
            error = math.nan
        if abs(gap) > 1.0:
            says += f"; missed by {abs(gap):.1f} s.e."
        estimates.append(Estimate(pair.key, value, float(error * pair.slope(float(place))), SIMULATED, says, pair.unit))
    return estimates


def _unset(
    observed: Observed, candidates: tuple[Pair, ...], is_used: Any, direct: list[Estimate], common: Common
) -> dict[str, str]:
    """What these data in particular do not give."""
    found, known = {}, {one.key for one in direct}
    for pair, used in zip(candidates, is_used, strict=True):
        is_set = pair.key in known or (pair.key.startswith("trade.order_value") and not _differ(observed.days.value))
        if not used and not is_set and pair.key in _RARE:
            found[pair.key] = _RARE[pair.key]
        elif not used and not is_set:
            short = pair.key.startswith("trade.growth") and observed.days.n_days < GROWTH_DAYS
            why = f"{observed.days.n_days} days do not tell growth from chance; {GROWTH_DAYS} do"
            found[pair.key] = why if short else "too few shops have its moment"
    if observed.days.value is None:
        found["trade.order_value"] = "no value of an order is given; sales in yuan rest on the base's"
    for key, why in (
        ("size.tail_exponent", "no more large shops than a lognormal law has"),
        ("exits.orders_exponent", "fewer than 20 shops left"),
        ("season.monday to sunday", "fewer than four whole weeks"),
        ("spells.rest_days", "fewer than 20 closures"),
        ("spells.orders_exponent", "fewer than 20 closures of shops with an order a day"),
        ("spells.hot_days", "as for spells.hot"),
        ("trade.return_rate", "no column says what came back"),
        ("trade.confirmation", "no column says when orders were confirmed"),
    ):
        if key.partition(" ")[0] not in known:
            found[key] = why
    if common.quarters is None:
        found["categories.*.q1 to q4"] = f"{observed.days.n_days} days are no year; the base's usual season is kept"
    return found
