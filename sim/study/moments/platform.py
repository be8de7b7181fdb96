"""A platform by month, and a cohort by year.

- ``detrended_log_residual``: log revenue less the parabola in time fitted to it by least squares.
- ``nov2017_over_mean_oct_dec`` and its like: revenue of a November over the mean of October and December, and of
  December over October, of the first whole year from October to December; ``log_growth_mean_*``: mean growth of log
  revenue between months in a row that lie in the year.
- ``freight_share``: freight over revenue without it. ``avg_item_price``: revenue over items.
- ``annual_exit_hazard``: 1 - survival of a year over that of the year before. ``survivor_size_growth``: mean
  employment of those left 1, 3, 5 and 10 years on, over that at the start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sim.study.moments.describe import Figures, Floats, mean, ratio


def platform_months(
    names: Sequence[str], revenue: Floats, freight: Floats | None = None, items: Floats | None = None
) -> Figures:
    """Figures of months in a row, named ``2017-01``; revenue and freight in yuan, items sold, each (months,)."""
    logs = np.log(revenue)
    at = {name: k for k, name in enumerate(names)}
    found: Figures = {"months": len(names)}
    if len(names) > 3:
        time = np.arange(len(names))
        rest = logs - np.polyval(np.polyfit(time, logs, 2), time)
        found["detrended_log_residual"] = {name: float(x) for name, x in zip(names, rest, strict=True)}
    growth = dict(zip(names[1:], np.diff(logs), strict=True))
    for year in sorted({name[:4] for name in names}):
        own = [x for name, x in growth.items() if name[:4] == year and f"{year}-01" != name]
        found[f"log_growth_mean_{year}"] = mean(own)
        autumn = [at.get(f"{year}-{month}") for month in (10, 11, 12)]
        october, november, december = (revenue[k] if k is not None else np.nan for k in autumn)
        if np.isfinite(october + november + december):
            found[f"nov{year}_over_mean_oct_dec"] = float(2.0 * november / (october + december))
            found[f"dec_over_oct_{year}"] = float(december / october)
    if freight is not None:
        found["freight_share"] = ratio(float(freight.sum()), float(revenue.sum()))
    if items is not None:
        found["avg_item_price"] = ratio(float(revenue.sum()), float(items.sum()))
    return found


def cohort(survival: Mapping[int, float], employees: Mapping[int, float]) -> Figures:
    """Survival and mean employees by year since the start; the hazard of each year, and the growth of those left."""
    return {
        "survival_by_year": {str(year): share for year, share in survival.items()},
        "annual_exit_hazard": {
            str(year): 1.0 - share / survival[year - 1] for year, share in survival.items() if year - 1 in survival
        },
        "survivor_size_growth": {
            str(year): employees[year] / employees[0] for year in (1, 3, 5, 10) if year in employees
        },
    }
