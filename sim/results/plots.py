"""The pictures of a run: matplotlib, no display, the same bytes every time.

Colours keep apart for colour-blind eyes (Okabe and Ito 2008) and every line has a style, every stack an order of
lightness or a hatch of its own, so that a black-and-white print tells the same. Legends stand above the axes: they
cover nothing. Pictures begin at ``report_from`` and go on to the run's last day; what lies after the report window is
shaded. Each drawing function returns the sentence that says its content to who cannot see it.
"""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.dates as mdates
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, FigureBase
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sim.results.metrics import DAYS_IN_YEAR, FEN_PER_YUAN, Ledger, dates, numbers, say_number
from sim.results.run import Run, as_date

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
#: The line under a picture that goes on after the report window.
AFTER_WINDOW = "Shaded days lie after the report window."
_LONGEST = 3 * DAYS_IN_YEAR  # beyond it a day is thinner than a dot: draw weeks


class Shown:
    """The days that a picture shows: `report_from` to the run's end, of one lender."""

    def __init__(self, run: Run, lender: str) -> None:
        self.run, self.lender = run, lender
        self.book = Ledger(run, lender)
        self._daily = self.book.own("daily")
        days = dates(self._daily["date"])
        self._step = 7 if np.count_nonzero(days >= self.book.first) > _LONGEST else 1
        self._place = np.flatnonzero(days >= self.book.first)
        self.number = days[self._place]
        self.x = self.number[:: self._step].astype("datetime64[D]")

    def day(self, column: str) -> NDArray[np.float64]:
        """Return a column of `daily`, every day, in yuan if it is money."""
        unit = FEN_PER_YUAN if column.endswith("_fen") else 1
        return numbers(self._daily[column])[self._place] / unit

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


def draw_balance(figure: FigureBase, shown: Shown) -> str:
    """Draw outstanding balance, fundable money and own money."""
    axes = figure.subplots()
    balance, funds, equity = (shown.line(name) for name in ("balance_fen", "funds_fen", "equity_fen"))
    lines = [(funds, "fundable money", BLACK, (0, (6, 2))), (equity, "own money", ORANGE, (0, (1, 1.5)))]
    # A lender that uses a hundredth of its money: its balance would lie on the axis.
    is_off = funds.max(initial=0) > 8 * balance.max(initial=0) > 0
    scale, unit = _scale(balance if is_off else np.concatenate([balance, funds, equity]))
    axes.plot(shown.x, balance / scale, color=BLUE, label="outstanding balance", linewidth=2)
    for values, label, colour, style in lines:
        if is_off:
            axes.plot([], [], color=colour, linestyle=style, label=f"{label} ({_said(values, -1)}, off scale)")
        else:
            axes.plot(shown.x, values / scale, color=colour, linestyle=style, label=label)
    axes.set_ylabel(f"balance ({unit})")
    axes.set_ylim(bottom=min(0.0, float(equity.min(initial=0)) / scale if not is_off else 0.0))
    _finish(axes, shown, columns=2 if is_off else 3)
    return (
        f"Line chart of the outstanding balance. It begins at {_said(balance, 0)} and ends at {_said(balance, -1)}; "
        f"the highest is {say_number(balance.max(initial=0))} yuan. Fundable money ends at {_said(funds, -1)}."
    )


def draw_lending(figure: FigureBase, shown: Shown) -> str:
    """Draw loans and money paid out per week, one above the other."""
    above, below = figure.subplots(2, 1, sharex=True)
    starts, loans = shown.weeks("n_loans")
    _, money = shown.weeks("disbursed_fen")
    scale, unit = _scale(money)
    above.bar(starts, loans, width=6, align="edge", color=GREY, edgecolor=BLACK, linewidth=0.4)
    below.bar(starts, money / scale, width=6, align="edge", color=BLUE, edgecolor=BLACK, linewidth=0.4)
    above.set_ylabel("loans a week")
    below.set_ylabel(f"{unit} a week")
    above.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    above.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    for axes in (above, below):
        _finish(axes, shown)
    if not len(loans):
        return "Bar charts of loans and money paid out per week; the run is shorter than a week."
    return (
        f"Two bar charts of lending per week. Loans go from {loans[0]:,.0f} in the first week to {loans[-1]:,.0f} in "
        f"the last, at most {loans.max():,.0f}; money paid out goes from {_said(money, 0)} to {_said(money, -1)}."
    )


