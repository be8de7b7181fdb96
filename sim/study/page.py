"""The picture of a comparison, and the page that shows it: one file, no outside parts, readable in print."""

from __future__ import annotations

import io
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from sim.results.files import write_whole
from sim.results.headline import say
from sim.results.metrics import BY_NAME
from sim.results.plots import BLACK, BLUE, GREEN, GREY, ORANGE, STYLE
from sim.study.wording import THEMES, say_difference, say_interval, say_probability, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sim.study.compare import Comparison
    from sim.study.contrast import Contrast

_COLOURS = (BLUE, ORANGE, GREEN, BLACK)
_MARKERS = ("o", "s", "^", "D", "v", "P")
_HEADS = (
    "difference", "95 % interval, by t and by bootstrap", "p, Holm", "correlation", "worlds",
    "needed unpaired, runs saved",
)  # fmt: skip
_STRIP, _GAP = 0.5, 0.2  # inches: a measure's strip, and what each further arm adds


def draw_differences(comparison: Comparison) -> Figure:
    """Draw a strip for each measure: the difference of each arm from the first, its interval, and zero.

    Each strip has a scale of its own, since points and per cents do not mix. A filled mark is told apart from chance,
    all differences taken together, a hollow one is not.
    """
    others = comparison.arms[1:]
    measures = list(dict.fromkeys(c.measure for c in comparison.contrasts))
    groups = [group for group in THEMES if any(BY_NAME[m].group == group for m in measures)]
    strip = _STRIP + _GAP * (len(others) - 1)
    head = 0.85 if len(others) > 1 else 0.62
    height = strip * len(measures) + 0.3 * len(groups) + head + 0.13
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(8.4, height))
        FigureCanvasAgg(figure)
        top = height - head
        figure.text(0.02, 1 - 0.2 / height, _title(comparison), va="center", weight="bold", size=10.5)
        if len(others) > 1:
            handles = [
                Line2D([], [], color=_colour(i), marker=_MARKERS[i % len(_MARKERS)], label=name)
                for i, name in enumerate(others)
            ]
            figure.legend(handles=handles, loc="center left", bbox_to_anchor=(0.01, 1 - 0.44 / height), ncols=4)
        for group in groups:
            figure.text(0.02, top / height, THEMES[group], va="center", weight="bold", color="#444444")
            top -= 0.26
            for measure in (m for m in measures if BY_NAME[m].group == group):
                axes = figure.add_axes((0.36, (top - strip + 0.28) / height, 0.36, (strip - 0.26) / height))
                _draw_strip(figure, axes, [c for c in comparison.contrasts if c.measure == measure])
                top -= strip
            top -= 0.04
    return figure


