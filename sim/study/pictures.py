"""The pictures of sensitivities: tornado, Morris and Sobol; and labels that do not lie on one another.

What is told apart from chance is filled, what is not is hollow or hatched: a print without colour says the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.transforms import Bbox

from sim.results.headline import say
from sim.results.measure import Measure
from sim.results.plots import BLACK, BLUE, GREY, ORANGE, STYLE
from sim.study.frontier import Frontier
from sim.study.sensitivity import Effect, Morris, Sobol, Tornado
from sim.study.sensitivity_words import measure_of, scale_of_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HATCH = "////"
_AROUND = ((1, 0), (-1, 0), (0, 1), (0, -1), (0.7, 0.7), (-0.7, 0.7), (0.7, -0.7), (-0.7, -0.7))
_MOST_FACTORS = 20


def draw(found: Tornado | Morris | Sobol | Frontier) -> Figure:
    """Draw what a sensitivity or a frontier found."""
    if isinstance(found, Tornado):
        return draw_tornado(found)
    if isinstance(found, Morris):
        return draw_morris(found)
    if isinstance(found, Sobol):
        return draw_sobol(found)
    from sim.study.frontier_picture import draw_frontier

    return draw_frontier(found)


@contextmanager
def sheet(width: float, height: float) -> Iterator[Figure]:
    """Give a figure of a size in inches, in the style of all pictures."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        yield figure


def axis_scale(measure: Measure, values: Sequence[float]) -> tuple[float, str]:
    """Return what to multiply values of a measure by for an axis, and the unit they are then in."""
    factor, unit = scale_of_size(measure, values)
    return factor, unit.replace("points", "%")


def draw_tornado(found: Tornado) -> Figure:
    """Draw a bar for each factor and value: the difference from the base with its interval, the longest at the top."""
    measure = measure_of(found.measure)
    factors = found.factors[:_MOST_FACTORS]
    effects = [one for one in found.effects if one.factor in factors]
    scale, unit = scale_of_size(measure, [one.paired.difference or 0.0 for one in effects])
    height = 0.27 * len(effects) + 0.14 * len(factors)
    places, middles = _strips(effects, factors)
    with sheet(7.6, height + 1.15) as figure:
        axes = figure.add_axes((0.36, 0.55 / (height + 1.15), 0.6, height / (height + 1.15)))
        for one, place in zip(effects, places, strict=True):
            _bar(axes, one, place, scale)
        axes.axvline(0, color=BLACK, linewidth=1)
        axes.set_ylim(-0.65, max(places, default=0) + 0.65)
        axes.invert_yaxis()
        axes.set_yticks(places, [str(one.written) for one in effects], fontsize=8)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"difference from the base ({unit})" if unit else "difference from the base")
        for name, place in middles.items():
            axes.annotate(name, (0, place), xycoords=("figure fraction", "data"), xytext=(8, 0), weight="bold",
                          textcoords="offset points", va="center", annotation_clip=False)  # fmt: skip
        base = next((one.paired.mean_a for one in effects if one.paired.mean_a is not None), None)
        _title(
            figure,
            f"{measure.label}: {say(measure, base)} at the base, and one factor changed at a time",
            found.n_worlds,
        )
        _marks(figure, "told apart from chance", "not told apart")
    return figure


