"""A day of the desk by the minutes that its teams have: the fast rule, with the rows of `sim.lenders.desk` in and out.

Teams that share a kind of work, directly or through others, are one pool, taken as one person who works as fast as all
of them together. His day is a clock of working minutes, which stands while nobody is there. Cases are taken by priority
and arrival; each begins when the work before it is down to what the others may have in hand, half a case for each. What
a rank of priority leaves of the clock is the clock of the next. Sums, clocks and waits are arrays; the one loop over
cases, in which a case that gives up leaves its minutes to those behind it, is compiled.

Exact for one person, one priority and any times; else an approximation, measured in `tests/lenders/test_desk.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.core.kernels import kernel, most
from sim.lenders.desk_cases import NOBODY, AtWork, Cases, Floats, Outcome, check_cases, outcome_of
from sim.lenders.desk_terms import MINUTES_A_DAY, Shift

_FAR = 1e9  # minutes; beyond the last case the clock runs as before


def capacity_day(
    cases: Cases, shifts: Sequence[Shift], at_work: AtWork = NOBODY, minutes: float = MINUTES_A_DAY
) -> Outcome:
    """Let a day of cases use up the minutes of the teams; arguments and result as of `sim.lenders.desk.queue_day`.

    Raises
    ------
    ValueError
        If the rows make no day, see `check_cases`.
    """
    check_cases(cases, shifts, at_work, minutes)
    begun = np.full(cases.n, np.nan)
    busy, overtime = np.zeros(len(shifts)), np.zeros(len(shifts))
    late = [(at_work.team[at_work.until > minutes], at_work.until[at_work.until > minutes] - minutes)]
    order = cases.in_order_of_service()
    order = order[~cases.is_for_bot[order]]
    for teams, kinds in _pools(shifts):
        rows = order[np.isin(cases.kind[order], kinds)]
        if not rows.size:
            continue
        pool = _Pool.of([shifts[team] for team in teams], _left_over(teams, shifts, at_work))
        begun[rows] = _begin(pool, cases.taken(rows))
        begun_rows = rows[~np.isnan(begun[rows])]
        done = begun[begun_rows] + cases.service[begun_rows]
        share = _shares([shifts[team] for team in teams], begun[begun_rows])
        for place, team in enumerate(teams):
            busy[team] = _sum(share[place] * cases.service[begun_rows])
            if not shifts[team].is_round_the_clock:
                beyond = done - np.maximum(begun[begun_rows], shifts[team].ends)
                overtime[team] = _sum(share[place] * np.maximum(beyond, 0.0))
        is_late = done > minutes
        late.append((np.array(teams, np.int64)[np.argmax(share[:, is_late], axis=0)], done[is_late] - minutes))
    left = AtWork(np.concatenate([team for team, _ in late]), np.concatenate([until for _, until in late]))
    return outcome_of(cases, begun, shifts, busy, overtime, left, minutes)


@dataclass(frozen=True)
class _Pool:
    """A clock of working minutes (piecewise linear), the people, and when the last shift ends."""

    at: Floats
    worked: Floats
    people: int
    ends: float
    left_over: float

    @classmethod
    def of(cls, shifts: Sequence[Shift], left_over: float) -> _Pool:
        at = np.unique([0.0] + [edge for shift in shifts for edge in (shift.begins, shift.latest)])
        middle = 0.5 * (at[1:] + at[:-1])
        people = sum(
            (shift.staff * ((middle > shift.begins) & (middle < shift.latest)) for shift in shifts),
            np.zeros(middle.size, np.int64),
        )
        worked = np.concatenate([[0.0], np.cumsum(people * np.diff(at))])
        most_people = int(people.max()) if people.size else 0
        return cls(at, worked, most_people, max(shift.ends for shift in shifts), left_over)


def _pools(shifts: Sequence[Shift]) -> list[tuple[list[int], list[int]]]:
    """Teams and kinds that belong together, because a team can do both kinds or two teams can do the same."""
    pools: list[tuple[list[int], list[int]]] = []
    for team, shift in enumerate(shifts):
        joined = [pool for pool in pools if set(pool[1]) & set(shift.skills)]
        teams = sorted([team, *(one for pool in joined for one in pool[0])])
        kinds = sorted(set(shift.skills).union(*(pool[1] for pool in joined)))
        pools = [pool for pool in pools if pool not in joined] + [(teams, kinds)]
    return pools


def _left_over(teams: Sequence[int], shifts: Sequence[Shift], at_work: AtWork) -> float:
    """Minutes of the pool's shifts that yesterday's cases still take."""
    left = 0.0
    for team in teams:
        until = np.minimum(at_work.until[at_work.team == team], shifts[team].latest)
        longest = np.sort(until)[::-1][: shifts[team].staff]
        left += _sum(np.maximum(longest - shifts[team].begins, 0.0))
    return left


def _begin(pool: _Pool, cases: Cases) -> Floats:
    """Minute at which each case is begun (n,), NaN if it is not; cases in their order of service."""
    begun = np.full(cases.n, np.nan)
    if pool.people == 0:
        return begun
    came, gives_up = _read(pool, cases.since), _read(pool, cases.since + cases.patience)
    ends, closes = _read(pool, np.array([pool.ends, np.inf])).tolist()
    in_hand = 0.5 * (pool.people - 1)
    clocks: list[tuple[Floats, Floats]] = []
    work = pool.left_over
    for rank in np.unique(cases.priority).tolist():
        rows = np.flatnonzero(cases.priority == rank)
        service = cases.service[rows]
        start, taken = np.empty(rows.size), np.empty(rows.size)
        mean = _sum(service) / rows.size
        _take(came[rows], gives_up[rows], service, in_hand * mean, ends, closes, work, start, taken)
        is_begun = ~np.isnan(start)
        on_the_clock = start[is_begun]
        for before, after in reversed(clocks):
            on_the_clock = _undo(on_the_clock, before, after)
        begun[rows[is_begun]] = np.maximum(_undo(on_the_clock, pool.at, pool.worked), cases.since[rows[is_begun]])
        before, after = _what_is_left(taken[is_begun], service[is_begun], work)
        came, gives_up = np.interp(came, before, after), np.interp(gives_up, before, after)
        ends, closes = np.interp([ends, closes], before, after).tolist()
        clocks.append((before, after))
        work = 0.0
    return begun


@kernel
def _take(
    came: Any,
    gives_up: Any,
    service: Any,
    in_hand: Any,
    ends: Any,
    closes: Any,
    work: Any,
    start: Any,
    taken: Any,
) -> None:
    """Take cases in turn on a clock of working minutes; writes ``start`` and ``taken`` (n,), NaN if not begun.

    ``taken`` is the minute from which the clock is used for the case, ``start`` the one at which it is begun. After
    ``ends`` a case is begun only if it had to wait for the one before.
    """
    for j in range(came.size):
        since = most(work, came[j])
        first = most(came[j], work - in_hand)
        is_there = first < closes and (first < ends or first > came[j])
        if is_there and first < gives_up[j]:
            start[j], taken[j] = first, since
            work = since + service[j]
        else:
            start[j] = taken[j] = np.nan


def _what_is_left(taken: Floats, service: Floats, work: float) -> tuple[Floats, Floats]:
    """The clock of the next rank: it stands while this one's cases are worked on. Corners before and after."""
    begins, lasts = np.append(0.0, taken), np.append(work, service)
    used = np.append(0.0, np.cumsum(lasts)[:-1])
    before = np.column_stack([begins, begins + lasts]).reshape(-1)
    after = np.repeat(np.maximum.accumulate(begins - used), 2)
    return np.append(before, before[-1] + _FAR), np.append(after, after[-1] + _FAR)


def _read(pool: _Pool, minute: Floats) -> Floats:
    """Working minutes until a minute of the day; a minute after the last shift reads the end of the clock."""
    return np.interp(minute, pool.at, pool.worked)


def _undo(worked: Floats, before: Floats, after: Floats) -> Floats:
    """The last ``before`` at which a clock reads ``worked``: where it stands, the end of its stand."""
    corner = np.clip(np.searchsorted(after, worked, side="right") - 1, 0, after.size - 2)
    rise = after[corner + 1] - after[corner]
    share = np.where(rise > 0, (worked - after[corner]) / np.where(rise > 0, rise, 1.0), 0.0)
    return before[corner] + share * (before[corner + 1] - before[corner])


def _shares(shifts: Sequence[Shift], begun: Floats) -> Floats:
    """Part of each team in a case (teams, n): by its people among those at work when the case is begun."""
    there = np.array([shift.staff * ((begun >= shift.begins) & (begun < shift.latest)) for shift in shifts], np.float64)
    people = there.sum(axis=0)
    return there / np.where(people > 0, people, 1.0)


def _sum(values: Floats) -> float:
    """The sum in the order of the values, the same on every processor."""
    return float(np.cumsum(values)[-1]) if values.size else 0.0
