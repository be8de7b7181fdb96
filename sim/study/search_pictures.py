"""The pictures of calibrations and optimisations, in the style of the report's: they tell the same in grey."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import combinations
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sim.results.plots import BLACK, BLUE, GREEN, GREY, ORANGE, STYLE
from sim.study.distance import as_number, yardstick
from sim.study.findings import Picture
from sim.study.objectives import measure_named
from sim.study.search_wording import gain, label, listed, written
from sim.study.wording import scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sim.study.calibration import Calibration, TargetFit
    from sim.study.optimum import Candidate, Optimisation
    from sim.study.stats import Spread

_REACH = 4.0  # half-bands to either side of a band's middle that are drawn; what lies farther off is an arrow
_COLUMNS = 3


def as_svg(picture: Picture) -> str:
    """Return a picture as SVG text, the same bytes every time."""
    with mpl.rc_context(dict(STYLE)):
        text = io.StringIO()
        picture.figure.savefig(
            text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return text.getvalue()


def draw_distances(found: Calibration) -> Picture:
    """Draw each target's band, and where its figure lies in the fitting and in the held-out worlds."""
    n = len(found.targets)
    with _style():
        figure, axes = _figure(7.6, 1.2 + 0.3 * n)
        axes.axvspan(-1, 1, color="#DDEBF5", zorder=0)
        for k, one in enumerate(found.targets):
            y = n - 1 - k
            for spread, lift, colour, marker in ((one.fit, 0.13, BLUE, "o"), (one.held_out, -0.13, ORANGE, "D")):
                _draw_place(axes, one, spread, y + lift, colour, marker)
        names = [f"{one.id} {one.target.figure}{' *' if one.target.kind == 'hard' else ''}" for one in found.targets]
        axes.set_yticks(range(n - 1, -1, -1), names, fontsize=8)
        axes.set_xlim(-_REACH * 1.08, _REACH * 1.08)
        axes.set_ylim(-0.6, n - 0.4)
        axes.grid(visible=False)
        axes.set_xlabel("half-bands from the middle of the band; the band is shaded, * is a hard target")
        marks = [(f"{len(found.seeds)} fitting worlds", BLUE, "o"), (f"{len(found.held_out)} held out", ORANGE, "D")]
        _legend(axes, marks)
        figure.tight_layout()
    met = sum(one.distance_fit == 0 for one in found.targets)
    held = sum(one.distance_held_out == 0 for one in found.targets)
    return Picture(
        figure, f"{met} of {n} targets lie in their band in the fitting worlds, {held} in the held-out ones."
    )


