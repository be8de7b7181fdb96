"""Sensitivities in words: what moves a measure, how far, and what is not told apart from chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from sim.results.measure import Measure
from sim.results.metrics import BY_NAME
from sim.study.designs import LEAST_BASE_SAMPLES
from sim.study.sensitivity import Effect, Morris, Share, Sobol, Tornado
from sim.study.wording import say_difference, say_interval

_MOST_TOLD = 3


def measure_of(name: str) -> Measure:
    """Return the measure of a name; any other name stands for itself, without a unit."""
    return BY_NAME.get(name) or Measure(name, name, "", "", "", "", lambda book: None)


def scale_of_size(measure: Measure, sizes: Iterable[float]) -> tuple[float, str]:
    """Return what to multiply differences of a measure by, and the unit they are then in."""
    if measure.unit.startswith("share"):
        return 100.0, f"points{measure.unit.removeprefix('share')}"
    if measure.unit == "ppm a year":
        return 1e-4, "points a year"
    largest = max((abs(size) for size in sizes if math.isfinite(size)), default=0.0)
    for size, name in ((1e9, "bn "), (1e6, "m "), (1e3, "k ")):
        if measure.unit == "yuan" and largest >= size:
            return 1 / size, f"{name}yuan"
    return 1.0, measure.unit


def say_tornado(found: Tornado) -> str:
    """Say which factors move the measure farthest from the base."""
    measure = measure_of(found.measure)
    by_factor = {name: [one for one in found.effects if one.factor == name] for name in found.factors}
    clear = {name: own for name, own in by_factor.items() if any(one.paired.is_clear for one in own)}
    worlds = f"{found.n_worlds} world" + ("s" if found.n_worlds != 1 else "")
    if found.n_worlds == 1:
        first = next(iter(by_factor.items()), None)
        told = f"{first[0]}: {_ends(measure, first[1])}" if first else "nothing"
        return f"{measure.label} differs most by {told} in 1 world, which says nothing about chance; give 2 or more."
    if not clear:
        return f"{measure.label} is moved by no factor beyond chance in {worlds}."
    told = "; then by ".join(f"{name}: {_ends(measure, own)}" for name, own in list(clear.items())[:_MOST_TOLD])
    return f"{measure.label} is moved most by {told} (95 % intervals, {worlds}).{_rest(by_factor, clear)}"


def say_morris(found: Morris) -> str:
    """Say which factors move the measure most over the whole space, and where they bend or interact."""
    measure = measure_of(found.measure)
    names = [one.factor for one in found.screenings]
    if found.n_worlds > 1:
        clear = [one for one in found.screenings if one.is_clear]
    else:
        clear = [one for one in found.screenings if one.low > 0]
    if not clear:
        return f"{measure.label} is moved by no factor beyond chance in {_worlds(found.n_worlds)}."
    factor, unit = scale_of_size(measure, [one.mu_star for one in found.screenings])
    told = []
    for one in clear[:_MOST_TOLD]:
        half, whole = _digits((one.high - one.low) / 2 * factor), _digits(one.mu_star * factor)
        digits = min(half, whole + 2) if half else whole
        size, low, high = (f"{value * factor:,.{digits}f}" for value in (one.mu_star, one.low, one.high))
        mixed = abs(one.mu) < 0.9 * one.mu_star
        way = "up or down" if mixed else "up" if one.mu > 0 else "down"
        bends = ", bending or interacting with others" if one.sigma > 0.5 * one.mu_star else ""
        told.append(f"{one.factor}: {size} {unit}".rstrip() + f" [{low}, {high}] {way} over its range{bends}")
    dropped = f" {found.n_dropped} trajectories with failed runs are left out." if found.n_dropped else ""
    alone = " With one world luck cannot be told from effect; give 2 or more." if found.n_worlds == 1 else ""
    return (
        f"{measure.label} is moved most by {'; then by '.join(told)} (mean size of the effect over "
        f"{found.n_trajectories} trajectories, {_worlds(found.n_worlds)}, 95 % intervals)."
        f"{_rest(names, [one.factor for one in clear])}{dropped}{alone}"
    )


def say_sobol(found: Sobol) -> str:
    """Say what shares of the variance the factors explain, what is interaction, and what is luck."""
    label = measure_of(found.measure).label
    if not found.shares:
        return f"{label} does not vary over the design, so there is nothing to share out."
    noise = found.noise_share or 0.0
    clear = [one for one in found.shares if one.total_low > noise]
    told = [f"{one.factor}: {_share(one)}" for one in clear[:_MOST_TOLD]]
    first = sum(one.first for one in found.shares)
    said = f"The variance of {_lower(label)} comes " + (
        f"most from {'; then from '.join(told)}." if told else "from no factor that is told apart from chance."
    )
    said += _rest([one.factor for one in found.shares], [one.factor for one in clear]) if clear else ""
    said += f" Factors alone explain {_percent(min(max(first, 0.0), 1.0))} of it together, the rest is interaction"
    if found.noise_share is None or found.luck_share is None:
        said += " and luck, which one world cannot tell apart."
    else:
        said += (
            f" and luck: {_percent(found.noise_share)} of this variance is luck left over in the mean of "
            f"{_worlds(found.n_worlds)}. Of the variance of single runs {_percent(found.luck_share)} is luck."
        )
    if found.n_blocks < LEAST_BASE_SAMPLES:
        said += f" With {found.n_blocks} base samples neither shares nor intervals are to be trusted; give "
        said += f"{LEAST_BASE_SAMPLES} or more."
    elif max(one.total_high - one.total_low for one in found.shares) > 0.4:
        said += f" The intervals are wide: {found.n_blocks} base samples are few."
    return said + (f" {found.n_dropped} blocks with failed runs are left out." if found.n_dropped else "")


def _ends(measure: Measure, effects: Sequence[Effect]) -> str:
    parts = [f"{say_difference(measure, one.paired)} {say_interval(measure, one.paired)}".strip() + f" at {one.written}"
             for one in effects]  # fmt: skip
    return " and ".join(parts)


def _share(one: Share) -> str:
    low, high = max(one.total_low, 0.0), one.total_high
    return (
        f"{_percent(one.total)} [{100 * low:.0f}, {100 * high:.0f}] with all it interacts with, "
        f"{_percent(max(one.first, 0.0))} alone"
    )


def _rest(names: Iterable[str], told: Iterable[str]) -> str:
    """Name the factors that move it less, and those that are not told apart from chance."""
    clear = list(told)
    less = f" Less by {', '.join(clear[_MOST_TOLD:])}." if clear[_MOST_TOLD:] else ""
    left = [name for name in names if name not in clear]
    return less + (f" Not told apart from chance: {', '.join(left)}." if left else "")


def _worlds(n: int) -> str:
    return f"{n} world" + ("s" if n != 1 else "")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.095 or share == 0 else f"{100 * share:.1f} %"


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def _digits(size: float) -> int:
    """Decimals that show two digits of a size."""
    return 0 if size == 0 else min(6, max(0, 1 - math.floor(math.log10(abs(size)))))