def draw_interest(figure: FigureBase, shown: Shown) -> str:
    """Draw the interest of each day and its seven-day mean."""
    axes = figure.subplots()
    daily = shown.line("interest_fen")
    days, means = shown.week_mean("interest_fen")
    scale, unit = _scale(daily)
    axes.plot(shown.x, daily / scale, color=GREY, linewidth=0.9, label="day")
    axes.plot(days, means / scale, color=BLUE, linewidth=2, linestyle=(0, (5, 1)), label="mean of seven days")
    axes.set_ylabel(f"interest a day ({unit})")
    axes.set_ylim(bottom=min(0.0, float(daily.min(initial=0)) / scale))
    _finish(axes, shown, columns=2)
    return (
        f"Line chart of interest earned a day: {_said(daily, 0)} on the first day, {_said(daily, -1)} on the last, at "
        f"most {say_number(daily.max(initial=0))} yuan."
    )


def draw_past_due(figure: FigureBase, shown: Shown) -> str:
    """Draw the balance past due by age, stacked, as a share of the balance."""
    axes = figure.subplots()
    labels = ("1-30 days", "31-60 days", "61-89 days", "90 days or more")
    columns = ("balance_1_30_fen", "balance_31_60_fen", "balance_61_90_fen", "balance_90_plus_fen")
    balance = shown.line("balance_fen")
    shares = np.array([shown.line(column) for column in columns])
    shares = 100 * np.divide(shares, balance, out=np.zeros_like(shares), where=balance > 0)
    # The oldest at the bottom, on the axis, where its height can be read.
    axes.stackplot(
        shown.x, shares[::-1], labels=labels[::-1], colors=PAST_DUE[::-1], edgecolor=BLACK, linewidth=0.4
    )
    axes.set_ylabel("balance past due (% of balance)")
    _from_zero(axes, 1.0)
    _finish(axes, shown, columns=4)
    ends = ", ".join(f"{share[-1]:.2f} % {label}" for share, label in zip(shares, labels, strict=True))
    return f"Stacked areas of the balance past due as a share of the balance. At the end: {ends}. The rest is current."


def draw_sales(figure: FigureBase, shown: Shown) -> str:
    """Draw the sales of all merchants, seven-day mean, with the scenario's events."""
    axes = figure.subplots()
    days, means = shown.week_mean("merchant_sales_fen")
    scale, unit = _scale(means)
    axes.plot(days, means / scale, color=GREEN, linewidth=1.8)
    axes.set_ylabel(f"sales a day ({unit})")
    axes.set_ylim(bottom=0)
    _finish(axes, shown)
    marked = _mark_events(axes, shown)
    told = f" Events marked: {', '.join(marked)}." if marked else ""
    return (
        f"Line chart of all merchants' sales a day, mean of seven days: from {_said(means, 0)} to {_said(means, -1)}, "
        f"between {say_number(means.min(initial=np.inf))} and {say_number(means.max(initial=0))} yuan.{told}"
    )


def draw_vintages(figure: FigureBase, shown: Shown) -> str:
    """Draw the share of principal ever 30 and ever 90 days past due by month of origination, matured months only."""
    axes = figure.subplots()
    cells = vintage_cells(shown.book)
    for place, (product, by_age) in enumerate(cells.items()):
        # Where nearly all that are 30 days late go on to 90 the lines meet: the small mark then lies in the large one.
        for days_late, style, size, face in ((30, (0, (4, 2)), 8, "white"), (90, "-", 4, None)):
            if not by_age[days_late]:
                continue
            months, shares = zip(*by_age[days_late], strict=True)
            colour, marker = (BLUE, ORANGE, GREEN, BLACK)[place % 4], "osD^"[place % 4]
            label = f"{product.replace('_', ' ')}, ever {days_late} days"
            axes.plot(
                np.array(months), 100 * np.array(shares), color=colour, linestyle=style, marker=marker,
                markersize=size, markerfacecolor=face or colour, clip_on=False, label=label,
            )  # fmt: skip
    axes.set_ylabel("principal ever past due (%)")
    axes.set_xlabel("month of origination")
    n_cells = sum(len(by_age[days_late]) for by_age in cells.values() for days_late in by_age)
    if n_cells:
        _from_zero(axes, 1.0)
        _legend(axes, 2)
        points = [point for by_age in cells.values() for drawn in by_age.values() for point in drawn]
        _date_axis(axes, *(as_date(pick(points)[0].astype(object)) for pick in (min, max)), by_month=True)
    else:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "No month of lending is old enough yet.", ha="center", transform=axes.transAxes)
    return f"Line chart of the share of principal ever 30 and ever 90 days past due, {n_cells} matured monthly points."


