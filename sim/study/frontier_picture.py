"""The picture of a frontier: the first two objectives across and up, the third as size and shade of the marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D

from sim.results.headline import say
from sim.results.plots import BLACK, GREY
from sim.study.frontier import BEATEN, ON, OVER, UNSURE, Frontier, Strategy
from sim.study.frontier_words import say_point
from sim.study.objectives import measure_named
from sim.study.pareto import efficient
from sim.study.pictures import axis_scale, place_labels, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_LIGHT, _DARK = (0.996, 0.890, 0.569), (0.400, 0.145, 0.024)  # ends of the shades of days past due
_LEAST, _MOST = 5.0, 15.0  # points: width of the mark with the least and the most of the third objective
_MOST_LISTED = 16
_LONGEST = 66


def draw_frontier(found: Frontier) -> Figure:
    """Draw all strategies by their first two objectives; those on the frontier are numbered and listed below.

    The line joins the strategies that none beats in the two objectives drawn; others on the frontier are there for
    their third. Bars are intervals for comparing strategies with each other: luck that all share in a world is
    taken out.

    Raises
    ------
    ValueError
        If there are fewer than two objectives.
    """
    if len(found.objectives) < 2:
        raise ValueError(f"{len(found.objectives)} objective; the picture of a frontier needs two")
    listed = found.efficient[:_MOST_LISTED]
    below = 0.3 + 0.185 * (len(listed) + 1 + (len(found.efficient) > len(listed)))
    height = 4.98 + below
    with sheet(7.6, height) as figure:
        axes = figure.add_axes((0.1, (below + 0.55) / height, 0.87, 3.3 / height))
        (x_scale, x_unit), (y_scale, y_unit) = (_axis(found, column) for column in (0, 1))
        scales = np.array([x_scale, y_scale])
        for one in found.strategies:
            if one.spreads[0].mean is not None:
                _mark(axes, found, one, scales)
        _line(axes, found, scales)
        for set_label, column, unit in ((axes.set_xlabel, 0, x_unit), (axes.set_ylabel, 1, y_unit)):
            aim = found.objectives[column]
            better = "more" if aim.sense > 0 else "less"
            label = measure_named(aim.measure).label
            set_label(f"{label} ({unit}; {better} is better)")
        axes.grid(axis="x")
        axes.margins(0.07)
        numbers = [str(place + 1) for place in range(len(found.efficient))]
        obstacles = [end for one in found.strategies if one.standing in (ON, UNSURE) for end in _ends(one, scales)]
        others = [
            _at(one, scales)
            for one in found.strategies
            if one.standing not in (ON,) and one.spreads[0].mean is not None
        ]
        radii = [_size(found, one.spreads[2].mean if len(one.spreads) > 2 else None)[0] / 2 for one in found.efficient]
        at = [_at(one, scales) for one in found.efficient]
        place_labels(axes, at, numbers, [*obstacles, *others], radii)
        _heads(figure, found)
        _list(figure, found, listed, below - 0.12)
    return figure


def _axis(found: Frontier, column: int) -> tuple[float, str]:
    means = [one.spreads[column].mean or 0.0 for one in found.strategies]
    return axis_scale(measure_named(found.objectives[column].measure), means)


def _at(one: Strategy, scales: NDArray[np.float64]) -> tuple[float, float]:
    x, y = (float((one.spreads[column].mean or 0.0) * scales[column]) for column in (0, 1))
    return x, y


def _ends(one: Strategy, scales: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Points along the two bars of a strategy, which labels should not cover."""
    x, y = _at(one, scales)
    half_x, half_y = ((one.apart[column] or 0.0) * scales[column] for column in (0, 1))
    shares = np.linspace(-1, 1, 16)
    return [*((x + s * half_x, y) for s in shares), *((x, y + s * half_y) for s in shares)]


def _size(found: Frontier, value: float | None) -> tuple[float, tuple[float, float, float]]:
    """Width and shade of a mark by its third objective."""
    known = [one.spreads[2].mean for one in found.strategies if len(one.spreads) > 2]
    means = [mean for mean in known if mean is not None]
    if value is None or not means or max(means) == min(means):
        return (_LEAST + _MOST) / 2, _shade(0.5)
    share = (value - min(means)) / (max(means) - min(means))
    return _LEAST + (_MOST - _LEAST) * share, _shade(share)


def _shade(share: float) -> tuple[float, float, float]:
    red, green, blue = (light + (dark - light) * share for light, dark in zip(_LIGHT, _DARK, strict=True))
    return red, green, blue


