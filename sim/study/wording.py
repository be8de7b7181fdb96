"""A comparison in words and in readable numbers: as many digits as the uncertainty allows, and no more."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.results.measure import Measure
from sim.results.metrics import BY_NAME
from sim.study.stats import Paired

if TYPE_CHECKING:
    from sim.study.compare import Contrast

THEMES = {"growth": "Growth", "yield": "Yield", "default": "Default", "merchants": "Merchants"}
# (verb, when more, when less); the amount stands where the braces are.
_PHRASES = {
    "disbursed": ("lends {} more", "lends {} less"),
    "balance_growth": ("grows its healthy balance by {} more", "grows its healthy balance by {} less"),
    "balance_growth_of_equity": (
        "adds more healthy balance against its equity, by {}",
        "adds less healthy balance against its equity, by {}",
    ),
    "customers": ("reaches {} more customers", "reaches {} fewer customers"),
    "approval_rate": ("approves {} more of the applications", "approves {} less of the applications"),
    "yield_gross": ("earns {} more before losses", "earns {} less before losses"),
    "yield_risk_adjusted": ("earns {} more after losses", "earns {} less after losses"),
    "roe": ("returns {} more on equity", "returns {} less on equity"),
    "raroc": ("returns {} more on the capital its loans call for", "returns {} less on the capital its loans call for"),
    "npl90": ("has {} more of its balance 90 days past due", "has {} less of its balance 90 days past due"),
    "ever90": ("sees {} more of its lending go 90 days past due", "sees {} less of its lending go 90 days past due"),
    "net_charge_off": ("writes off {} more, net", "writes off {} less, net"),
    "expected_loss_rate": (
        "has {} more of its balance still to lose",
        "has {} less of its balance still to lose",
    ),
    "merchant_sales": ("merchants sell {} more", "merchants sell {} less"),
    "merchant_sales_growth": ("sales grow by {} more within the window", "sales grow by {} less within the window"),
    "merchant_exits": ("{} more merchants leave", "{} fewer merchants leave"),
}


@dataclass(frozen=True)
class Scale:
    """How differences of a measure are shown: multiplied by ``factor``, in ``unit``, with ``word`` in a sentence."""

    factor: float
    unit: str
    word: str


def scale_of(measure: Measure, paired: Paired) -> Scale:
    """Choose the scale: percentage points for shares, per cent of A's mean for amounts and counts.

    Where A's mean is nothing to be measured by (zero or below), amounts and counts stay in their own unit.
    """
    if measure.unit.startswith("share"):
        a_year = measure.unit.removeprefix("share")
        return Scale(100.0, f"points{a_year}", f" points{a_year}")
    if measure.unit == "ppm a year":
        return Scale(1e-4, "points a year", " points a year")
    if paired.mean_a is not None and paired.mean_a > 0:
        return Scale(100.0 / paired.mean_a, "% of A's mean", " %")
    return Scale(1.0, measure.unit, f" {measure.unit}" if measure.unit == "yuan" else "")


def say_difference(measure: Measure, paired: Paired, *, with_unit: bool = True) -> str:
    """Return the difference with its sign and unit: ``+0.31 points``, ``-12.4 %``; ``not defined`` where it is not."""
    if paired.difference is None:
        return "not defined"
    scale = scale_of(measure, paired)
    return f"{_signed(paired.difference * scale.factor, _decimals(paired, scale))}{scale.word if with_unit else ''}"


def say_interval(measure: Measure, paired: Paired) -> str:
    """Return the interval on the scale of the difference: ``[+0.18, +0.44]``; empty where there is none."""
    if paired.low is None or paired.high is None:
        return ""
    scale = scale_of(measure, paired)
    digits = _decimals(paired, scale)
    return f"[{_signed(paired.low * scale.factor, digits)}, {_signed(paired.high * scale.factor, digits)}]"


def verdict(contrasts: Sequence[Contrast], n_worlds: int) -> str:
    """Say in a paragraph for each compared pair what is told apart from chance, theme by theme, and what is not."""
    pairs = dict.fromkeys((c.a, c.b) for c in contrasts)
    return "\n\n".join(_paragraph([c for c in contrasts if (c.a, c.b) == pair], n_worlds) for pair in pairs)


def _paragraph(contrasts: Sequence[Contrast], n_worlds: int) -> str:
    a, b = contrasts[0].a, contrasts[0].b
    worlds = f"{n_worlds} world" + ("s" if n_worlds != 1 else "")
    head = f"{b} against {a}, {worlds}"
    defined = [c for c in contrasts if c.paired.difference is not None]
    if not defined:
        return f"{head}: nothing can be compared; no measure is defined on both sides."
    if all(c.paired.difference == 0 and (c.paired.standard_error or 0) == 0 for c in defined):
        return f"{head}: the two are equal in every measure that is defined."
    if n_worlds == 1:
        differing = _listed(_tell(c) for c in defined if c.paired.difference)
        return f"{head}: {differing}. One world says nothing about chance: give at least 2 seeds, better 20."
    told = [f"{head}, 95 % intervals in brackets."]
    for group, title in THEMES.items():
        told.append(_theme(title, [c for c in defined if BY_NAME[c.measure].group == group]))
    if len(defined) < len(contrasts):
        told.append(_undefined(contrasts))
    told.append("At this level one measure in twenty looks different by chance alone.")
    return " ".join(filter(None, told))


def _theme(title: str, contrasts: Sequence[Contrast]) -> str:
    """Return one sentence: what differs, with its interval, then what does not."""
    clear = [c for c in contrasts if c.paired.is_clear]
    open_ones = [_short(c) for c in contrasts if not c.paired.is_clear]
    parts = [_listed(_tell(c) for c in clear)] if clear else []
    if open_ones:
        parts.append(f"no clear difference in {_listed(open_ones)}")
    return f"{title}: {'; '.join(parts)}." if parts else ""


def _short(contrast: Contrast) -> str:
    return BY_NAME[contrast.measure].label.partition(",")[0].lower()


def _tell(contrast: Contrast) -> str:
    """Return one difference as a phrase: ``lends 12 % more [10, 14]``."""
    measure, paired = BY_NAME[contrast.measure], contrast.paired
    assert paired.difference is not None
    scale = scale_of(measure, paired)
    digits = _decimals(paired, scale)
    more, less = _PHRASES.get(contrast.measure, (f"{{}} more of: {measure.label.lower()}",) * 2)
    size = f"{_plain(abs(paired.difference) * scale.factor, digits)}{scale.word}"
    said = (more if paired.difference > 0 else less).format(size)
    if paired.low is None or paired.high is None:
        return said
    ends = sorted((paired.low * scale.factor, paired.high * scale.factor))
    if paired.difference < 0:
        ends = [-ends[1], -ends[0]]
    return f"{said} [{_plain(ends[0], digits)}, {_plain(ends[1], digits)}]"


def _undefined(contrasts: Sequence[Contrast]) -> str:
    empty = [c for c in contrasts if c.paired.n == 0]
    sides = {(c.paired.mean_a is None, c.paired.mean_b is None) for c in empty}
    of_lender = {c.measure for c in contrasts if BY_NAME[c.measure].group != "merchants"}
    if {c.measure for c in empty} == of_lender and len(sides) == 1 and sides != {(True, True)}:
        without = contrasts[0].a if sides == {(True, False)} else contrasts[0].b
        return f"{without} lends nothing, so only what becomes of the merchants is compared."
    return f"Not compared, because not defined on both sides: {_listed(_short(c) for c in empty)}."


def _decimals(paired: Paired, scale: Scale) -> int:
    """Return the decimals that show two digits of the interval's half-width, or of a difference without one."""
    half = 0.0 if paired.low is None or paired.high is None else (paired.high - paired.low) / 2 * abs(scale.factor)
    size = half or abs((paired.difference or 0.0) * scale.factor)
    return 0 if size == 0 else min(6, max(0, 1 - math.floor(math.log10(size))))


def _signed(value: float, digits: int) -> str:
    rounded = round(value, digits)
    return f"{rounded:+,.{digits}f}" if rounded else f"{0:.{digits}f}"


def _plain(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:,.{digits}f}"


def _listed(parts: Iterable[str]) -> str:
    items = list(parts)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "nothing differs"
