"""What a calibration or an optimisation found, in sentences: the answer first, then what to believe of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sim.results.headline import say
from sim.study.distance import UNDEFINED
from sim.study.identify import FLAT, IDENTIFIED, ONE_SIDED, UNJUDGED, Profile
from sim.study.objectives import measure_named
from sim.study.search_runs import Gap
from sim.study.wording import say_difference, say_interval, scale_of

if TYPE_CHECKING:
    from sim.study.calibration import Calibration
    from sim.study.findings import Sheet
    from sim.study.optimum import Answer, Candidate, Optimisation


def calibration_sentences(found: Calibration) -> Iterator[str]:
    """Say what was found, whether other worlds agree, what the targets do not tell, and what lies at an end."""
    values = listed([f"{name} = {written(value)}" for name, value in found.best.items()])
    yield (
        f"Best of {len(found.history)} sets and those of the profiles, over {_worlds(len(found.seeds))}: {values}. The "
        f"misfit is {found.misfit_fit:.2f}, that of the scenario as it stands {_misfit(found.misfit_base)}; 0 is all "
        "targets met."
    )
    if found.n_failed:
        yield f"{found.n_failed} of the {len(found.history)} sets had a run that failed; they count as far off."
    missed = [one for one in found.targets if one.distance_fit]
    n = len(found.targets)
    if not missed:
        yield f"All {n} targets are met in the fitting worlds."
    else:
        far = [f"{one.id} ({_distance(one.distance_fit or 0.0)})" for one in missed[:8]]
        more = f" and {len(missed) - 8} more" if len(missed) > 8 else ""
        yield f"{n - len(missed)} of {n} targets are met in the fitting worlds; outside are {listed(far)}{more}."
    yield from _overfit(found)
    yield from _identified(found)
    ends = [f"{p.name} (its {p.end} end)" for p in found.profiles if p.end]
    if ends:
        yield f"At an end of its range lies {listed(ends)}: the best may be outside; widen the range."


def _overfit(found: Calibration) -> Iterator[str]:
    over, n = found.overfit, len(found.held_out)
    head = f"In {n} held-out worlds the misfit is {_misfit(found.misfit_held_out)}"
    if found.n_unjudged:
        yield f"{found.n_unjudged} of the {2 * n} held-out runs failed; their worlds are left out of what follows."
    if found.misfit_held_out is None:
        yield "No held-out run of the calibrated set is left: whether it is overfitted is not known."
        return
    if over.difference is None or over.low is None or over.high is None:
        yield f"{head}; whether that is overfitting cannot be said from fewer than two worlds on a side."
    else:
        size = f"{_signed(over.difference)} [{_signed(over.low)}, {_signed(over.high)}]"
        if not over.is_clear:
            yield f"{head}, {size} against the fitting worlds: no overfitting is told apart from chance."
        elif over.difference > 0:
            yield f"{head}, {size} against the fitting worlds: it is overfitted to their luck; fit to more seeds."
        else:
            yield f"{head}, {size} against the fitting worlds: it fits them better than its own."
    lost = [one.id for one in found.targets if one.distance_fit == 0 and one.distance_held_out]
    if lost:
        yield f"Met in the fitting worlds and missed in the held-out ones: {listed(lost)}."
    gain = found.gain
    if gain.difference is not None and gain.low is not None and gain.high is not None:
        size = f"{_signed(gain.difference)} [{_signed(gain.low)}, {_signed(gain.high)}]"
        said = "fits better than" if gain.high < 0 else "fits worse than" if gain.low > 0 else "is not told apart from"
        yield f"There the calibrated set {said} the scenario as it stands: misfit {size}."


def _identified(found: Calibration) -> Iterator[str]:
    if not found.profiles:
        yield "No profiles were asked for, so that nothing is said of which parameters the targets tell."
        return
    by_status = {
        status: [p for p in found.profiles if p.status == status] for status in (IDENTIFIED, ONE_SIDED, FLAT, UNJUDGED)
    }
    if by_status[UNJUDGED]:
        names = listed([p.name for p in by_status[UNJUDGED]])
        why = "a single fitting world has no interval" if len(found.seeds) < 2 else "runs of their profiles failed"
        yield f"Whether the targets tell {names} is not judged: {why}."
    if by_status[IDENTIFIED]:
        yield f"The targets tell {listed([_range(p) for p in by_status[IDENTIFIED]])}."
    if by_status[ONE_SIDED]:
        yield f"They bound from one side only, or in part, {listed([_range(p) for p in by_status[ONE_SIDED]])}."
    if by_status[FLAT]:
        names = listed([p.name for p in by_status[FLAT]])
        yield f"Not identified: {names}; no value of the range is told apart from the best."


def _range(profile: Profile) -> str:
    low, high = profile.low, profile.high
    if low is not None and high is not None:
        return f"{profile.name} ({written(low)} to {written(high)})"
    if low is not None:
        return f"{profile.name} (above {written(low)})"
    if high is not None:
        return f"{profile.name} (below {written(high)})"
    return f"{profile.name} ({' or '.join(written(value) for value in profile.as_good) or written(profile.best)})"


def optimisation_sentences(found: Optimisation) -> Iterator[str]:
    """Say what to choose, by how much it is better in fresh worlds, and how much of the promise was luck."""
    n_tried, aims = len(found.history), listed([str(aim) for aim in found.objectives])
    within = f" within {listed([str(limit) for limit in found.constraints])}" if found.constraints else ""
    n_feasible = sum(one.is_feasible for one in found.history)
    head = f"{aims}{within}: {n_tried} points were tried in {_worlds(len(found.seeds))}"
    if found.constraints:
        head += f", {n_feasible} of them met all constraints there"
    yield f"{head[0].upper()}{head[1:]}."
    if found.constraints and not n_feasible:
        nearest = found.candidates[0]
        yield f"No point meets all constraints; the nearest is {_levers(nearest)}. Widen the levers or the limits."
        if found.chosen is None:
            return
    if found.n_fresh_failed:
        n = (1 + len(found.candidates)) * len(found.fresh)
        yield f"{found.n_fresh_failed} of the {n} fresh runs failed; their worlds are left out."
    if found.chosen is None and any(s.fresh.n == 0 for one in found.candidates for s in one.answers.values()):
        yield "In fresh worlds a measure of what the search proposed is not defined at all: nothing can be chosen."
        return
    if found.chosen is None:
        yield (
            f"Not one of the {len(found.candidates)} that the search proposed meets them in {len(found.fresh)} fresh "
            "worlds: they had met them by luck. Give the search more worlds."
        )
        return
    yield from _front(found)
    yield from _gains(found, found.chosen)
    yield from _constraints_of(found, found.chosen)
    yield from _luck(found, found.chosen)
    failed = sum(one.means is None for one in found.history)
    if failed:
        yield f"{failed} points had a run that failed or a measure that was not defined; they count as unusable."


def _front(found: Optimisation) -> Iterator[str]:
    assert found.chosen is not None
    if len(found.objectives) == 1:
        yield f"The best is {_levers(found.chosen)}."
        return
    left = [one for one in found.candidates if not one.is_on_front]
    gone = f"; {len(left)} that the search proposed fell from it in fresh worlds" if left else ""
    weights = set(found.preference.values())
    how = "equal weights" if len(weights) == 1 else listed([f"{n} {w:g}" for n, w in found.preference.items()])
    yield (
        f"The Pareto set has {len(found.front)} points{gone}. Chosen, as nearest to the best of every objective "
        f"({how}), is {_levers(found.chosen)}."
    )


def _gains(found: Optimisation, chosen: Candidate) -> Iterator[str]:
    better, open_ones, worse = [], [], []
    for aim in found.objectives:
        answer = chosen.answers[aim.measure]
        told = f"{label(aim.measure)} {gain(answer)}"
        if not answer.gain.is_clear:
            open_ones.append(told)
        elif (answer.gain.difference or 0.0) * aim.sense > 0:
            better.append(told)
        else:
            worse.append(told)
    where = f"Against the scenario as it stands, in {len(found.fresh)} fresh worlds"
    if better:
        yield f"{where}, it is better in {listed(better)}."
    if worse:
        yield f"{where}, it is worse in {listed(worse)}."
    if open_ones:
        yield f"{where}, no improvement is told apart from chance in {listed(open_ones)}."
    if found.constraints and not found.is_base_feasible:
        yield "The scenario as it stands does not meet the constraints there."


def _constraints_of(found: Optimisation, chosen: Candidate) -> Iterator[str]:
    if not found.constraints:
        return
    if chosen.is_sure:
        yield "It meets the constraints in the fresh worlds, the worse ends of the intervals included."
        return
    told = []
    for limit in found.constraints:
        measure, spread = measure_named(limit.measure), chosen.answers[limit.measure].fresh
        told.append(f"{limit} ({say(measure, spread.mean)}, {say(measure, spread.low)} to {say(measure, spread.high)})")
    yield f"On average it meets the constraints in the fresh worlds, but an interval reaches over: {listed(told)}."


def _luck(found: Optimisation, chosen: Candidate) -> Iterator[str]:
    clear, small = list[str](), list[str]()
    for aim in found.objectives:
        answer = chosen.answers[aim.measure]
        (clear if answer.drop.is_clear else small).append(f"{label(aim.measure)} {drop(answer)}")
    if clear:
        yield f"In the worlds it was chosen in it had looked better than it is, or worse (below zero): {listed(clear)}."
    if small:
        yield f"What the choice promised too much is not told apart from nothing: {listed(small)}."


def calibration_sheet(found: Calibration) -> Sheet:
    """The targets as a table for people."""
    from sim.study.findings import Sheet

    def shown(value: float | None) -> str:
        return "not defined" if value is None else f"{value:,.5g}"

    lines = []
    for one in found.targets:
        row = one.row()
        band = (
            f"{'' if row['low'] is None else shown(row['low'])} to {'' if row['high'] is None else shown(row['high'])}"
        )
        values = (shown(one.fit.mean), _misfit(one.distance_fit), shown(one.held_out.mean))
        cells = (one.id, one.target.figure, one.target.kind, band.strip(), _misfit(one.distance_base), *values)
        lines.append((*cells, _misfit(one.distance_held_out)))
    heads = ("target", "figure", "kind", "band", "distance before", "value", "distance", "held out", "distance there")
    return Sheet(heads, tuple(lines), tuple(range(3, 9)))


def optimisation_sheet(found: Optimisation) -> Sheet:
    """The candidates in fresh worlds as a table for people, the chosen one first."""
    from sim.study.findings import Sheet

    aims = [aim.measure for aim in found.objectives]
    others = [name for name in found.base if name not in aims]
    lines = []
    for one in found.candidates:
        state = "chosen" if one is found.chosen else "front" if one.is_on_front else "" if one.is_feasible else "breaks"
        cells = [written(value) for value in one.values.values()]
        for name in aims:
            cells += [say(measure_named(name), one.answers[name].fresh.mean), gain(one.answers[name])]
        cells += [say(measure_named(name), one.answers[name].fresh.mean) for name in others]
        lines.append((*cells, state))
    heads = [*found.levers, *(head for name in aims for head in (name, "against the base")), *others, ""]
    return Sheet(tuple(heads), tuple(lines), tuple(range(len(heads) - 1)))


def gain(answer: Answer) -> str:
    """The gain over the scenario as it stands, with its interval."""
    measure = measure_named(answer.measure)
    return f"{say_difference(measure, answer.gain)} {say_interval(measure, answer.gain)}".strip()


def drop(answer: Answer) -> str:
    """By how much the search's worlds flattered, on the scale of the gain."""
    scale = scale_of(measure_named(answer.measure), answer.gain)
    return f"{_gap(answer.drop, scale.factor)}{scale.word}"