def draw_profiles(found: Calibration) -> Picture:
    """Draw the profile of each parameter: the excess of misfit over the best set, with its paired interval."""
    n = len(found.profiles)
    rows = -(-n // _COLUMNS)
    with _style():
        figure = Figure(figsize=(2.9 * min(n, _COLUMNS) + 0.4, 2.5 * rows + 0.2))
        FigureCanvasAgg(figure)
        grid = figure.subplots(rows, min(n, _COLUMNS), squeeze=False)
        for place, axes in enumerate(grid.flat):
            if place >= n:
                axes.set_visible(False)
                continue
            profile = found.profiles[place]
            units = [p.unit for p in profile.points]
            axes.axhline(0, color=GREY, linewidth=1)
            axes.axvline(profile.best_unit, color=GREEN, linestyle=(0, (4, 2)))
            for p in profile.points:
                middle = p.excess.difference or 0.0
                ends = [middle if end is None else end for end in (p.excess.low, p.excess.high)]
                axes.plot([p.unit] * 2, ends, color=BLUE, linewidth=1.2)
                face = "white" if p.is_as_good else BLUE
                axes.plot([p.unit], [middle], marker="o", color=BLUE, markerfacecolor=face, markersize=5)
            axes.plot(units, [p.excess.difference or 0.0 for p in profile.points], color=BLUE, linewidth=0.8)
            _cut_above(axes, [p.excess.difference or 0.0 for p in profile.points])
            ends_shown = [0, len(units) - 1] if len(units) > 4 else range(len(units))
            axes.set_xticks([units[k] for k in ends_shown], [written(profile.points[k].written) for k in ends_shown])
            axes.set_title(f"{profile.name}: {profile.status}", fontsize=8.5)
        figure.supylabel("misfit above the best set's", fontsize=9)
        figure.tight_layout()
    told = listed([f"{p.name} {p.status}" for p in found.profiles])
    return Picture(figure, f"Profiles of the parameters; a filled mark is told apart from the best set: {told}.")


def draw_misfits(found: Calibration) -> Picture:
    """Draw the misfit of every set tried, and the best so far."""
    values = [value for _, value in found.history]
    with _style():
        figure, axes = _figure(7.6, 2.9)
        axes.plot(range(1, len(values) + 1), values, ".", color=GREY, markersize=5)
        axes.step(range(1, len(values) + 1), np.minimum.accumulate(values), where="post", color=BLUE, linewidth=2)
        if found.misfit_base is not None:
            axes.axhline(found.misfit_base, color=BLACK, linestyle=(0, (1, 1.5)))
        axes.set_xlabel("set")
        axes.set_ylabel("misfit")
        axes.set_ylim(bottom=0)
        _legend(axes, [("a set", GREY, "."), ("best so far", BLUE, ""), ("the scenario as it stands", BLACK, "")])
        figure.tight_layout()
    return Picture(
        figure, f"The misfit of {len(values)} sets; the best falls from {values[0]:.2f} to {min(values):.2f}."
    )


def draw_front(found: Optimisation) -> Picture:
    """Draw the points in the space of each pair of objectives: the search's, and the candidates in fresh worlds."""
    pairs = list(combinations(found.objectives, 2))
    with _style():
        figure = Figure(figsize=(5.6 if len(pairs) == 1 else 3.4 * min(len(pairs), _COLUMNS) + 0.4,
                                 4.4 if len(pairs) == 1 else 3.4 * -(-len(pairs) // _COLUMNS)))  # fmt: skip
        FigureCanvasAgg(figure)
        grid = figure.subplots(-(-len(pairs) // _COLUMNS), min(len(pairs), _COLUMNS), squeeze=False)
        for place, axes in enumerate(grid.flat):
            if place >= len(pairs):
                axes.set_visible(False)
                continue
            x, y = (aim.measure for aim in pairs[place])
            _draw_pair(found, axes, x, y)
        marks = [("tried, search's worlds", "#BBBBBB", "."), ("front, new worlds", BLUE, "o"), ("chosen", ORANGE, "D"),
                 ("as it stands", BLACK, "X")]  # fmt: skip
        _legend(grid.flat[0], marks, columns=2)
        figure.tight_layout()
    ends = [f"{label(aim.measure)} {_span(found, aim.measure)}" for aim in found.objectives]
    return Picture(figure, f"The Pareto set of {len(found.front)} points in fresh worlds: {listed(ends)}.")


def draw_gain(found: Optimisation) -> Picture:
    """Draw the gain of each candidate over the scenario as it stands, in fresh worlds, and what the search saw."""
    aim = found.objectives[0].measure
    with _style():
        figure, axes = _figure(7.6, 1.3 + 0.4 * len(found.candidates))
        axes.axvline(0, color=GREY, linewidth=1)
        unit = ""
        for k, one in enumerate(found.candidates):
            answer, y = one.answers[aim], len(found.candidates) - 1 - k
            scale = scale_of(measure_named(aim), answer.gain)
            unit = scale.unit.replace("A's mean", "the mean as it stands")
            middle = (answer.gain.difference or 0.0) * scale.factor
            ends = [middle if end is None else end * scale.factor for end in (answer.gain.low, answer.gain.high)]
            colour = ORANGE if one is found.chosen else BLUE
            axes.plot(ends, [y, y], color=colour, linewidth=1.8)
            face = colour if answer.gain.is_clear else "white"
            axes.plot([middle], [y], marker="o", color=colour, markerfacecolor=face, markersize=6)
            if answer.drop.difference is not None:
                looked = middle + answer.drop.difference * found.objectives[0].sense * scale.factor
                axes.plot([looked], [y], marker="x", color=BLACK, markersize=6)
        names = [
            ", ".join(written(v) for v in one.values.values()) + ("" if one.is_feasible else " (breaks a limit)")
            for one in found.candidates
        ]
        axes.set_yticks(range(len(names) - 1, -1, -1), names, fontsize=8)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.grid(visible=False)
        axes.set_xlabel(f"{label(aim)} against the scenario as it stands, {unit}")
        _legend(axes, [("chosen", ORANGE, "o"), ("runners-up", BLUE, "o"), ("as the search saw it", BLACK, "x")])
        figure.tight_layout()
    best = found.candidates[0]
    return Picture(
        figure, f"Gain of {len(found.candidates)} candidates in fresh worlds; the first: {gain(best.answers[aim])}."
    )


def draw_levers(found: Optimisation) -> Picture:
    """Draw where the levers of the candidates lie, each from its least to its greatest tried value."""
    axes_of = range(len(found.levers))
    shown = [(one, BLUE) for one in found.front if one is not found.chosen]
    shown += [(found.chosen, ORANGE)] if found.chosen else []
    places = {repr(sorted(one.values.items())): one.units for one in found.history}
    with _style():
        figure, axes = _figure(max(3.6, 1.5 * len(found.levers) + 1.5), 3.2)
        for one in found.history:
            axes.plot(axes_of, one.units, ".", color="#CCCCCC", markersize=3)
        for candidate, colour in shown:
            units = places[repr(sorted(candidate.values.items()))]
            axes.plot(axes_of, units, marker="o", color=colour, linewidth=1.2, markersize=4.5)
        axes.set_xticks(list(axes_of), found.levers)
        axes.set_xlim(-0.4, len(found.levers) - 0.6)
        axes.set_yticks([0, 1], ["low end", "high end"])
        axes.set_ylim(-0.04, 1.04)
        _legend(axes, [("chosen", ORANGE, "o"), ("front", BLUE, "o"), ("tried", "#BBBBBB", ".")])
        figure.tight_layout()
    what = f"the {len(found.front)} points of the front" if len(found.objectives) > 1 else "the best"
    return Picture(figure, f"Places of {listed(list(found.levers))} on their ranges, for {what}.")


def draw_progress(found: Optimisation) -> Picture:
    """Draw each objective over the points of the search, those that break a constraint hollow."""
    with _style():
        figure = Figure(figsize=(7.6, 2.2 * len(found.objectives) + 0.4))
        FigureCanvasAgg(figure)
        grid = figure.subplots(len(found.objectives), 1, squeeze=False, sharex=True)
        for aim, axes in zip(found.objectives, grid.flat, strict=True):
            factor, unit = _shown(aim.measure)
            for k, one in enumerate(found.history):
                if one.means is not None:
                    face = BLUE if one.is_feasible else "white"
                    value = one.means[aim.measure] * factor
                    axes.plot([k + 1], [value], marker="o", color=BLUE, markerfacecolor=face, markersize=3.5)
            axes.set_ylabel(f"{label(aim.measure)}\n{unit}", fontsize=8)
        grid.flat[-1].set_xlabel("point of the search" + ("; hollow: breaks a constraint" if found.constraints else ""))
        figure.tight_layout()
    n = sum(one.is_feasible for one in found.history)
    return Picture(figure, f"{len(found.history)} points of the search, {n} of which meet all constraints.")


def _draw_place(axes: Axes, one: TargetFit, spread: Spread, y: float, colour: str, marker: str) -> None:
    """Draw a figure's mean and interval in half-bands from the middle; the end of a band with one is at 1 or -1."""
    if spread.mean is None:
        axes.plot([_REACH], [y], marker="$?$", color=colour, markersize=6)
        return
    low, high, unit = as_number(one.target.low), as_number(one.target.high), yardstick(one.target)
    middle = (low + high) / 2 if low is not None and high is not None else None
    zero = middle if middle is not None else low + unit if low is not None else (high or 0.0) - unit
    shown = (spread.mean, *(spread.mean if end is None else end for end in (spread.low, spread.high)))
    at, *ends = (float(np.clip((value - zero) / unit, -_REACH, _REACH)) for value in shown)
    axes.plot(ends, [y, y], color=colour, linewidth=1.4)
    axes.plot([at], [y], marker=marker if abs(at) < _REACH else ">" if at > 0 else "<", color=colour, markersize=4.5)


def _draw_pair(found: Optimisation, axes: Axes, x: str, y: str) -> None:
    (fx, ux), (fy, uy) = _shown(x), _shown(y)
    for one in found.history:
        if one.means is not None:
            face = "#BBBBBB" if one.is_feasible else "white"
            axes.plot([one.means[x] * fx], [one.means[y] * fy], ".", color="#BBBBBB", markerfacecolor=face)
    front = sorted(found.front, key=lambda one: one.answers[x].fresh.mean or 0.0)
    for candidate in front:
        _draw_candidate(axes, candidate, (x, fx), (y, fy), ORANGE if candidate is found.chosen else BLUE)
    if found.chosen is not None and not found.chosen.is_on_front:
        _draw_candidate(axes, found.chosen, (x, fx), (y, fy), ORANGE)
    base = found.base[x].mean, found.base[y].mean
    if base[0] is not None and base[1] is not None:
        axes.plot([base[0] * fx], [base[1] * fy], marker="X", color=BLACK, markersize=7, linestyle="")
    axes.set_xlabel(f"{label(x)}, {ux}")
    axes.set_ylabel(f"{label(y)}, {uy}")


def _draw_candidate(axes: Axes, one: Candidate, x: tuple[str, float], y: tuple[str, float], colour: str) -> None:
    across, up = one.answers[x[0]].fresh, one.answers[y[0]].fresh
    if across.mean is None or up.mean is None:
        return
    at = across.mean * x[1], up.mean * y[1]
    if across.low is not None and across.high is not None:
        axes.plot([across.low * x[1], across.high * x[1]], [at[1]] * 2, color=colour, linewidth=0.9)
    if up.low is not None and up.high is not None:
        axes.plot([at[0]] * 2, [up.low * y[1], up.high * y[1]], color=colour, linewidth=0.9)
    axes.plot(*([v] for v in at), marker="D" if colour == ORANGE else "o", color=colour, markersize=5.5, linestyle="")


def _shown(name: str) -> tuple[float, str]:
    """Factor and unit in which a measure is drawn: shares as per cent, money in millions."""
    unit = measure_named(name).unit
    if unit.startswith("share"):
        return 100.0, f"%{unit.removeprefix('share')}"
    if unit == "ppm a year":
        return 1e-4, "% a year"
    return (1e-6, "m yuan") if unit == "yuan" else (1.0, unit)


def _span(found: Optimisation, name: str) -> str:
    factor, unit = _shown(name)
    values = [one.answers[name].fresh.mean or 0.0 for one in found.front] or [0.0]
    return f"{min(values) * factor:.4g} to {max(values) * factor:.4g} {unit}"


def _cut_above(axes: Axes, values: Sequence[float]) -> None:
    """Leave out what is so far up that the middle of the picture would be flat."""
    top = 4 * float(np.median(values)) if len(values) > 2 else 0.0
    if top > 0 and max(values) > 2 * top:
        axes.set_ylim(top=top)


def _style() -> AbstractContextManager[Any]:
    return mpl.rc_context(dict(STYLE))


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def _line(colour: str, marker: str) -> Any:
    """Lines without marks: dotted is what stands as it is."""
    return "" if marker else (0, (1, 1.5)) if colour == BLACK else "-"


def _legend(axes: Axes, marks: Sequence[tuple[str, str, str]], columns: int = 4) -> None:
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle=_line(colour, marker), label=text)
        for text, colour, marker in marks
    ]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, borderaxespad=0.2)