def draw_morris(found: Morris) -> Figure:
    """Draw each factor by the mean size of its effects, with its interval, and by their spread."""
    measure = measure_of(found.measure)
    scale, unit = scale_of_size(measure, [one.high for one in found.screenings])
    with sheet(7.6, 5.0) as figure:
        axes = figure.add_axes((0.1, 0.115, 0.86, 0.73))
        x = np.array([one.mu_star for one in found.screenings]) * scale
        y = np.array([one.sigma for one in found.screenings]) * scale
        ends = [(one.low * scale, one.high * scale) for one in found.screenings]
        for one, place, height, (low, high) in zip(found.screenings, x, y, ends, strict=True):
            axes.plot([low, high], [height] * 2, color=BLUE, linewidth=1.2, zorder=2)
            axes.plot([place], [height], "o", color=BLUE, markersize=6.5, zorder=3,
                      markerfacecolor=BLUE if one.is_clear else "white")  # fmt: skip
        reach_x, reach_y = max((high for _, high in ends), default=0) or 1, float(y.max(initial=0)) or 1
        axes.set_xlim(-0.04 * reach_x, 1.12 * reach_x)
        axes.set_ylim(-0.06 * reach_y, 1.15 * reach_y)
        slope = min(1.12 * reach_x, 1.15 * reach_y)
        axes.plot([0, slope], [0, slope], color=GREY, linestyle=(0, (4, 3)), linewidth=0.9, zorder=1,
                  label="spread as large as the effect: bends or interacts")  # fmt: skip
        luck = [one.noise * scale for one in found.screenings if one.noise is not None]
        if luck:
            axes.axvspan(
                0, max(luck), color="#ECECEC", zorder=0, linewidth=0, label="luck of the worlds alone gives so much"
            )
        axes.grid(axis="x")
        axes.set_xlabel(_with_unit("mean size of the effect over the whole range of a factor", unit))
        axes.set_ylabel(_with_unit("spread of the effect", unit))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
        shares = np.linspace(0, 1, 21)
        bars = [(low + (high - low) * share, h) for (low, high), h in zip(ends, y, strict=True) for share in shares]
        place_labels(axes, list(zip(x, y, strict=True)), [one.factor for one in found.screenings], bars)
        _title(
            figure,
            f"{measure.label}: what moves it, by Morris' method, {found.n_trajectories} trajectories",
            found.n_worlds,
        )
        _marks(figure, "told apart from chance", "not told apart", is_dot=True)
    return figure


