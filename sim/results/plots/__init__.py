"""The pictures of a run: matplotlib, no display, the same bytes every time.

Colours keep apart for colour-blind eyes (Okabe and Ito 2008) and every line has a style, every stack an order of
lightness or a hatch of its own, so that a black-and-white print tells the same. Legends stand above the axes: they
cover nothing. Pictures begin at ``report_from`` and go on to the run's last day; what lies after the report window is
shaded. Each drawing function returns the sentence that says its content to who cannot see it.
"""

from sim.results.plots.axes import BLACK, BLUE, GREEN, GREY, ORANGE, STYLE
from sim.results.plots.pictures import AFTER_WINDOW, PICTURES, Picture, draw, element, headline_figure, svg, svg_text

__all__ = [
    "AFTER_WINDOW",
    "BLACK",
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PICTURES",
    "STYLE",
    "Picture",
    "draw",
    "element",
    "headline_figure",
    "svg",
    "svg_text",
]
