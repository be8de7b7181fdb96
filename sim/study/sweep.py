"""A sweep: what becomes of the measures along the values of a few factors, paired with the first point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.results.headline import say
from sim.results.metrics import BY_NAME
from sim.study.findings import Findings, Measured, Picture, Sheet
from sim.study.holm import ALPHA, p_paired
from sim.study.sheets import bare
from sim.study.stats import Paired, Spread, pair, summarise
from sim.study.wording import say_difference, say_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sim.study.plan import Plan


def analyse(plan: Plan, measured: Measured) -> Findings:
    """Tell of every point and measure its mean over the worlds, and its difference from the first point.

    Rows hold ``point``, the written value of each factor, ``measure, mean, low, high, n_seeds, difference,
    difference_low, difference_high``.
    """
    rows = list(_rows(plan, measured))
    sentences = tuple(filter(None, (_sentence(plan, measured, measure) for measure in plan.measures)))
    heads = ("point", *(factor.name for factor in plan.factors), *(BY_NAME[m].label for m in plan.measures))
    first = len(plan.factors) + 1
    sheet = Sheet(heads, tuple(_lines(plan, measured)), tuple(range(first, len(heads))))
    pictures: dict[str, Picture] = {}
    if plan.factors:
        says = (
            f"{', '.join(plan.measures)} by {' and '.join(one.name for one in plan.factors[:2])}, with 95 % intervals"
        )
        pictures["sweep"] = Picture(draw(plan, measured), says)
    return Findings(rows, sentences, pictures, sheet=sheet)


def _lines(plan: Plan, measured: Measured) -> Iterator[tuple[str, ...]]:
    """A line for each point: its values, and every measure with its interval."""
    for point, values in plan.points.items():
        cells = [point, *(str(values.get(factor.name, "")) for factor in plan.factors)]
        for name in plan.measures:
            measure, spread = BY_NAME[name], summarise(measured.column(point, name))
            text = say(measure, spread.mean)
            if spread.low is not None and spread.high is not None:
                text += f" [{bare(spread.low, measure)}, {bare(spread.high, measure)}]"
            cells.append(text)
        yield tuple(cells)


def _rows(plan: Plan, measured: Measured) -> Iterator[Mapping[str, Any]]:
    first = measured.points[0]
    for point, values in plan.points.items():
        for measure in plan.measures:
            column = measured.column(point, measure)
            spread, paired = summarise(column), pair(measured.column(first, measure), column)
            yield {
                "point": point, **values, "measure": measure,
                "mean": spread.mean, "low": spread.low, "high": spread.high, "n_seeds": spread.n,
                "difference": paired.difference, "difference_low": paired.low, "difference_high": paired.high,
            }  # fmt: skip


def _sentence(plan: Plan, measured: Measured, name: str) -> str:
    """Say where a measure is least and greatest, and whether the two are told apart."""
    measure = BY_NAME[name]
    means = {point: summarise(measured.column(point, name)).mean for point in measured.points}
    defined = {point: mean for point, mean in means.items() if mean is not None}
    if len(defined) < 2:
        return f"{measure.label} ({name}) is not defined at two points, so nothing can be said of it."
    least, most = min(defined, key=lambda p: defined[p]), max(defined, key=lambda p: defined[p])
    paired = pair(measured.column(least, name), measured.column(most, name))
    ends = [f"{say(measure, defined[point])} at {_said(plan, point)}" for point in (least, most)]
    if defined[least] == defined[most] and not paired.standard_error:
        return f"{measure.label} is the same at every point, {say(measure, defined[least])}."
    apart = f"{say_difference(measure, paired)} {say_interval(measure, paired)}".strip()
    # The two were chosen as those farthest apart, which chance alone brings about too: Bonferroni over all pairs.
    p, n_pairs = p_paired(paired), len(defined) * (len(defined) - 1) // 2
    clear = "" if p is not None and p * n_pairs <= ALPHA else "; even these two are not told apart from chance"
    return f"{measure.label} goes from {ends[0]} to {ends[1]}: {apart}{clear}."


def _said(plan: Plan, point: str) -> str:
    return ", ".join(f"{name} {value}" for name, value in plan.points[point].items())


def draw(plan: Plan, measured: Measured) -> Figure:
    """Draw each measure along the first factor, a line for every value of the others.

    Bars are 95 % intervals of the difference from the first point, over the same worlds: it has none itself.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from sim.results.plots import STYLE

    n = len(plan.measures)
    n_columns = min(2, n)
    n_lines = -(-n // n_columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.3 * n_columns, 2.7 * n_lines + 0.3), layout="constrained")
        FigureCanvasAgg(figure)
        for place, name in enumerate(plan.measures):
            axes = figure.add_subplot(n_lines, n_columns, place + 1)
            _draw_measure(axes, plan, measured, name)
        figure.supxlabel("bars: 95 % interval of the difference from the first point, in the same worlds", size=7.5)
        if len(_curves(plan)) > 1:
            handles, labels = figure.axes[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)))
    return figure