def draw_sobol(found: Sobol) -> Figure:
    """Draw the share of variance of each factor, with all it interacts with and alone, with intervals."""
    measure = measure_of(found.measure)
    shares = found.shares[:_MOST_FACTORS]
    height = 0.52 * max(len(shares), 1)
    with sheet(7.6, height + 1.25) as figure:
        axes = figure.add_axes((0.24, 0.55 / (height + 1.25), 0.72, height / (height + 1.25)))
        for place, one in enumerate(shares):
            _share_bar(axes, place - 0.19, (one.total, one.total_low, one.total_high), is_total=True)
            _share_bar(axes, place + 0.19, (one.first, one.first_low, one.first_high), is_total=False)
        if found.noise_share:
            axes.axvline(100 * found.noise_share, color=BLACK, linestyle=(0, (1.5, 1.5)), linewidth=1)
        axes.axvline(0, color=BLACK, linewidth=1)
        axes.set_yticks(range(len(shares)), [one.factor for one in shares])
        axes.set_ylim(max(len(shares), 1) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        axes.set_xlim(left=min(0.0, max(axes.get_xlim()[0], -25.0)))
        axes.set_xlabel("share of the variance (%)")
        if not shares:
            axes.text(0.5, 0.5, "It does not vary over the design.", ha="center", transform=axes.transAxes)
        _title(figure, f"{measure.label}: what its variance comes from, {found.n_blocks} base samples", found.n_worlds)
        handles: list[Patch | mpl.lines.Line2D] = [
            Patch(facecolor=BLUE, edgecolor=BLUE, label="with all it interacts with"),
            Patch(facecolor="white", edgecolor=ORANGE, hatch=_HATCH, label="alone"),
        ]
        if found.noise_share:
            handles.append(mpl.lines.Line2D([], [], color=BLACK, linestyle=(0, (1.5, 1.5)), label="luck left over"))
        _legend(figure, handles)
    return figure


def place_labels(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    obstacles: Sequence[tuple[float, float]] = (),
    radii: Sequence[float] = (),
) -> None:
    """Write a label beside each point, where it covers no point, no obstacle and no other label, if there is room.

    Parameters
    ----------
    radii
        Of the points' marks, in points of print; 3 for each unless given.
    """
    axes.figure.canvas.draw()  # limits and extents are settled by drawing
    renderer = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    radii = radii or [3.0] * len(points)
    to_pixels = axes.figure.dpi / 72
    sizes = [*(radius * to_pixels for radius in radii), *([2.0] * len(obstacles))]
    places = (axes.transData.transform(one) for one in (*points, *obstacles))
    marks = [(float(x), float(y), size) for (x, y), size in zip(places, sizes, strict=True)]
    taken: list[Bbox] = []
    frame = axes.get_window_extent(renderer)
    for point, text, radius in zip(points, texts, radii, strict=True):
        label = axes.annotate(text, point, xytext=(0, 0), textcoords="offset points", fontsize=8.5, zorder=6)
        best: tuple[float, tuple[float, float], str, str, Bbox] | None = None
        for reach in (2.5, 6.0, 12.0, 18.0, 26.0, 36.0):
            for dx, dy in _AROUND:
                across = "left" if dx > 0 else "right" if dx < 0 else "center"
                along = "bottom" if dy > 0 else "top" if dy < 0 else "center"
                at = (dx * (reach + radius), dy * (reach + radius))
                label.set(position=at, ha=across, va=along)
                box = label.get_window_extent(renderer)
                cost = _cost(box, marks, taken, frame) + reach / 100
                if best is None or cost < best[0]:
                    best = cost, at, across, along, box
        assert best is not None
        label.set(position=best[1], ha=best[2], va=best[3])
        taken.append(best[4])
        if max(map(abs, best[1])) > radius + 8:
            arrow = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", point, xytext=best[1], textcoords="offset points", zorder=3.5, arrowprops=arrow)


def _cost(box: Bbox, marks: Sequence[tuple[float, float, float]], taken: Sequence[Bbox], frame: Bbox) -> float:
    """How badly a label lies: marks (x, y, radius) under it, other labels under it, and what of it is outside."""
    covered = sum(box.x0 - r < x < box.x1 + r and box.y0 - r < y < box.y1 + r for x, y, r in marks)
    crossed = sum(bool(box.overlaps(other)) for other in taken)
    is_out = box.x0 < frame.x0 or box.x1 > frame.x1 or box.y0 < frame.y0 or box.y1 > frame.y1
    return float(covered + 5 * crossed + 5 * is_out)


def _strips(effects: Sequence[Effect], factors: Sequence[str]) -> tuple[list[float], dict[str, float]]:
    """Heights of the bars, with a gap between factors, and the middle of each factor's bars."""
    places = [place + 0.5 * factors.index(one.factor) for place, one in enumerate(effects)]
    return places, {
        name: float(np.mean([place for place, one in zip(places, effects, strict=True) if one.factor == name]))
        for name in factors
    }


def _bar(axes: Axes, one: Effect, place: float, scale: float) -> None:
    paired = one.paired
    if paired.difference is None:
        axes.annotate("not defined", (0, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
        return
    look = {"color": BLUE} if paired.is_clear else {"facecolor": "white", "edgecolor": BLUE, "hatch": _HATCH}
    axes.barh([place], [paired.difference * scale], height=0.72, linewidth=0.8, **look)  # type: ignore[arg-type]
    if paired.low is not None and paired.high is not None:
        axes.plot([paired.low * scale, paired.high * scale], [place] * 2, color=BLACK, linewidth=1.1, marker="|",
                  markersize=5)  # fmt: skip


def _share_bar(axes: Axes, place: float, value: tuple[float, float, float], *, is_total: bool) -> None:
    share, low, high = (100 * one for one in value)
    look = {"color": BLUE} if is_total else {"facecolor": "white", "edgecolor": ORANGE, "hatch": _HATCH}
    axes.barh([place], [share], height=0.34, linewidth=0.8, **look)  # type: ignore[arg-type]
    axes.plot([low, high], [place] * 2, color=BLACK, linewidth=1.1, marker="|", markersize=5)


def _title(figure: Figure, text: str, n_worlds: int) -> None:
    height = figure.get_figheight()
    figure.text(0.015, 1 - 0.19 / height, text, va="center", weight="bold", size=10)
    said = f"{n_worlds} world{'s' if n_worlds != 1 else ''}, 95 % intervals"
    figure.text(0.015, 1 - 0.4 / height, said, va="center", size=8.5, color="#444444")


def _marks(figure: Figure, filled: str, hollow: str, *, is_dot: bool = False) -> None:
    """Say beside the subtitle what filled and hollow mean."""
    if is_dot:
        dots = [mpl.lines.Line2D([], [], color=BLUE, marker="o", linestyle="", markerfacecolor=face, label=label)
                for face, label in ((BLUE, filled), ("white", hollow))]  # fmt: skip
        _legend(figure, dots)
        return
    _legend(figure, [Patch(facecolor=BLUE, edgecolor=BLUE, label=filled),
                     Patch(facecolor="white", edgecolor=BLUE, hatch=_HATCH, label=hollow)])  # fmt: skip


def _legend(figure: Figure, handles: Sequence[Patch | mpl.lines.Line2D]) -> None:
    anchor = (0.995, 1 - 0.4 / figure.get_figheight())
    figure.legend(handles=list(handles), loc="center right", bbox_to_anchor=anchor, ncols=len(handles), borderpad=0)


def _with_unit(text: str, unit: str) -> str:
    return f"{text} ({unit})" if unit else text
