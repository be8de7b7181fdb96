"""The same figures for simulated and for real merchants.

What each is, to the last detail, stands in the docstring of the module that computes it:

- ``describe``: spreads, sizes, quantiles; ``shop_days``: what a missing day, a week and a month are
- ``sizes``: sizes and days without sales; ``spells``: closures, silence, spikes
- ``growth``: by week and month, and the part common to all; ``rhythm``: autocorrelation, weekdays, events
- ``sellers``: quarters, silence by orders, survival; ``lags``: single orders, open orders, returns
- ``platform``: a platform by month, a cohort by year
- ``inputs`` reads a file of orders, ``live`` lives a run again; ``keys`` holds the names, ``quarterly`` goes from
  days to quarters and months
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sim.study.moments.describe import Figures
from sim.study.moments.growth import by_month, by_week
from sim.study.moments.inputs import Given, read_orders
from sim.study.moments.keys import complete
from sim.study.moments.lags import orders
from sim.study.moments.live import MERCHANTS, live_again
from sim.study.moments.quarterly import by_quarter, months_of_all
from sim.study.moments.rhythm import by_weekday, events, persistence, within_week
from sim.study.moments.shop_days import ShopDays
from sim.study.moments.sizes import sizes
from sim.study.moments.spells import spells, spikes

__all__ = ["Moments", "ShopDays", "moments", "moments_of", "of_days"]


@dataclass(frozen=True)
class Moments:
    """Figures by name, the reason of each that is None, and notes on the input."""

    figures: Figures
    reasons: Mapping[str, str]
    notes: tuple[str, ...] = ()


def of_days(days: ShopDays) -> Figures:
    """All figures of orders by shop and day, but those by quarter."""
    parts = (sizes, spells, spikes, by_week, by_month, persistence, by_weekday, within_week, events)
    found: Figures = {}
    for part in parts:
        found |= part(days)
    return found


def moments_of(given: Given) -> Moments:
    """All figures that an input gives."""
    found: Figures = dict(given.known)
    if given.orders is not None:
        found |= orders(given.orders)
    if given.days is not None:
        found |= of_days(given.days) | by_quarter(given.days) | months_of_all(given.days)
    figures, reasons = complete(found)
    return Moments(figures, reasons, given.notes)


def moments(
    source: Path, columns: Mapping[str, str] | None = None, value: float | None = None, merchants: int = MERCHANTS
) -> Moments:
    """Figures of the folder of a run, or of a file of orders.

    Parameters
    ----------
    columns, value
        For a file: names of its columns, and yuan of one order; see ``read_orders``.
    merchants
        For a run: how many merchants to look at.

    Raises
    ------
    ScenarioError
        If the file is refused.
    StoreError
        If the run cannot be read, or lived again as it was.
    """
    if source.is_dir():
        from sim.results.store import open_run

        return moments_of(live_again(open_run(source), merchants))
    return moments_of(read_orders(source, columns, value))