def _mark(axes: Axes, found: Frontier, one: Strategy, scales: NDArray[np.float64]) -> None:
    x, y = _at(one, scales)
    if one.standing in (BEATEN, OVER):
        axes.plot([x], [y], "x" if one.standing == BEATEN else "+", color=GREY, markersize=4.5, zorder=2)
        return
    width, shade = _size(found, one.spreads[2].mean if len(one.spreads) > 2 else None)
    is_on = one.standing == ON
    bars = [(one.apart[column] or 0.0) * scales[column] for column in (0, 1)]
    axes.errorbar([x], [y], xerr=[bars[0]], yerr=[bars[1]], color=BLACK if is_on else GREY, linewidth=0,
                  elinewidth=0.8, zorder=3)  # fmt: skip
    axes.plot([x], [y], "o" if is_on else "s", markersize=width, markerfacecolor=shade, zorder=4,
              markeredgecolor=BLACK, markeredgewidth=1.4 if is_on else 0.6)  # fmt: skip


def _line(axes: Axes, found: Frontier, scales: NDArray[np.float64]) -> None:
    own = found.efficient
    senses = np.array([aim.sense for aim in found.objectives[:2]], np.float64)
    places = np.array([_at(one, scales) for one in own]).reshape(-1, 2)
    line = places[efficient(places * senses)]
    line = line[np.argsort(line[:, 0], kind="stable")]
    axes.plot(line[:, 0], line[:, 1], color=BLACK, linewidth=1.2, zorder=2.5)


def _heads(figure: Figure, found: Frontier) -> None:
    height = figure.get_figheight()
    limits = f", keeping {' and '.join(found.constraints)}" if found.constraints else ""
    title = f"The efficient frontier: {len(found.efficient)} of {len(found.strategies)} strategies{limits}"
    figure.text(0.015, 1 - 0.19 / height, title, va="center", weight="bold", size=10)
    worlds = f"{found.n_worlds} world{'s' if found.n_worlds != 1 else ''}"
    said = f"{worlds}; bars: 95 % intervals for comparing strategies in the same worlds"
    figure.text(0.015, 1 - 0.4 / height, said, va="center", size=8.5, color="#444444")
    handles = [
        Line2D([], [], marker="o", color=BLACK, linewidth=1.2, markersize=7, markerfacecolor="#FEC44F", label=ON),
        Line2D([], [], marker="s", color=BLACK, linewidth=0, markersize=7, markerfacecolor="#FEC44F",
               markeredgewidth=0.6, label=UNSURE),
        Line2D([], [], marker="x", color=GREY, linewidth=0, markersize=4.5, label=BEATEN),
    ]  # fmt: skip
    if any(one.standing == OVER for one in found.strategies):
        handles.append(Line2D([], [], marker="+", color=GREY, linewidth=0, markersize=5, label=OVER))
    figure.legend(handles=handles, loc="center left", bbox_to_anchor=(0.005, 1 - 0.66 / height), ncols=4, borderpad=0)
    means = [one.spreads[2].mean for one in found.strategies if len(one.spreads) > 2]
    known = sorted(mean for mean in means if mean is not None)
    if not known:
        return
    measure = measure_named(found.objectives[2].measure)
    sized = []
    for value in dict.fromkeys((known[0], (known[0] + known[-1]) / 2, known[-1])):
        width, shade = _size(found, value)
        sized.append(Line2D([], [], marker="o", color=BLACK, linewidth=0, markersize=width, markeredgewidth=0.8,
                            markerfacecolor=shade, label=say(measure, value)))  # fmt: skip
    figure.text(0.015, 1 - 0.93 / height, f"size and shade: {measure.label.lower()}", va="center", size=8.5)
    figure.legend(handles=sized, loc="center left", bbox_to_anchor=(0.39, 1 - 0.93 / height), ncols=3, borderpad=0)


def _list(figure: Figure, found: Frontier, listed: Sequence[Strategy], top: float) -> None:
    """List the numbered strategies: what they are, their third objective, how often they are on the frontier."""
    height = figure.get_figheight()
    third = measure_named(found.objectives[2].measure) if len(found.objectives) > 2 else None
    heads = ("", "strategy", third.label.lower() if third else "", "on the frontier in")
    rows = [heads]
    for place, one in enumerate(listed, 1):
        spread = one.spreads[2] if third else None
        value = "" if third is None or spread is None else say(third, spread.mean)
        if third is not None and spread is not None and spread.low is not None:
            value += f" [{say(third, spread.low)}, {say(third, spread.high)}]"
        chance = "" if one.probability is None else f"{100 * one.probability:.0f} % of resamples"
        said = say_point(one)
        rows.append((str(place), said if len(said) <= _LONGEST else said[: _LONGEST - 3] + "...", value, chance))
    if len(found.efficient) > len(listed):
        rows.append(("", f"and {len(found.efficient) - len(listed)} more, in the table", "", ""))
    for line, row in enumerate(rows):
        y = (top - 0.185 * line) / height
        for x, cell, align in zip((0.03, 0.045, 0.79, 0.985), row, ("right", "left", "right", "right"), strict=True):
            figure.text(x, y, cell, ha=align, va="center", size=8, color="#444444" if line == 0 else BLACK)