def vintage_cells(book: Ledger) -> dict[str, dict[int, list[tuple[np.datetime64, float]]]]:
    """Return (month, share of principal ever `k` days past due) by product and k, of months wholly matured.

    A month is matured at k when every loan it opened fell due at least k days before the run's end: censoring cannot
    make a young month look good.
    """
    tape = book.tape
    if tape.num_rows == 0:
        return {}
    opened, due = dates(tape["opened"]), dates(tape["due"])
    principal, worst, lost = (numbers(tape[name]) for name in ("principal_fen", "max_dpd", "written_off_fen"))
    products = np.array(tape["product"].to_pylist())
    months = opened.astype("datetime64[D]").astype("datetime64[M]")
    cells: dict[str, dict[int, list[tuple[np.datetime64, float]]]] = {}
    for product in sorted(set(products.tolist())):
        cells[product] = {30: [], 90: []}
        for month in np.unique(months[products == product]):
            inside = (products == product) & (months == month)
            for days_late, points in cells[product].items():
                if due[inside].max() + days_late <= book.observed:
                    is_bad = inside & ((worst >= days_late) | (lost > 0))
                    points.append((month.astype("datetime64[D]"), principal[is_bad].sum() / principal[inside].sum()))
    return cells


def draw_result(figure: FigureBase, shown: Shown) -> str:
    """Draw the lender's result by month: income above, costs below, the result as a mark."""
    axes = figure.subplots()
    months, place = np.unique(shown.number.astype("datetime64[D]").astype("datetime64[M]"), return_inverse=True)

    def monthly(*columns: str) -> NDArray[np.float64]:
        return np.asarray(sum(np.bincount(place, weights=shown.day(name)) for name in columns), dtype=np.float64)

    allowance = np.diff(shown.day("allowance_fen"), prepend=shown.book.opening("allowance_fen") / FEN_PER_YUAN)
    credit = monthly("written_off_fen") - monthly("recovered_fen") + np.bincount(place, weights=allowance)
    parts = (
        ("interest and penalties", monthly("interest_fen", "penalty_paid_fen") - monthly("refunded_fen"), BLUE, ""),
        ("interest on funds", -monthly("funding_cost_fen"), "#E8E8E8", "///"),
        ("operating cost", -monthly("operating_cost_fen"), "#BDBDBD", "..."),
        ("credit losses and allowance", -credit, ORANGE, "xx"),
    )
    result = np.sum([values for _, values, _, _ in parts], axis=0)
    scale, unit = _scale(np.concatenate([values for _, values, _, _ in parts]))
    high, low = np.zeros(len(months)), np.zeros(len(months))
    ticks = np.arange(len(months))
    for label, values, colour, hatch in parts:
        # A released allowance is income: each value stacks on the side of its sign.
        foot = np.where(values >= 0, high, low)
        axes.bar(
            ticks, values / scale, bottom=foot / scale, width=0.7, color=colour, hatch=hatch, edgecolor=BLACK,
            linewidth=0.5, label=label,
        )  # fmt: skip
        high, low = high + np.maximum(values, 0), low + np.minimum(values, 0)
    axes.plot(ticks, result / scale, color=BLACK, marker="D", markersize=5, linewidth=0, markerfacecolor="white",
              label="result")  # fmt: skip
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.set_ylabel(f"{unit} a month")
    every = -(-len(months) // 12)
    names = [f"{month:%b}\n{month:%Y}" for month in months.astype(object)]
    axes.set_xticks(ticks[::every], names[::every])
    _legend(axes, 3)
    return (
        f"Stacked bars of the lender's result in {len(months)} months: income above the axis, interest on funds, "
        f"operating cost and credit losses below it. The results add up to {say_number(float(result.sum()))} yuan."
    )


@dataclass(frozen=True)
class Picture:
    """A picture of the report: what it is called, what it says, how it is drawn."""

    name: str
    title: str
    caption: str
    draw: Callable[[FigureBase, Shown], str]
    height: float = 3.3
    needs_lender: bool = True


PICTURES = (
    Picture("balance", "Outstanding balance and fundable money",
            "Principal owed at the end of each day. Fundable money is own money plus bank debt up to its cap: the "
            "balance can never pass it.", draw_balance),
    Picture("lending", "Lending by week", "Loans opened and money paid out, in whole weeks from the first day shown.",
            draw_lending, height=4.2),
    Picture("interest", "Interest earned a day",
            "Accrual net of reversals. A drop below zero is the interest of loans that passed 90 days past due, taken "
            "back.", draw_interest),
    Picture("past_due", "Balance past due by age",
            "The oldest arrears lie on the axis; what is missing to 100 % is not past due. Growth dilutes these "
            "shares: read them with the vintages.", draw_past_due),
    Picture("sales", "Merchants' sales", "All merchants, mean of the seven days up to each day.", draw_sales,
            needs_lender=False),
    Picture("vintages", "Vintages: ever 30 and ever 90 days past due",
            "By month of origination over the whole run, as a share of the principal lent in the month. Only months "
            "whose loans all fell due at least 30 (or 90) days before the end are drawn.", draw_vintages),
    Picture("result", "The lender's result by month",
            "From the report window to the run's last day. Credit losses are write-offs less recoveries and the change "
            "of the allowance for expected loss.",
            draw_result, height=3.8),
)  # fmt: skip


def draw(picture: Picture, run: Run, lender: str) -> tuple[Figure, str]:
    """Return a picture of one lender as a figure, and the sentence that describes it."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, picture.height), layout="constrained")
        FigureCanvasAgg(figure)
        said = picture.draw(figure, Shown(run, lender))
    return figure, said


def svg(picture: Picture, run: Run, lender: str) -> str:
    """Return a picture as an ``<svg>`` element to stand in a page: no links, ids of its own, text as text."""
    figure, said = draw(picture, run, lender)
    prefix = re.sub(r"\W", "_", f"{lender}_{picture.name}")
    with mpl.rc_context(STYLE):
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    body = text.getvalue()
    view = re.search(r'viewBox="([^"]*)"', body)
    inner = re.sub(r"<metadata>.*?</metadata>", "", body[body.index(">", body.index("<svg")) + 1 :], flags=re.DOTALL)
    # Several pictures share a page: an id of one must not be the target of another.
    inner = re.sub(r'\bid="', f'id="{prefix}-', inner)
    inner = re.sub(r'xlink:href="#', f'xlink:href="#{prefix}-', inner)
    inner = inner.replace("url(#", f"url(#{prefix}-")
    return f'<svg viewBox="{view[1] if view else ""}" role="img" aria-label="{escape(said)}">{inner}'


def headline_figure(run: Run, lender: str | None = None) -> Figure:
    """Return four pictures on one sheet: balance, lending, past due and merchants' sales.

    A world without credit has the merchants' sales only.
    """
    who = lender if lender is not None else (run.lenders[0] if run.lenders else "")
    chosen = [picture for picture in PICTURES if picture.name in {"balance", "lending", "past_due", "sales"}]
    chosen = [picture for picture in chosen if who or not picture.needs_lender]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(13, 7.6) if who else (7.2, 3.8), layout="constrained")
        FigureCanvasAgg(figure)
        shown = Shown(run, who)
        places = list(np.ravel(figure.subfigures(2, 2, wspace=0.04, hspace=0.04))) if who else [figure]  # type: ignore[arg-type]
        for place, picture in zip(places, chosen, strict=True):
            place.suptitle(picture.title, x=0.01, ha="left", fontsize=10.5)
            picture.draw(place, shown)
        if run.days[1] > run.window[1]:
            figure.supxlabel(AFTER_WINDOW, x=0.01, ha="left", fontsize=8.5)
    return figure


def _finish(axes: Axes, shown: Shown, *, columns: int = 0) -> None:
    """Set the dates of a picture over days, shade what lies after the report window, and write the legend."""
    first, last = (as_date(day.astype(object)) for day in shown.x[[0, -1]])
    _, end = shown.run.window
    axes.set_xlim(_at(first) - 1, _at(last) + 1)
    _date_axis(axes, first, last)
    if last > end:
        axes.axvspan(_at(end), _at(last), color="#ECECEC", zorder=0, linewidth=0)
    if columns:
        _legend(axes, columns)


def _legend(axes: Axes, columns: int) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2, columnspacing=1.4)


def _from_zero(axes: Axes, least: float) -> None:
    """Begin the height at zero and give it at least `least`: nothing at all must not look like much."""
    axes.set_ylim(0, max(axes.get_ylim()[1], least))


def _date_axis(axes: Axes, first: datetime.date, last: datetime.date, *, by_month: bool = False) -> None:
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


def _mark_events(axes: Axes, shown: Shown) -> list[str]:
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


def _scale(values: NDArray[np.float64]) -> tuple[float, str]:
    highest = float(np.abs(values).max(initial=0))
    for size, unit in ((1e9, "bn yuan"), (1e6, "m yuan"), (1e3, "thousand yuan")):
        if highest >= 2 * size:
            return size, unit
    return 1.0, "yuan"


def _said(values: NDArray[np.float64], place: int) -> str:
    return f"{say_number(float(values[place]))} yuan" if len(values) else "nothing"
