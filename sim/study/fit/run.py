"""The fit itself: direct estimates, the common path, simulated moments, and the judgement, in this order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim.core.money import FEN_PER_YUAN
from sim.study.fit.adjust import TRIALS, Found, errors_of, search
from sim.study.fit.common import Common, common_of
from sim.study.fit.direct import LEAST_EXITS
from sim.study.fit.direct import direct as estimate
from sim.study.fit.estimates import ASSUMED, DIRECT, PATH, SIMULATED, UNKNOWN, Estimate, Fit
from sim.study.fit.judged import Judged, judge, judged_moments, resampled
from sim.study.fit.paired import PAIRS, Pair, figures_of, moments_of, taken
from sim.study.fit.read import Observed
from sim.study.fit.resample import resamples, spread_of
from sim.study.fit.simulate import World, calendar_of
from sim.study.moments.describe import Floats
from sim.study.moments.shop_days import ShopDays

SAMPLES = 200  # resamples of merchants for standard errors of parameters
NOISES = 30  # for the noise of the moments that are judged, which are dearer
MARKETS = 3  # simulated markets whose mean is judged
FEWEST, MOST = 1_000, 3_000  # merchants of a simulated market
LEAST_ERROR = 0.03  # no moment is asked to be closer than 3 %, however many shops there are
GROWTH_DAYS = 300  # days without which growth is not told from chance

Tell = Callable[[int, int], None]
_SAYS = {
    "size.tail_share": (DIRECT, "shops above 1.6 deviations beyond a lognormal law's", ""),
    "size.tail_exponent": (DIRECT, "maximum likelihood above 1.6 deviations", ""),
    "entry.present": (DIRECT, "shops first seen within four weeks", ""),
    "entry.over": (DIRECT, "twice the mean wait of the others", " days"),
    "exits.orders_exponent": (DIRECT, "Poisson regression of leavings on log orders a quarter", ""),
    "exits.returns": (DIRECT, "leavings that ended, of those 120 days old", ""),
    "trade.return_rate": (DIRECT, "value that came back", ""),
    "trade.confirmation": (DIRECT, "mean days from order to confirmation", " days"),
}
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
    real, (errors, covariance) = (
        moments_of(figures),
        spread_of(lambda who: moments_of(taken(figures, who)), days.n_shops, SAMPLES, seed),
    )
    is_used = np.isfinite(real) & np.isfinite(errors) & (np.nan_to_num(errors) > 0)
    unknown = ("trade.growth",) * (days.n_days < GROWTH_DAYS) + ("trade.order_value",) * (days.value is None)
    is_used &= np.array([not pair.key.startswith(unknown) for pair in PAIRS])
    pairs = tuple(pair for pair, used in zip(PAIRS, is_used, strict=True) if used)
    real, errors, covariance = real[is_used], errors[is_used], covariance[np.ix_(is_used, is_used)]
    errors = np.maximum(errors, LEAST_ERROR * np.where([pair.is_log for pair in pairs], 1.0, np.abs(real)))
    work = _Work(tell, 1 + len(pairs) + TRIALS + MARKETS + NOISES)

    direct = _direct(figures, observed, seed)
    common = common_of(days)
    n_simulated = int(np.clip(2 * days.n_shops, FEWEST, MOST))
    world = World(base, days, n_simulated, seed, work.done)
    plan = _plan(direct, common, start)
    if not any(pair.key == "exits.hazard" for pair in pairs):
        plan["merchants.exits.hazard"] = 0.0

    def moments(place: Floats) -> Floats:
        # without the market's shock: its path in a trial would pass for the merchants' own doing
        tried = plan | {"merchants.demand.market_shock": 0.0}
        tried |= {f"merchants.{p.key}": _written(p, at) for p, at in zip(pairs, place, strict=True)}
        return moments_of(figures_of(world.shops(tried), usual), pairs)

    begin = np.array([pair.to_search(_begin(pair, figures, direct)) for pair in pairs])
    found = search(pairs, begin, real, errors, moments)
    work.reached(1 + len(pairs) + TRIALS)
    plan |= {f"merchants.{p.key}": _written(p, at) for p, at in zip(pairs, found.place, strict=True)}
    judged, fresh = judge_on(plan, observed, base, n_simulated, seed + 1, work.done)
    estimates = [*direct, *_moved(pairs, found, covariance, days.n_shops, n_simulated), *_common(common)]
    left = dict(UNKNOWN) | _unset(observed, is_used, direct, common)
    return Fit(
        observed,
        tuple(estimates),
        left,
        common,
        {**calendar_of(days), "merchants.number": observed.n_merchants, **plan, **_lenders(start, observed, usual)},
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


def judge_on(
    plan: Mapping[str, Any],
    observed: Observed,
    base: Path,
    n_simulated: int,
    seed: int,
    tell: Callable[[str], None] = lambda said: None,
) -> tuple[tuple[Judged, ...], ShopDays]:
    """Lay merchants of a plan beside real ones, over the real calendar: the mean of a few simulated markets.

    Parameters
    ----------
    plan
        Overrides of the base scenario, as `Fit.plan` holds them.
    observed
        The real merchants; they need not be those that were fitted.

    Returns
    -------
    tuple
        The judged moments, and the shops of the first market.
    """
    worlds = [World(base, observed.days, n_simulated, seed + k, tell).shops(plan) for k in range(MARKETS)]
    return tuple(judge(observed.days, worlds, _noise(observed, seed, tell))), worlds[0]


def _warnings(figures: Mapping[str, Floats]) -> tuple[str, ...]:
    """What the data show about how they were chosen."""
    old = float(figures["followed"].sum())
    if old >= LEAST_EXITS and figures["returned"].sum() == old:
        return (
            f"all {old:.0f} shops that fell silent long before the end sold again: the file seems to hold only shops that "
            "were alive at its end, so that leaving cannot be told from it",
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
    found = {"opened": observed.days.opened.astype(np.float64)}
    if observed.returned is not None:
        found |= {"back": observed.returned[:, 0], "worth": observed.returned[:, 1]}
    if observed.confirmed is not None:
        found |= {"lag": observed.confirmed[:, 0], "n_lags": observed.confirmed[:, 1]}
    return found


def _direct(figures: Mapping[str, Floats], observed: Observed, seed: int) -> list[Estimate]:
    n_days = observed.days.n_days
    values = estimate(figures, n_days)
    names = [name for name in values if name in _SAYS and math.isfinite(values[name])]
    errors, _ = spread_of(
        lambda who: np.array([estimate(taken(figures, who), n_days)[name] for name in names]),
        observed.days.n_shops, SAMPLES, seed,
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
    if observed.days.value is None:
        found.append(Estimate("trade.order_value_sigma", 0.0, math.nan, ASSUMED, "no value of an order is given"))
    return found


def _begin(pair: Pair, figures: Mapping[str, Floats], direct: list[Estimate]) -> float:
    """Where the search for a parameter begins."""
    moment = pair.moment(figures)
    starts: dict[str, Callable[[], float]] = {
        "size.median_daily_sales": lambda: math.exp(moment),
        "size.sigma": lambda: math.exp(moment),
        "demand.volatility": lambda: 1.2 * math.exp(moment),
        "demand.volatility_sigma": lambda: 0.8 * moment,
        "demand.weekly_autocorrelation": lambda: min(max(moment + 0.1, 0.1), 0.9),
        "demand.daily_noise": lambda: math.sqrt(max(moment, 0.0004)),
        "trade.growth": lambda: moment,
        "trade.growth_spread": lambda: 0.5 * moment,
        "exits.hazard": lambda: estimate(figures, 1)["exits.hazard"],
        "trade.order_value": lambda: math.exp(moment),
        "trade.order_value_slope": lambda: _values_on_sales(figures)[0],
        "trade.order_value_sigma": lambda: _values_on_sales(figures)[1],
    }
    return min(max(starts[pair.key](), pair.low), pair.high)


def _values_on_sales(figures: Mapping[str, Floats]) -> tuple[float, float]:
    """Slope of log values on log sales by least squares, and the deviation around the line."""
    sales, value = figures["log_sales"], figures["log_sales"] - figures["log_orders"]
    covariance = np.cov(sales, value)
    slope = float(covariance[0, 1] / max(covariance[0, 0], 1e-9))
    return slope, math.sqrt(max(float(covariance[1, 1]) - slope * float(covariance[0, 1]), 0.01))


def _written(pair: Pair, place: float) -> Any:
    value = pair.from_search(float(place))
    return f"{value:.2f} yuan" if pair.unit == " yuan" else value


def _plan(direct: list[Estimate], common: Common, base: Any) -> dict[str, Any]:
    """Overrides that the data give without simulation: direct estimates, season, market, promotions."""
    plan: dict[str, Any] = {f"merchants.{one.key}": one.written() for one in direct}
    plan["merchants.demand.category_shock"] = 0.0
    if math.isfinite(common.shock):
        plan["merchants.demand.market_shock"] = common.shock
    plan |= {f"merchants.categories.{name}": None for name in base.merchants.categories if name != "all"}
    plan["merchants.categories.all.share"] = 1.0
    if common.quarters is not None:
        for k in range(4):
            plan[f"merchants.categories.all.q{k + 1}"] = float(common.quarters[0][k])
    plan |= {f"events.{name}": None for name in base.events}
    for first, n_days, lift, _ in common.promotions:
        plan[f"events.promotion_{first:%Y_%m_%d}"] = {
            "date": first.isoformat(), "kind": "promotion", "lift": round(lift, 3), "days": n_days
        }  # fmt: skip
    return plan


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


def _common(common: Common) -> list[Estimate]:
    found = []
    if math.isfinite(common.shock):
        says = "steps of the common path from week to week"
        found.append(Estimate("demand.market_shock", common.shock, common.shock_error, PATH, says))
    if common.quarters is not None:
        for k, (value, error) in enumerate(zip(*common.quarters, strict=True)):
            says = "the common path less its trend; a year tells season and trend apart poorly"
            found.append(Estimate(f"categories.all.q{k + 1}", float(value), float(error), PATH, says))
    return found


def _noise(observed: Observed, seed: int, tell: Callable[[str], None]) -> dict[str, float]:
    """Standard error over merchants of every judged moment."""
    names: list[str] = list(judged_moments(observed.days))
    rows = []
    for who in resamples(observed.days.n_shops, NOISES, seed):
        moments = judged_moments(resampled(observed.days, who))
        rows.append([moments.get(name, ("", math.nan))[1] for name in names])
        tell("resampling")
    with np.errstate(invalid="ignore"):
        spread = np.array(rows).std(0, ddof=1)
    return dict(zip(names, spread.tolist(), strict=True))


def _unset(observed: Observed, is_used: Any, direct: list[Estimate], common: Common) -> dict[str, str]:
    """What these data in particular do not give."""
    found = {}
    for pair, used in zip(PAIRS, is_used, strict=True):
        if not used and not (pair.key.startswith("trade.order_value") and observed.days.value is None):
            short = pair.key.startswith("trade.growth") and observed.days.n_days < GROWTH_DAYS
            why = f"{observed.days.n_days} days do not tell growth from chance; {GROWTH_DAYS} do" if short else (
                "nobody left for good or for long" if pair.key == "exits.hazard" else "too few shops have its moment"
            )  # fmt: skip
            found[pair.key] = why
    known = {one.key for one in direct}
    if observed.days.value is None:
        found["trade.order_value"] = "no value of an order is given; sales in yuan rest on the base's"
    for key, why in (
        ("size.tail_exponent", "no more large shops than a lognormal law has"),
        ("exits.orders_exponent", "fewer than 20 shops left"),
        ("exits.returns", "too few shops left long before the end"),
        ("trade.return_rate", "no column says what came back"),
        ("trade.confirmation", "no column says when orders were confirmed"),
    ):
        if key not in known:
            found[key] = why
    if common.quarters is None:
        found["categories.*.q1 to q4"] = f"{observed.days.n_days} days are no year; the base's usual season is kept"
    return found


def _lenders(base: Any, observed: Observed, usual: float) -> dict[str, Any]:
    """Equity of the base's lenders in proportion to the merchants' sales, so that money is as plentiful as there."""
    days, m = observed.days, base.merchants
    value = days.value if days.value is not None else np.full(days.n_shops, usual)
    own = float((days.mean_orders() * value).mean()) * observed.n_merchants
    theirs = m.size.median_daily_sales / FEN_PER_YUAN * math.exp(m.size.sigma**2 / 2.0) * m.number
    factor = own / theirs
    return {
        f"lenders.{name}.equity": f"{max(round(spec.equity / FEN_PER_YUAN * factor, -3), 1000):.0f} yuan"
        for name, spec in base.lenders.items()
    }
