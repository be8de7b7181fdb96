"""The pictures of the report: what each is called, what it says, and how it becomes a figure or part of a page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, FigureBase

from sim.results.plots.axes import STYLE, Shown
from sim.results.plots.drawings import (
    draw_balance,
    draw_interest,
    draw_lending,
    draw_past_due,
    draw_result,
    draw_sales,
    draw_vintages,
)
from sim.results.run import Run

#: The line under a picture that goes on after the report window.
AFTER_WINDOW = "Shaded days lie after the report window."


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
            "Principal owed at the end of each day. Fundable money is own money plus bank debt up to its cap, and what "
            "others hold of the loans: the balance can never pass it.", draw_balance),
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
            "From the report window to the run's last day; * is no whole month. Credit losses are write-offs less "
            "recoveries and the change of the allowance for expected loss.",
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
    return element(figure, said, f"{lender}_{picture.name}")


def svg_text(figure: Figure) -> str:
    """Return a figure as an SVG file: the same bytes every time, text as text."""
    with mpl.rc_context(STYLE):
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return text.getvalue()


def element(figure: Figure, said: str, name: str) -> str:
    """Return a figure as an ``<svg>`` element for a page that holds several: ``name`` keeps their ids apart."""
    prefix = re.sub(r"\W", "_", name)
    body = svg_text(figure)
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