def label(measure: str) -> str:
    """What a measure is called within a sentence."""
    return measure_named(measure).label.partition(",")[0].lower()


def written(value: object) -> str:
    """A value as it stands in a scenario, floats with at most six digits."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else "nothing"


def _levers(candidate: Candidate) -> str:
    return listed([f"{name} = {written(value)}" for name, value in candidate.values.items()])


def _worlds(n: int) -> str:
    return f"{n} world{'s' if n != 1 else ''}"


def _misfit(value: float | None) -> str:
    return "not known" if value is None else f"{value:.2f}"


def _distance(value: float) -> str:
    return "not defined" if value >= UNDEFINED else f"{value:.2g} half-bands off"


def _gap(found: Gap, factor: float) -> str:
    if found.difference is None:
        return "not defined"
    if found.low is None or found.high is None:
        return _signed(found.difference * factor)
    half = (found.high - found.low) / 2 * factor
    digits = 0 if half == 0 else min(6, max(0, 1 - math.floor(math.log10(abs(half)))))
    ends = ", ".join(_signed(end * factor, digits) for end in (found.low, found.high))
    return f"{_signed(found.difference * factor, digits)} [{ends}]"


def _signed(value: float, digits: int = 2) -> str:
    rounded = round(value, digits)
    return f"{rounded:+,.{digits}f}" if rounded else f"{0:.{digits}f}"