def write_page(comparison: Comparison, folder: Path) -> Path:
    """Write ``comparison.svg``, ``.json`` and ``.html``; return the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = _svg(draw_differences(comparison))
    write_whole(folder / "comparison.svg", picture.encode())
    write_whole(folder / "comparison.json", (comparison.to_json() + "\n").encode())
    page = folder / "comparison.html"
    write_whole(page, _page(comparison, picture).encode())
    return page


def _draw_strip(figure: Figure, axes: Axes, contrasts: list[Contrast]) -> None:
    measure = BY_NAME[contrasts[0].measure]
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.axvline(0, color=GREY, linewidth=1, zorder=0)
    reach = 0.0
    for i, contrast in enumerate(contrasts):
        paired, scale = contrast.paired, scale_of(measure, contrast.paired)
        place = (len(contrasts) - i - 0.5) / len(contrasts)
        _, y = axes.transAxes.transform((0, place)) / figure.dpi
        said = f"{say_difference(measure, paired, with_unit=False)}  {say_interval(measure, paired)}"
        figure.text(0.745, y / figure.get_figheight(), said, va="center", size=8)
        if paired.difference is None:
            continue
        middle = paired.difference * scale.factor
        ends = [(end if end is not None else paired.difference) * scale.factor for end in (paired.low, paired.high)]
        reach = max(reach, *map(abs, ends))
        axes.plot(ends, [place] * 2, color=_colour(i), linewidth=1.8, solid_capstyle="butt")
        axes.plot(
            [middle], [place], color=_colour(i), marker=_MARKERS[i % len(_MARKERS)], markersize=5.5,
            markerfacecolor=_colour(i) if contrast.is_clear else "white",
        )  # fmt: skip
    axes.set_ylim(0, 1)
    # Zero is in the middle of every strip, so that the side of a mark reads at a glance.
    axes.set_xlim(-1.12 * (reach or 1), 1.12 * (reach or 1))
    axes.xaxis.set_major_locator(MaxNLocator(6, symmetric=True))
    axes.tick_params(axis="x", labelsize=7, length=2, pad=1.5, colors="#444444")
    axes.spines["bottom"].set_color("#BBBBBB")
    if reach == 0:
        axes.set_xticks([0])
    _, middle_y = axes.transAxes.transform((0, 0.5)) / figure.dpi
    where = middle_y / figure.get_figheight()
    lift = 0.075 / figure.get_figheight()
    figure.text(0.345, where + lift, measure.label, va="center", ha="right", size=8.5)
    unit = scale_of(measure, contrasts[0].paired).unit.replace("A's mean", f"the mean of {contrasts[0].a}")
    figure.text(0.345, where - lift, unit, va="center", ha="right", size=7, color="#555555")


def _title(comparison: Comparison) -> str:
    others = comparison.arms[1:]
    who = others[0] if len(others) == 1 else f"{len(others)} scenarios"
    n = len(comparison.seeds)
    return f"{who} less {comparison.arms[0]}: mean difference and 95 % interval, {n} world{'s' if n > 1 else ''}"


def _colour(i: int) -> str:
    return _COLOURS[i % len(_COLOURS)]


def _svg(figure: Figure) -> str:
    with mpl.rc_context(dict(STYLE)):
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return text.getvalue()


STYLE_SHEET = """
body { font: 15px/1.5 system-ui, "DejaVu Sans", Arial, sans-serif; color: #111; max-width: 68rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; margin-bottom: 1.5rem; }
caption { text-align: left; color: #444; }
th, td { padding: .3rem .5rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 13rem; }
.many th, .many td { padding: .25rem .3rem; font-size: .74rem; } .many thead th { white-space: normal; }
.many td:first-child { min-width: 9rem; }
tbody th { background: #f3f3f3; text-align: left; } .clear { font-weight: bold; }
svg { max-width: 100%; height: auto; } pre { overflow-x: auto; background: #f6f6f6; padding: .6rem; font-size: .8rem; }
.wide { overflow-x: auto; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } svg, tr { break-inside: avoid; } }
"""


def _page(comparison: Comparison, picture: str) -> str:
    title = " and ".join([", ".join(comparison.arms[1:]), comparison.arms[0]][::-1])
    told = "".join(map(_paragraph, comparison.verdict().split("\n\n")))
    notes = "".join(f"<li>{escape(note)}</li>" for note in comparison.notes)
    tables = "".join(_table(comparison, b) for b in comparison.arms[1:])
    failed = "".join(
        f"<h3>{escape(o.name)}, seed {o.seed}</h3><pre>{escape(o.failure)}</pre>" for o in comparison.failures
    )
    label = f'<svg role="img" aria-label="{escape(_title(comparison))}"'
    figure = picture[picture.index("<svg") :].replace("<svg", label, 1)
    seeds = ", ".join(map(str, comparison.seeds))
    n_tested = sum(c.p is not None for c in comparison.contrasts)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Comparison: {escape(title)}</title><style>{STYLE_SHEET}</style></head><body>
<h1>Comparison: {escape(title)}</h1>
{told}{f"<ul>{notes}</ul>" if notes else ""}
<h2>Differences</h2><div class="wide">{figure}</div>
<p>A filled mark is told apart from chance, all these differences taken together; a hollow one is not, even where its
own interval leaves zero out.</p>
<h2>Numbers</h2>{tables}
<h2>How it was done</h2>
<p>Each scenario lived through the same worlds (seeds {escape(seeds)}): the luck of every merchant is the same in all
of them, so the difference within a world is the lenders' doing. The interval is that of Student's t over these
differences: mean &#8723; t(0.975, n &#8722; 1) &#215; s<sub>d</sub> / &#8730;n. Below it stands the bias-corrected and
accelerated bootstrap interval, which supposes no shape but is narrow with few worlds; it is left out below eight. p is
that of paired t, adjusted by Holm's procedure for the {n_tested} differences of this comparison, arms and measures
together: of lenders that are alike, at most one comparison in twenty has any difference in bold. Without pairing, an
interval of the same width would have taken n (s<sub>a</sub>&#178; + s<sub>b</sub>&#178;) / s<sub>d</sub>&#178; seeds on
each side; what that is more than n, on both sides, are the runs saved. The higher the correlation between the two
sides over the worlds, the more. A measure that is undefined in a world is left out of that world's pair. Measures
marked * count matured loans only.{_sequential(comparison)}</p>
{f"<h2>Runs that failed</h2>{failed}" if failed else ""}
</body></html>
"""


def _sequential(comparison: Comparison) -> str:
    if comparison.ending is None:
        return ""
    looks = len(comparison.ending.looks)
    return (
        f" The number of worlds was decided on the way, in {looks} look{'s' if looks > 1 else ''} at the interval "
        f"(goal: {escape(comparison.ending.goal.text)}); an interval that a run stops with is a little too narrow, and "
        "covers the truth one or two times in a hundred less often than it says."
    )


def _paragraph(part: str) -> str:
    """A paragraph of the verdict, its headline in bold."""
    headline, begin, rest = part.partition(" 95 % intervals in brackets.")
    return f"<p><strong>{escape(headline)}</strong>{escape(begin + rest)}</p>" if begin else f"<p>{escape(part)}</p>"


def _saved(runs: int) -> str:
    return f"{runs:,} saved" if runs > 0 else "none saved"


def _two_lines(cell: str) -> str:
    return "<br>".join(escape(line) for line in cell.split("\n") if line)


def _table(comparison: Comparison, b: str) -> str:
    a = comparison.arms[0]
    lines = []
    group = ""
    for contrast in (c for c in comparison.contrasts if c.b == b):
        measure, paired = BY_NAME[contrast.measure], contrast.paired
        if measure.group != group:
            group = measure.group
            lines.append(f'<tr><th colspan="{len(_HEADS) + 3}" scope="rowgroup">{THEMES[group]}</th></tr>')
        low_bca, high_bca = contrast.interval_bca or (None, None)
        cells = (
            measure.label + (" *" if measure.matured else ""),
            say(measure, paired.mean_a),
            say(measure, paired.mean_b),
            say_difference(measure, paired).removesuffix(" a year"),
            say_interval(measure, paired) + "\n" + say_interval(measure, replace(paired, low=low_bca, high=high_bca)),
            say_probability(contrast.p_holm),
            "" if paired.correlation is None else f"{paired.correlation:.2f}",
            str(paired.n),
            "" if contrast.n_runs_saved is None else f"{paired.n_unpaired:,}\n{_saved(contrast.n_runs_saved)}",
        )
        mark = ' class="clear"' if contrast.is_clear else ""
        lines.append(f"<tr{mark}>{''.join(f'<td>{_two_lines(cell)}</td>' for cell in cells)}</tr>")
    head = "".join(
        f'<th scope="col">{escape(name)}</th>' for name in ("measure", f"mean of {a}", f"mean of {b}", *_HEADS)
    )
    caption = f"{b} less {a}; bold where told apart from chance, all differences taken together"
    return (
        f'<div class="wide"><table class="many"><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )
