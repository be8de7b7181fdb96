"""Fit of the preset ``marketplace_small`` to sellers by quarter and a sample of orders of a marketplace (Olist).

Run as ``python experiments/marketplace_small.py`` where the data are: it writes the preset. Orders by seller and day
are not published, so that `lendsim fit` cannot read them; its search is used with moments of quarters instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
from preset_data import MARKET_DAYS, ORDERS, ROOT, SELLERS, WEEKDAYS, lived, samples, sellers, single_orders

from sim.study.fit.adjust import errors_of, search
from sim.study.fit.paired import Pair
from sim.study.moments.lags import count_by_day
from sim.study.moments.quarterly import by_quarter

PRESET = ROOT / "sim" / "world" / "presets" / "marketplace_small.yaml"
MERCHANTS, SEED, RESAMPLES = 4_000, 1, 60
DAYS = (MARKET_DAYS[1] - date.fromisoformat(MARKET_DAYS[0])).days + 1
LAST_THREE = ("2017Q4", "2018Q1", "2018Q2")
FRIDAY = "2017-11-24"


def at(path: str) -> Callable[[Any], float]:
    """A figure by its path."""

    def look(figures: Any) -> float:
        for step in path.split("/"):
            figures = figures[step]
        return math.nan if figures is None else float(figures)

    return look


def of_three(kind: str, figure: str) -> Callable[[Any], float]:
    """Mean of a figure of sizes over the last three whole quarters."""
    return lambda f: float(np.mean([f[f"quarter_{kind}_size_{name}"][figure] for name in LAST_THREE]))


PAIRS = (
    Pair("size.median_daily_sales", "mean log sales a quarter",
         of_three("sales", "lognorm_mu"), 1.0, 1e4, unit=" yuan"),
    Pair("size.sigma", "deviation of log sales a quarter", of_three("sales", "lognorm_sigma"), 0.1, 3.0),
    Pair("trade.order_value", "mean log value of an order, seller-quarters",
         at("average_order_value/lognorm_mu"), 1.0, 1e4, unit=" yuan"),
    Pair("trade.order_value_sigma", "deviation of the same", at("average_order_value/lognorm_sigma"), 0.05, 2.0),
    Pair("trade.order_value_slope", "deviation of log orders of a life",
         at("lifetime_orders_size/lognorm_sigma"), -2.0, 2.0, "plain", -0.15),
    Pair("trade.order_value_noise", "deviation of log growth a quarter, 2 orders or fewer",
         at("qoq_log_growth_sd_by_orders_bucket/(0.0, 2.0]/sd"), 0.05, 1.5),
    # with fewer orders most of it are the values of single orders
    Pair("demand.volatility", "deviation of log growth a quarter, 20 orders or more",
         at("qoq_log_growth_sd_20plus_orders"), 0.01, 2.0),
    Pair("demand.weekly_autocorrelation", "autocorrelation of growth a quarter",
         at("qoq_growth_autocorr_lag1"), 0.02, 0.995, "logit", 0.4, is_log=False),
    Pair("trade.growth", "median log growth a quarter", at("qoq_log_sales_growth_continuing/p50"), -0.9, 5.0, "plain",
         0.15, is_log=False),
    Pair("exits.hazard", "silent next quarter, sellers with 2 orders or fewer",
         lambda f: _rate(f, ("(0.0, 1.0]", "(1.0, 2.0]")), 1e-6, 0.5, step=0.3, is_log=False),
    Pair("exits.orders_exponent", "silent next quarter, sellers with 6 to 20 orders",
         lambda f: _rate(f, ("(5.0, 10.0]", "(10.0, 20.0]")), 0.05, 3.0, step=0.15, is_log=False),
    Pair("exits.youth", "still selling 3 months after the first sale",
         at("survival_months_since_first_sale_silence120d/3"), 0.01, 10.0, step=0.4, is_log=False),
    # all but a few come back some time; what their silence tells is for how long they are away
    Pair("exits.away", "silent sellers who sell later", at("returned_later_given_silent"), 40.0, 900.0, step=0.3,
         unit=" days", is_log=False),
)  # fmt: skip
# near an earlier fit
BEGIN = (7.0, 1.14, 154.0, 0.85, 0.25, 0.68, 0.24, 0.79, 2.0, 0.0028, 0.21, 3.2, 150.0)
FLOOR = 0.02  # relative error below which no moment is held


def _rate(figures: Any, buckets: tuple[str, ...]) -> float:
    kept = [figures["silent_next_quarter_by_orders"][name] for name in buckets]
    n = sum(one["n"] for one in kept)
    return sum(one["n"] * (one["rate"] or 0.0) for one in kept) / n if n else math.nan


def direct() -> tuple[dict[str, tuple[Any, str]], dict[str, Any]]:
    """Values read off the data, each with how; and the events of the data's own calendar."""
    given = single_orders()
    lag = given.delivered - given.ordered
    lag = lag[np.isfinite(lag)]
    first, counts = count_by_day(given.ordered)
    rows = np.arange(counts.size)
    (begin, end), (out, back) = WEEKDAYS["weekdays"], WEEKDAYS["without"]
    inside = (rows >= (begin - first).days) & (rows <= (end - first).days)
    inside &= (rows < (out - first).days) | (rows > (back - first).days)
    by_day = np.bincount((first.weekday() + rows[inside]) % 7, counts[inside], 7)
    found: dict[str, tuple[Any, str]] = {}
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for name, n in zip(names, by_day, strict=True):
        error = math.sqrt(n) * 7.0 / by_day.sum()
        found[f"season.{name}"] = (round(7.0 * n / by_day.sum(), 3), f"direct: orders of the sample; s.e. {error:.2g}")
    found["season.festival_low"] = (1.0, "assumed: the Spring Festival is no holiday there")
    found["spells.festival"] = (0.0, "the same")
    table = sellers()
    new = table.rows.groupby("seller")["quarter"].min()
    early = float((new == 4 * 2016 + 3).mean())
    error = math.sqrt(early * (1 - early) / new.size)
    found["entry.present"] = (round(early, 3), f"direct: sellers first seen before 2017; s.e. {error:.2g}")
    found["entry.over"] = (f"{DAYS} days", "the days of the data")
    found["entry.waves"] = (waves(new), "direct: sellers first seen by quarter, over seven equal parts of the time")
    found["exits.returns"] = (0.95, "assumed: nearly all; how long they are away is fitted")
    found["size.tail_share"] = (0.0, "direct: log sales a quarter have no skew (-0.02, -0.04, 0.01 in three quarters)")
    error = lag.std() / math.sqrt(lag.size)
    found["trade.confirmation"] = (
        f"{round(lag.mean())} days", f"direct: mean days from order to arrival, of the sample; s.e. {error:.2g} days",
    )  # fmt: skip
    spread = lag.std() / lag.mean()
    found["trade.confirmation_cv"] = (round(float(spread), 2), "direct: their deviation over their mean")
    at_friday = (date.fromisoformat(FRIDAY) - first).days
    usual = np.r_[counts[at_friday - 28 : at_friday], counts[at_friday + 7 : at_friday + 28]].mean()
    after = counts[at_friday + 1 : at_friday + 7].mean() / usual
    events = {
        "events.black_friday": {"date": FRIDAY, "kind": "promotion", "lift": round(counts[at_friday] / usual, 2)},
        "events.black_week": {"date": "2017-11-25", "kind": "promotion", "lift": round(after, 2), "days": 6},
    }
    return found, events


