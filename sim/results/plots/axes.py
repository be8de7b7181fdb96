"""What the pictures share: style, the days they show, units of money, dates, legends and events."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib.ticker import FuncFormatter

from sim.core.money import FEN_PER_YUAN
from sim.results.headline import say_number
from sim.results.ledger import DAYS_IN_YEAR, Ledger
from sim.results.run import Run, as_date
from sim.results.tables import day_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

BLACK, BLUE, ORANGE, GREEN, GREY = "#000000", "#0072B2", "#D55E00", "#009E73", "#8A8A8A"
#: Light to dark: the order of lightness is the order of days past due, in colour and in grey.
PAST_DUE = ("#FEE391", "#FE9929", "#CC4C02", "#662506")
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.unicode_minus": False,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "hatch.linewidth": 0.6,
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "lendsim",
}
_LONGEST = 3 * DAYS_IN_YEAR  # beyond it a day is thinner than a dot: draw weeks


class Shown:
    """The days that a picture shows: `report_from` to the run's end, of one lender."""

    def __init__(self, run: Run, lender: str) -> None:
        self.run, self.lender = run, lender
        self.book = Ledger(run, lender)
        days = day_numbers(self.book.own("daily", ["date", "lender"])["date"])
        self._step = 7 if np.count_nonzero(days >= self.book.first) > _LONGEST else 1
        self._place = np.flatnonzero(days >= self.book.first)
        self.number = days[self._place]
        self.x = self.number[:: self._step].astype("datetime64[D]")

    def day(self, column: str) -> NDArray[np.float64]:
        """Return a column of `daily`, every day, in yuan if it is money."""
        unit = FEN_PER_YUAN if column.endswith("_fen") else 1
        return self.book.every_day(column)[self._place] / unit

    def line(self, column: str) -> NDArray[np.float64]:
        """Return a column at the days of ``x``."""
        return self.day(column)[:: self._step]

    def week_mean(self, column: str) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
        """Return the mean of the seven days up to each day, from the seventh on."""
        values = self.day(column)
        width = min(7, max(len(values), 1))
        means = np.convolve(values, np.full(width, 1 / width), mode="valid")
        days = self.number[width - 1 :].astype("datetime64[D]")
        return days[:: self._step], means[:: self._step]

    def weeks(self, column: str) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
        """Return the sums of whole weeks, counted from the first day shown, with each week's first day."""
        values = self.day(column)
        n_weeks = len(values) // 7
        starts = self.number[: n_weeks * 7 : 7].astype("datetime64[D]")
        return starts, values[: n_weeks * 7].reshape(n_weeks, 7).sum(axis=1)


def finish(axes: Axes, shown: Shown, *, columns: int = 0) -> None:
    """Set the dates of a picture over days, shade what lies after the report window, and write the legend."""
    first, last = (as_date(day.astype(object)) for day in shown.x[[0, -1]])
    _, end = shown.run.window
    axes.set_xlim(_at(first) - 1, _at(last) + 1)
    number_axis(axes)
    date_axis(axes, first, last)
    if last > end:
        axes.axvspan(_at(end), _at(last), color="#ECECEC", zorder=0, linewidth=0)
    if columns:
        legend(axes, columns)


def legend(axes: Axes, columns: int) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2, columnspacing=1.4)


def number_axis(axes: Axes) -> None:
    """Part thousands, as ``1,200``, on an axis that reaches them; call it when the limits are set."""
    if max(map(abs, axes.get_ylim())) >= 1_000:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def from_zero(axes: Axes, least: float) -> None:
    """Begin the height at zero and give it at least `least`: nothing at all must not look like much."""
    axes.set_ylim(0, max(axes.get_ylim()[1], least))


def date_axis(axes: Axes, first: datetime.date, last: datetime.date, *, by_month: bool = False) -> None:
    """Write at most ten dates: months, or days in a short run; the year stands under the first and where it changes."""
    span = (last - first).days
    if span < 70 and not by_month:
        step = next(step for step in (1, 2, 7) if span / step < 10)
        ticks = [first + datetime.timedelta(days=k) for k in range(0, span + 1, step)]
        names = [f"{tick.day} {tick:%b}" for tick in ticks]
    else:
        months = span / 30.4
        step = next((step for step in (1, 2, 3, 6) if months / step < 10), 12 * (1 + int(months / 120)))
        starts = [datetime.date(year, month, 1) for year in range(first.year, last.year + 1) for month in range(1, 13)]
        ticks = [tick for tick in starts if first <= tick <= last and (tick.year * 12 + tick.month - 1) % step == 0]
        names = [f"{tick:%b}" for tick in ticks]
    for place, tick in enumerate(ticks):
        if place == 0 or tick.year != ticks[place - 1].year:
            names[place] += f"\n{tick.year}"
    axes.set_xticks([_at(tick) for tick in ticks], names)


def mark_events(axes: Axes, shown: Shown) -> list[str]:
    """Mark the scenario's events above the axes, in steps where they stand close; return their names."""
    if not len(shown.x):
        return []
    first, last = (as_date(shown.x[end].astype(object)) for end in (0, -1))
    found = []
    for name, event in (shown.run.scenario.get("events") or {}).items():
        if event and event.get("date") and first <= as_date(event["date"]) <= last:
            found.append((as_date(event["date"]), str(name).replace("_", " "), _n_days(event.get("days"))))
    span = max((last - first).days, 1)
    ends = [-1.0, -1.0, -1.0]  # where the last name on each step ends, as a share of the width
    for date, name, n_days in sorted(found):
        place = (date - first).days / span
        step = next((level for level, end in enumerate(ends) if end < place), 2)
        ends[step] = place + 0.014 * len(name) + 0.01
        axes.axvline(_at(date), color=BLACK, linestyle=(0, (2, 2)), linewidth=0.9)
        if n_days > 1:
            until = min(date + datetime.timedelta(days=n_days - 1), last)
            axes.axvspan(_at(date), _at(until), color="#EDE7D9", zorder=0, linewidth=0)
        axes.annotate(name, (_at(date), 1), xycoords=axes.get_xaxis_transform(), fontsize=8,
                      xytext=(2, 2 + 10 * step), textcoords="offset points",
                      ha="right" if place > 0.85 else "left")  # fmt: skip
    return [f"{name} on {date:%-d %B %Y}" for date, name, _ in sorted(found)]


def _at(date: datetime.date) -> float:
    """Return a date's place on a date axis."""
    return float(mdates.date2num(date))  # type: ignore[no-untyped-call]


def _n_days(value: Any) -> int:
    """Read an event's length: 14 or `14 days`."""
    found = re.match(r"\s*(\d+)", str(value))
    return int(found[1]) if found else 1


def scale_of(values: NDArray[np.float64]) -> tuple[float, str]:
    highest = float(np.abs(values).max(initial=0))
    for size, unit in ((1e9, "bn yuan"), (1e6, "m yuan"), (1e3, "thousand yuan")):
        if highest >= 2 * size:
            return size, unit
    return 1.0, "yuan"


def said(values: NDArray[np.float64], place: int) -> str:
    return f"{say_number(float(values[place]))} yuan" if len(values) else "nothing"
