"""The pictures of a fit: a curve of real merchants and the same of simulated ones, side by side."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from sim.results.plots import BLACK, BLUE, STYLE
from sim.study.fit.curves import SILENT, Curve, curves_of
from sim.study.fit.estimates import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Drawer = Callable[["Axes"], None]


def _sizes(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("share of shops with fewer")
    axes.set_ylabel("orders a day")


def _fifths(label: str) -> Drawer:
    def draw(axes: Axes) -> None:
        axes.set_xticks(range(1, 6), ["smallest", "2", "3", "4", "largest"])
        axes.set_xlabel("fifth of shops by orders a day")
        axes.set_ylabel(label)
        axes.set_ylim(bottom=0)

    return draw


def _persistence(axes: Axes) -> None:
    axes.axhline(0.0, color="#AAAAAA", linewidth=0.8)
    axes.set_xlabel("weeks apart")
    axes.set_ylabel("autocorrelation")


def _weeks(axes: Axes) -> None:
    axes.axhline(0.0, color="#AAAAAA", linewidth=0.8)
    axes.set_xlabel("share of shop-weeks with less")
    axes.set_ylabel("log growth of a week")


def _survival(axes: Axes) -> None:
    axes.set_xlabel("months since the first order")
    axes.set_ylabel("share still selling")
    axes.set_ylim(0, 1.03)


def _total(axes: Axes) -> None:
    axes.set_xlabel("week of the data")
    axes.set_ylabel("orders over the mean week")
    axes.set_ylim(bottom=0)


def _weekdays(axes: Axes) -> None:
    axes.set_xticks(range(7), ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
    axes.set_ylabel("orders over the mean day")


@dataclass(frozen=True)
class _Picture:
    title: str
    caption: str
    axes: Drawer
    has_marks: bool = False


PICTURES = {
    "sizes": _Picture("Sizes", "Mean orders of a day since the first order, shops in order.", _sizes),
    "zero_days": _Picture(
        "Days without orders", "Mean share of a shop's days since its first order.", _fifths("share of days"), True
    ),
    "persistence": _Picture(
        "Persistence",
        "Autocorrelation of log weekly orders, less the common path and each shop's own line; median shop.",
        _persistence,
        True,
    ),
    "growth": _Picture(
        "Spread of weekly growth",
        "Range of nine tenths of a shop's weekly growth over 3.29; median shop.",
        _fifths("log"),
        True,
    ),
    "weeks": _Picture("Weekly growth", "All shops and weeks together.", _weeks),
    "survival": _Picture(
        "Survival",
        f"Shops that began 120 days before the end or earlier; gone are those silent for the last {SILENT} days.",
        _survival,
    ),
    "total": _Picture(
        "All orders", "Orders of all shops by week. The simulated path has market shocks of its own.", _total
    ),
    "weekdays": _Picture(
        "Weekdays", "Orders of all shops by weekday; the model holds this curve fixed.", _weekdays, True
    ),
}


def drawings(fit: Fit) -> Iterator[tuple[str, str]]:
    """Yield the caption and the drawing (SVG) of every picture that both real and simulated shops give."""
    real, simulated = curves_of(fit.observed.days), curves_of(fit.simulated)
    for name, picture in PICTURES.items():
        if name in real and name in simulated:
            yield picture.caption, _svg(name, picture, real[name], simulated[name])


def _svg(name: str, picture: _Picture, real: Curve, simulated: Curve) -> str:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 3.2), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.set_title(picture.title)
        if real.error is not None:
            axes.fill_between(
                real.x, real.y - 2 * real.error, real.y + 2 * real.error, color="#BBBBBB", alpha=0.6, linewidth=0
            )
        marks = ("o", "s") if picture.has_marks else ("", "")
        axes.plot(real.x, real.y, color=BLACK, marker=marks[0], markersize=4, label="real")
        axes.plot(
            simulated.x, simulated.y, color=BLUE, linestyle="--", marker=marks[1], markersize=4, label="simulated"
        )
        picture.axes(axes)
        axes.legend(loc="best")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    body = text.getvalue()
    view = re.search(r'viewBox="([^"]*)"', body)
    inner = re.sub(r"<metadata>.*?</metadata>", "", body[body.index(">", body.index("<svg")) + 1 :], flags=re.DOTALL)
    # several pictures share a page: an id of one must not be the target of another
    inner = re.sub(r'\bid="', f'id="{name}-', inner).replace('xlink:href="#', f'xlink:href="#{name}-')
    inner = inner.replace("url(#", f"url(#{name}-")
    said = f"{picture.title}, real and simulated. {picture.caption}"
    return f'<svg viewBox="{view[1] if view else ""}" role="img" aria-label="{escape(said)}">{inner}'