def fit() -> tuple[list[tuple[str, Any, str]], dict[str, Any]]:
    """All values of the preset with their comments, and the plan that a market takes."""
    table = sellers()
    real = np.array([pair.moment(table.figures()) for pair in PAIRS])
    drawn = [table.of(who).figures() for who in samples(table.first.size, RESAMPLES)]
    rows = np.array([[pair.moment(one) for pair in PAIRS] for one in drawn])
    covariance = np.cov(rows.T)
    floor = FLOOR * np.where([pair.is_log for pair in PAIRS], 1.0, np.abs(real))
    errors = np.maximum(np.sqrt(np.diag(covariance)), floor)
    read, events = direct()
    plan = {f"merchants.{key}": value for key, (value, _) in read.items()} | one_trade() | events

    def written(pair: Pair, place: float) -> Any:
        value = pair.from_search(float(place))
        if pair.unit == " days":
            return f"{value:.0f} days"
        return f"{value:.2f} yuan" if pair.unit else float(f"{value:.4g}")

    def moments(place: Any) -> Any:
        tried = plan | {f"merchants.{p.key}": written(p, x) for p, x in zip(PAIRS, place, strict=True)}
        figures = by_quarter(lived(tried, MERCHANTS, MARKET_DAYS[0], DAYS, SEED))
        return np.array([pair.moment(figures) for pair in PAIRS])

    start = np.array([pair.to_search(value) for pair, value in zip(PAIRS, BEGIN, strict=True)])
    found = search(PAIRS, start, real, errors, moments)
    print("largest gap in standard errors after each improvement:", [round(x, 2) for x in found.path])
    spread = errors_of(found, covariance, table.first.size, MERCHANTS)
    lines = [(key, value, says) for key, (value, says) in read.items()]
    for pair, place, error, gap in zip(PAIRS, found.place, spread, found.gaps, strict=True):
        says = f"simulated moments: {pair.says}"
        says += f"; s.e. {error * pair.slope(float(place)):.2g}" if math.isfinite(error) else ""
        says += f"; missed by {abs(gap):.1f} s.e." if abs(gap) > 1.0 else ""
        lines.append((pair.key, written(pair, float(place)), says))
        print(f"{pair.key:32} {lines[-1][1]!s:>14}  {says}")
    return lines, plan


