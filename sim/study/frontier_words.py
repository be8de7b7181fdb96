"""A frontier in words: what is on it, how sure that is, which lever goes along it, and which strategy to choose."""

from __future__ import annotations

from collections.abc import Sequence

from sim.results.headline import say
from sim.study.frontier import OVER, UNDEFINED, UNSURE, Frontier, Slope, Strategy
from sim.study.objectives import Objective, measure_named
from sim.study.robust import Choice

_MOST_TOLD = 6


def say_all(found: Frontier) -> tuple[str, ...]:
    """Say what a frontier found, a paragraph each."""
    if not found.efficient:
        defined = any(one.standing != UNDEFINED for one in found.strategies)
        limits = " and ".join(found.constraints)
        why = f"no strategy keeps {limits}" if defined and limits else "an objective is defined for no strategy"
        return (f"There is no frontier: {why}.",)
    return tuple(filter(None, (_say_set(found), _say_slopes(found), *_say_choices(found))))


def say_point(one: Strategy) -> str:
    """Return the values of a strategy: ``price 0.05 %/day, cutoff 0.7``."""
    return ", ".join(f"{name} {value}" for name, value in one.point.items()) or one.name


def say_values(one: Strategy, objectives: Sequence[Objective]) -> str:
    """Return what became of a strategy: ``balance_growth 12.0 % [10.1, 13.9]``, one after the other."""
    parts = []
    for aim, spread in zip(objectives, one.spreads, strict=True):
        measure = measure_named(aim.measure)
        interval = "" if spread.low is None else f" [{say(measure, spread.low)}, {say(measure, spread.high)}]"
        parts.append(f"{measure.label.lower()} {say(measure, spread.mean)}{interval}")
    return "; ".join(parts)


def _say_set(found: Frontier) -> str:
    own, n = found.efficient, len(found.strategies)
    limits = f" that keep {' and '.join(found.constraints)}" if found.constraints else ""
    aims = ", ".join(f"{'more' if aim.sense > 0 else 'less'} {_label(aim)}" for aim in found.objectives)
    is_or_are = "is" if len(own) == 1 else "are"
    told = [f"{_count(len(own))} of {n} strategies {is_or_are} on the frontier ({aims}){limits}:"]
    shown = own if len(own) <= _MOST_TOLD else (*own[: _MOST_TOLD - 1], own[-1])
    told.append("; ".join(say_point(one) + _chance(one) for one in shown) + ".")
    if len(shown) < len(own):
        told.append(f"{len(own) - len(shown)} more stand in the table.")
    if found.n_worlds < 2:
        told.append("One world says nothing about chance: give at least 2 seeds, better 20.")
        return " ".join(told)
    told.append("The percentages are how often each is on the frontier when the worlds are drawn anew.")
    unsure = [one for one in found.strategies if one.standing == UNSURE]
    if unsure:
        best = sorted(unsure, key=lambda one: -(one.probability or 0.0))[:3]
        named = "; ".join(say_point(one) + _chance(one) for one in best)
        such_as = ", such as" if len(unsure) > len(best) else ":"
        told.append(f"{_count(len(unsure))} more cannot be told apart from it{such_as} {named}.")
    over = sum(one.standing == OVER for one in found.strategies)
    undefined = sum(one.standing == UNDEFINED for one in found.strategies)
    if over:
        told.append(f"{over} break a limit.")
    if undefined or found.n_worlds_dropped:
        left_out = f"{undefined} strategies and {found.n_worlds_dropped} worlds"
        told.append(f"{left_out} with failed or undefined runs are left out.")
    if found.n_worlds < 8:
        told.append(f"{found.n_worlds} worlds are few: these percentages are too sure of themselves.")
    return " ".join(told)


def _say_slopes(found: Frontier) -> str:
    if len(found.efficient) < 3:
        return "The frontier has fewer than three points: no lever can be said to go along it." if found.slopes else ""
    aim = found.objectives[0]
    clear = [one for one in found.slopes if one.is_clear and len(one.values) > 1]
    still = [one.lever for one in found.slopes if len(one.values) == 1]
    rest = [one.lever for one in found.slopes if not one.is_clear and one.lever not in still]
    told = []
    if clear:
        clear.sort(key=lambda one: -abs(one.correlation or 0.0))
        way = "more" if aim.sense > 0 else "less"
        along = "; ".join(_slope(one) for one in clear)
        told.append(f"Along the frontier towards {way} {_label(aim)} {along}.")
    if rest:
        told.append(f"No direction along it is told apart from chance for {', '.join(rest)}.")
    if still:
        fixed = ", ".join(f"{one.lever} ({one.values[0]})" for one in found.slopes if one.lever in still)
        told.append(f"The same all along it: {fixed}.")
    return " ".join(told)


def _slope(one: Slope) -> str:
    correlation, low, high = (value or 0.0 for value in (one.correlation, one.low, one.high))
    way = "rises" if low > 0 else "falls"
    if not any(character.isdigit() for character in str(one.values[0])):
        way = f"goes over to {one.values[-1 if low > 0 else 0]}"
    return f"{one.lever} {way} (rank correlation {correlation:+.2f} [{low:+.2f}, {high:+.2f}])"


def _say_choices(found: Frontier) -> list[str]:
    by_name = {one.name: one for one in found.strategies}
    told = []
    for wish in dict.fromkeys(one.preference for one in found.choices):
        parts = [_choice(one, by_name) for one in found.choices if one.preference == wish]
        told.append(f"With {wish}" + " over the spans" * (not wish.startswith("first")) + f": {'; '.join(parts)}.")
    return told


def _choice(one: Choice, by_name: dict[str, Strategy]) -> str:
    if one.place is None:
        return f"by {one.criterion} none keeps the limits"
    changes = ""
    if one.changes is not None:
        rival = f", mostly to {say_point(by_name[one.rival])}" if one.rival in by_name else ""
        changes = f" (another in {100 * one.changes:.0f} % of resamples{rival})" if one.changes else " (always)"
    return f"by {one.criterion} {say_point(by_name[one.name])}{changes}"


def _chance(one: Strategy) -> str:
    return "" if one.probability is None else f" ({100 * one.probability:.0f} %)"


def _label(aim: Objective) -> str:
    label = measure_named(aim.measure).label
    return label[:1].lower() + label[1:]


def _count(n: int) -> str:
    words = ("None", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
    return words[n] if n < len(words) else str(n)
