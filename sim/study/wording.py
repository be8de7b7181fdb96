"""A comparison in words and in readable numbers: as many digits as the uncertainty allows, and no more."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.results.headline import say
from sim.results.measure import Measure
from sim.results.metrics import BY_NAME
from sim.study.stats import Paired

if TYPE_CHECKING:
    from sim.study.contrast import Contrast
    from sim.study.select import Choice

THEMES = {"growth": "Growth", "yield": "Yield", "default": "Default", "after": "After payout", "merchants": "Merchants"}
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


# The headline: of each theme the first measure that is defined on both sides. (measure, when more, when less, its noun)
_HEADLINE = (
    (
        ("disbursed", "lends {} more", "lends {} less", "lending"),
        ("customers", "reaches {} more customers", "reaches {} fewer customers", "customers"),
    ),
    (("yield_risk_adjusted", "earns {} more after losses", "earns {} less after losses", "yield after losses"),),
    (
        ("ever90", "at {} more default", "at {} less default", "default"),
        (
            "npl90",
            "at {} more of its balance 90 days late",
            "at {} less of its balance 90 days late",
            "balance 90 days late",
        ),
    ),
)  # fmt: skip
_WITHOUT_LENDER = (
    (("merchant_sales", "merchants sell {} more", "merchants sell {} less", "merchants' sales"),),
)  # fmt: skip


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


def verdict(contrasts: Sequence[Contrast], n_worlds: int, choice: Choice | None = None) -> str:
    """Say in a paragraph for each compared pair what is told apart from chance, and which of several arms is the best.

    A paragraph begins with its headline: growth, yield, default. Then it goes through the themes, says what pairing was
    worth and how chance was kept out.
    """
    pairs = dict.fromkeys((c.a, c.b) for c in contrasts)
    n_tested = sum(c.p is not None for c in contrasts)
    told = [_paragraph([c for c in contrasts if (c.a, c.b) == pair], n_worlds, n_tested) for pair in pairs]
    return "\n\n".join([*told, *([] if choice is None else [say_choice(choice)])])


def say_choice(choice: Choice) -> str:
    """Say which arm is the best, how probable that is, and what a correct selection takes."""
    measure = BY_NAME[choice.measure]
    least = "the least" if choice.is_less_better else "the most"
    sure = f"{choice.confidence:.0%}".replace("%", " %")
    worlds = f"{choice.n} world" + ("s" if choice.n != 1 else "")
    told = [
        f"Best of {len(choice.means)} by {_label(measure)}, {least} being best: {choice.best} "
        f"({say(measure, choice.means[choice.best])}; {worlds})."
    ]
    if choice.probability is not None:
        told.append(f"Given what was seen it is the best with a probability of {_probability(choice.probability)}")
        told[-1] += (
            f", and first in {_share(choice.shares[choice.best])} of resampled sets of worlds."
            if choice.shares
            else "."
        )
    if choice.shortfall == 0:
        told.append(f"With {sure} confidence no other is better.")
    elif choice.shortfall is not None:
        told.append(f"With {sure} confidence no other is better by more than {_in_points(measure, choice.shortfall)}.")
    if choice.zone is not None and choice.n_needed is not None:
        told.append(
            f"For the best to be chosen with a probability of at least {sure} where it leads by "
            f"{_in_points(measure, choice.zone)} or more, {choice.n_needed:,} worlds are needed: "
            + ("they were run." if choice.is_guaranteed else f"{choice.n} were run, so that this is not yet so.")
        )
    if choice.left_out:
        told.append(f"Not in the choice, because it is not defined for them: {_listed(choice.left_out)}.")
    return " ".join(told)


def _paragraph(contrasts: Sequence[Contrast], n_worlds: int, n_tested: int) -> str:
    a, b = contrasts[0].a, contrasts[0].b
    defined = [c for c in contrasts if c.paired.difference is not None]
    n_worlds = max((c.paired.n for c in defined), default=n_worlds)  # less those in which a run failed
    worlds = f"{n_worlds} world" + ("s" if n_worlds != 1 else "")
    head = f"{b} against {a}, {worlds}"
    if not defined:
        return f"{head}: nothing can be compared; no measure is defined on both sides."
    if all(c.paired.difference == 0 and (c.paired.standard_error or 0) == 0 for c in defined):
        return f"{head}: the two are equal in every measure that is defined."
    if n_worlds == 1:
        differing = _listed(_tell(c) for c in defined if c.paired.difference)
        return f"{head}: {differing}. One world says nothing about chance: give at least 2 seeds, better 20."
    told = [_headline(defined, worlds), "95 % intervals in brackets."]
    for group, title in THEMES.items():
        told.append(_theme(title, [c for c in defined if BY_NAME[c.measure].group == group]))
    if len(defined) < len(contrasts):
        told.append(_undefined(contrasts))
    told.append(_pairing(defined))
    told.append(
        f"What is told as a difference stays one by Holm's correction for all {n_tested} that were looked at: "
        "of two lenders alike, at most one verdict in twenty tells any."
    )
    if any(c.is_likely for c in defined):
        told.append("Perhaps: the interval leaves zero out, but not by enough for that.")
    return " ".join(filter(None, told))


def _headline(defined: Sequence[Contrast], worlds: str) -> str:
    """Return growth, yield and default in one sentence: ``B lends 12 % more [10, 14], ...; 20 worlds, against A.``"""
    by_name = {c.measure: c for c in defined}
    clear, unclear = [], []
    of_lender = any(BY_NAME[c.measure].group != "merchants" for c in defined)
    for theme in _HEADLINE if of_lender else _WITHOUT_LENDER:
        one = next((line for line in theme if line[0] in by_name), None)
        if one is None:
            continue
        measure, more, less, noun = one
        contrast = by_name[measure]
        if contrast.is_clear or contrast.is_likely:
            clear.append(("" if contrast.is_clear else "perhaps ") + _tell(contrast, (more, less)))
        else:
            numbers = (
                f"{say_difference(BY_NAME[measure], contrast.paired)} {say_interval(BY_NAME[measure], contrast.paired)}"
            )
            same = contrast.paired.difference == 0 and contrast.paired.standard_error == 0
            unclear.append(f"{noun} ({'the same in every world' if same else numbers.strip()})")
    a, b = defined[0].a, defined[0].b
    nothing = f"no clear difference in {_listed(unclear)}" if unclear else ""
    if not clear:
        return f"{b} and {a}: {nothing or 'no clear difference'}; {worlds}."
    said = ", ".join([*clear, *([f"with {nothing}"] if nothing else [])])
    return f"{b if of_lender else f'With {b}'} {said}; {worlds}, against {a}."


def _theme(title: str, contrasts: Sequence[Contrast]) -> str:
    """Return one sentence: what differs, with its interval, what perhaps does, then what does not."""
    clear = [_tell(c) for c in contrasts if c.is_clear]
    likely = [_tell(c) for c in contrasts if c.is_likely]
    open_ones = [_short(c) for c in contrasts if not (c.is_clear or c.is_likely)]
    parts = [_listed(clear)] if clear else []
    if likely:
        parts.append(f"perhaps {_listed(likely)}")
    if open_ones:
        parts.append(f"no clear difference in {_listed(open_ones)}")
    return f"{title}: {'; '.join(parts)}." if parts else ""


def _pairing(defined: Sequence[Contrast]) -> str:
    """Say what the same worlds on both sides were worth, by the first measure of the headline that varies."""
    by_name = {c.measure: c for c in defined}
    names = [line[0] for theme in (*_HEADLINE, *_WITHOUT_LENDER) for line in theme]
    for contrast in (by_name[name] for name in names if name in by_name):
        n, unpaired, saved = contrast.paired.n, contrast.paired.n_unpaired, contrast.n_runs_saved
        if contrast.paired.correlation is None or unpaired is None or saved is None:
            continue
        worth = f"{saved:,} runs saved" if saved > 0 else "no runs saved"
        return (
            f"By the same worlds on both sides, {_short(contrast)} is correlated by {contrast.paired.correlation:.2f}; "
            f"unrelated worlds would have taken {unpaired:,} seeds a side, not {n}, for such an interval: {worth}."
        )
    return ""


def _short(contrast: Contrast) -> str:
    return _label(BY_NAME[contrast.measure]).partition(",")[0]


def _label(measure: Measure) -> str:
    return measure.label[0].lower() + measure.label[1:]


def _probability(value: float) -> str:
    return "more than 0.99" if value > 0.99 else f"at least {math.floor(value * 100) / 100:.2f}"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _in_points(measure: Measure, size: float) -> str:
    """Return a size in the measure's unit, shares and rates in points: ``0.12 points a year``."""
    if measure.unit.startswith("share"):
        return f"{100 * size:.2g} points{measure.unit.removeprefix('share')}"
    if measure.unit == "ppm a year":
        return f"{size / 1e4:.2g} points a year"
    return say(measure, size)


def _tell(contrast: Contrast, phrases: tuple[str, str] | None = None) -> str:
    """Return one difference as a phrase: ``lends 12 % more [10, 14]``."""
    measure, paired = BY_NAME[contrast.measure], contrast.paired
    assert paired.difference is not None
    scale = scale_of(measure, paired)
    digits = _decimals(paired, scale)
    more, less = phrases or _PHRASES.get(contrast.measure, (f"{{}} more of: {measure.label.lower()}",) * 2)
    size = f"{_plain(abs(paired.difference) * scale.factor, digits)}{scale.word}"
    said = (more if paired.difference > 0 else less).format(size)
    if paired.low is None or paired.high is None:
        return said
    ends = sorted((paired.low * scale.factor, paired.high * scale.factor))
    if paired.difference < 0:
        ends = [-ends[1], -ends[0]]
    return f"{said} [{_plain(ends[0], digits)}, {_plain(ends[1], digits)}]"


def say_probability(p: float | None) -> str:
    """Return a p-value for a table: ``0.012``, ``< 0.001``; empty where there was no test."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


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