def waves(new: Any, parts: int = 7) -> list[float]:
    """Sellers first seen after 2016, a day and per cent, in equal parts of the days of the data.

    ``new`` are the quarters in which they are first seen: year x 4 + quarter - 1.
    """
    begin = date.fromisoformat(MARKET_DAYS[0])
    quarters = range(4 * 2017, 4 * 2018 + 3)
    ends = [date(q // 4 + (q % 4 == 3), (3 * (q % 4) + 3) % 12 + 1, 1) for q in quarters]
    days = [0, *(min((end - begin).days, DAYS) for end in ends)]
    seen = np.concatenate(([0.0], np.cumsum([(new == q).sum() for q in quarters])))
    at_edges = np.interp(np.linspace(0, DAYS, parts + 1), days, seen)
    return [round(float(share), 1) for share in 100.0 * np.diff(at_edges) / seen[-1]]


def one_trade() -> dict[str, Any]:
    """All of one trade, as trades have no part in the fit."""
    from sim.world.parameters import CATEGORIES

    gone = {f"merchants.categories.{name}": None for name in CATEGORIES}
    flat = {f"merchants.categories.all.q{k}": 1.0 for k in range(1, 5)}
    return {**gone, "merchants.categories.all.share": 1.0, "merchants.demand.category_shock": 0.0, **flat}


HEAD = """\
# Sellers of a small marketplace, fitted by experiments/marketplace_small.py to the sellers of Olist (Brazil, 2016-10 to
# 2018-08, 1,473 sellers by quarter) and a sample of 1,814 of its orders; data CC BY-NC-SA 4.0, of which only these
# figures are here. Amounts are reais, written as yuan. Each value: how it was set and its standard error (s.e.). What
# the data do not tell (margin, costs, stock, money, rests, hot products, honesty) keeps the default, an assumption.
"""


def as_preset(lines: list[tuple[str, Any, str]], head: str = HEAD, width: int = 116) -> str:
    """The text of a preset from keys, values and comments."""
    from sim.world.parameters import CATEGORIES

    text = [head.rstrip("\n")]
    for group in dict.fromkeys(key.split(".")[0] for key, _, _ in lines if not key.startswith("categories")):
        text.append(f"{group}:")
        for key, value, says in (one for one in lines if one[0].startswith(f"{group}.")):
            line = f"  {key.partition('.')[2]}: {value}"
            text += [f"{line}  # {says}"] if len(line) + len(says) + 4 <= width else [f"  # {says}", line]
    text += ["categories:  # all are of one trade", *[f"  {name}: null" for name in CATEGORIES], "  all:"]
    text.append("    share: 1.0")
    for key, value, says in (one for one in lines if one[0].startswith("categories.")):
        line = f"    {key.split('.')[-1]}: {value}"
        text += [f"{line}  # {says}"] if len(line) + len(says) + 4 <= width else [f"    # {says}", line]
    return "\n".join(text) + "\n"


def main() -> None:
    if not (SELLERS.exists() and ORDERS.exists()):
        raise SystemExit(f"the data are not at {SELLERS.parent}")
    lines, _ = fit()
    lines.append(("demand.category_shock", 0.0, "all are of one trade"))
    season = "assumed: some twenty months of fast growth do not tell the season"
    lines += [(f"categories.all.q{k}", 1.0, season) for k in range(1, 5)]
    PRESET.write_text(as_preset(lines), encoding="utf-8")
    print(PRESET)


if __name__ == "__main__":
    main()