def _draw_measure(axes: Axes, plan: Plan, measured: Measured, name: str) -> None:
    from sim.results.plots import BLACK, BLUE, GREEN, ORANGE

    measure, factor = BY_NAME[name], plan.factors[0]
    columns = {point: measured.column(point, name) for point in measured.points}
    spreads = {point: summarise(column) for point, column in columns.items()}
    from_first = {point: pair(columns[measured.points[0]], column) for point, column in columns.items()}
    factor_of, unit = _axis(measure.unit, spreads.values())
    colours, marks = (BLUE, ORANGE, GREEN, BLACK), ("o", "s", "^", "D", "v", "P")
    for i, (label, points) in enumerate(_curves(plan).items()):
        own = [point for point in points if spreads[point].mean is not None]
        x = [factor.number(plan.points[point][factor.name]) for point in own]
        y = np.array([spreads[point].mean for point in own]) * factor_of
        halves = [_half(from_first[point]) * factor_of for point in own]
        bars = np.array([halves, halves]).reshape(2, -1)
        is_line = not any(one.low is not None for one in plan.factors)
        axes.errorbar(
            x, y, yerr=bars, label=label, color=colours[i % 4], marker=marks[i % 6], markersize=4.5, capsize=2.5,
            linewidth=1.3 if is_line else 0.0, elinewidth=1.0,
        )  # fmt: skip
    axes.set_title(measure.label, loc="left")
    axes.set_ylabel(unit)
    axes.set_xlabel(f"{factor.name}{f' ({factor.unit.strip()})' if factor.unit.strip() else ''}")
    if factor.values:
        axes.set_xticks([factor.number(v) for v in factor.values], [str(v) for v in factor.values])


def _half(paired: Paired) -> float:
    return 0.0 if paired.low is None or paired.high is None else (paired.high - paired.low) / 2


def _curves(plan: Plan) -> dict[str, list[str]]:
    """Points by the values of all factors after the first, where those are few; else all as one."""
    found: dict[str, list[str]] = {}
    for point, values in plan.points.items():
        found.setdefault(", ".join(f"{one.name} {values[one.name]}" for one in plan.factors[1:]), []).append(point)
    return found if len(found) <= 6 else {"": list(plan.points)}


def _axis(unit: str, spreads: Sequence[Spread] | Any) -> tuple[float, str]:
    """What to multiply values by for an axis, and what it is then in."""
    if unit.startswith("share"):
        return 100.0, f"%{unit.removeprefix('share')}"
    if unit == "ppm a year":
        return 1e-4, "% a year"
    size = max((abs(one.mean) for one in spreads if one.mean is not None), default=0.0)
    for least, word in ((1e9, "bn "), (1e6, "m ")):
        if size >= least:
            return 1.0 / least, f"{word}{unit}"
    return 1.0, unit
