"""Credit around Double 11: when it is asked for, and what a lift of limits before the day does to loans after it.

The same worlds with and without the lift of ``scenarios/promotions/limit_lift.yaml``. Run as ``python
experiments/double_eleven.py``: it writes its section of ``docs/validation.md`` and the picture
``runs/double_eleven.svg``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
SCENARIO, PICTURE = ROOT / "scenarios" / "promotions" / "limit_lift.yaml", Path("runs/double_eleven.svg")
HEAD = "## Double 11"
DAY, LIFTED, FIRST, LAST = (pd.Timestamp(day) for day in ("2012-11-11", "2012-10-08", "2012-09-09", "2013-01-13"))
DAYS = pd.date_range(FIRST, LAST, inclusive="left")
WEEKS = pd.date_range(FIRST, LAST, freq="7D", inclusive="left")  # one of them begins with the day
PRODUCTS = {"revolving_line": "credit lines", "order_loan": "order loans"}
BEFORE = 21  # days of September that are the measure
Floats = npt.NDArray[np.float64]


class World(NamedTuple):
    """What one world has shown: demand by product and day, September = 1, and figures of the lines."""

    demand: dict[str, Floats]
    figures: dict[str, float]


def look(plan: Any, seed: int) -> World:
    """Run one world, and look at it."""
    import sim

    run = sim.simulate(plan, seed=seed)
    asked = run.applications.assign(date=pd.to_datetime(run.applications["date"]))
    by_day = asked.groupby(["product", "date"])["asked_fen"].sum() / 100.0
    demand = {product: by_day[product].reindex(DAYS, fill_value=0.0).to_numpy() for product in PRODUCTS}
    loans = run.loans.assign(opened=pd.to_datetime(run.loans["opened"]))
    lines = loans[(loans["product"] == "revolving_line") & (loans["opened"] >= LIFTED) & (loans["opened"] <= DAY)]
    late = lines["principal_fen"] * (lines["max_dpd"] >= 30)
    return World(
        {product: daily / daily[:BEFORE].mean() for product, daily in demand.items()},
        {
            "lent": lines["principal_fen"].sum() / 1e8,
            "late": 100.0 * late.sum() / lines["principal_fen"].sum(),
            "late_fen": late.sum() / 1e8,
            "profit": run.summary["profit"] / 1e6,
            "sales": run.summary["merchant_sales"] / 1e6,
        },
    )


FIGURES = {
    "lent": "drawn on lines from 8 October to 11 November, m yuan",
    "late": "share of it that came to 30 days past due, per cent",
    "late_fen": "the same in m yuan",
    "profit": "the lender's profit over the year, m yuan",
    "sales": "merchants' sales over the year, m yuan",
}


def by_week(demand: Floats) -> Floats:
    """Mean demand of each of WEEKS."""
    return demand.reshape(WEEKS.size, 7).mean(axis=1)


def draw(worlds: list[World], path: Path) -> None:
    """Demand by product against its mean of September, over the worlds; the band holds four worlds in five."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import dates, pyplot

    figure, axes = pyplot.subplots(figsize=(7.6, 3.6), layout="constrained")
    for (product, words), colour in zip(PRODUCTS.items(), ("#1f5f8b", "#c65102"), strict=True):
        index = np.array([world.demand[product] for world in worlds])
        low, high = np.quantile(index, (0.1, 0.9), axis=0)
        axes.fill_between(DAYS, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(DAYS, index.mean(axis=0), color=colour, label=words)
    axes.axvline(DAY, color="#555555", linewidth=0.8)
    axes.annotate("Double 11", (DAY, axes.get_ylim()[1]), xytext=(4, -12), textcoords="offset points", fontsize=9)
    axes.set_ylabel("asked for, September = 1")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(dates.MonthLocator())
    axes.xaxis.set_major_formatter(dates.DateFormatter("%B %Y"))
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def section(plain: list[World], lifted: list[World]) -> list[str]:
    """The section of the page, as lines of Markdown."""
    from sim.study.stats import pair

    lines = [
        HEAD,
        "",
        f"Over {len(plain)} worlds of `scenarios/promotions/limit_lift.yaml` (20,000 merchants), by"
        " `experiments/double_eleven.py`, which draws the days too. What is asked for, by weeks, of which one begins"
        " with the day itself:",
        "",
        "| product | most in the week from | earliest and latest world | times September |",
        "|---|---|---|---|",
    ]
    for product, words in PRODUCTS.items():
        weeks = np.array([by_week(world.demand[product]) for world in plain])
        days, middle = sorted(WEEKS[weeks.argmax(axis=1)]), WEEKS[weeks.mean(axis=0).argmax()]
        height = weeks.mean(axis=0).max()
        lines.append(f"| {words} | {middle:%-d %B} | {days[0]:%-d %B} to {days[-1]:%-d %B} | {height:.1f} |")
    lines += [
        "",
        "All limits half as high again from 8 October to 11 November, less the same worlds without; means with 95 %"
        " intervals:",
        "",
        "| figure | without | with | difference |",
        "|---|---|---|---|",
    ]
    for name, words in FIGURES.items():
        found = pair([world.figures[name] for world in plain], [world.figures[name] for world in lifted])
        difference = f"{found.difference:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"
        lines.append(f"| {words} | {found.mean_a:.2f} | {found.mean_b:.2f} | {difference} |")
    return [*lines, ""]


def main(seeds: int = 8) -> None:
    """Run all worlds, and write section and picture."""
    from validation import write_section

    import sim

    lift = sim.load(SCENARIO)
    no_lift = sim.load(SCENARIO, {"lenders.ali.changes": {}})
    plain = [look(no_lift, seed) for seed in range(1, seeds + 1)]
    lifted = [look(lift, seed) for seed in range(1, seeds + 1)]
    draw(plain, PICTURE)
    write_section(section(plain, lifted))


if __name__ == "__main__":
    main()
