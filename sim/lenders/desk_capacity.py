"""A day of the desk by the minutes that its teams have: the fast rule, with the rows of `sim.lenders.desk` in and out.

A team is taken as one person who works as fast as all of it together. Its day is a clock of working minutes, which
stands while the team is not there. Cases are taken by priority and arrival, each by the able team that can begin it
first; a team begins a case when its work before it is down to what the others may have in hand, half a case for each.
What a rank of priority leaves of the clocks is the clock of the next.

Clocks, sums and waits are arrays. The one loop over cases, in which one that gives up leaves its minutes to those
behind it, is compiled. Exact for one team of one person and one priority; else an approximation, measured in
`tests/lenders/test_desk_theory.py`: the urgent do not wait for a less urgent case that is at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from sim.core.kernels import kernel, most
from sim.lenders.desk_cases import NOBODY, AtWork, Cases, Floats, Ints, Outcome, check_cases, outcome_of
from sim.lenders.desk_terms import KINDS, MINUTES_A_DAY, Shift

Corners: TypeAlias = tuple[Floats, Floats]  # a clock: what it reads after, at minutes before it; both never fall
_FAR = 1e9  # minutes; beyond its last corner a clock runs as before
_NO_TEAM = -1


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
    begun, by = np.full(cases.n, np.nan), np.full(cases.n, _NO_TEAM)
    order = cases.in_order_of_service()
    order = order[~cases.is_for_bot[order]]
    if shifts and order.size:
        begun[order], by[order] = _serve(cases.taken(order), shifts, at_work)
    busy, overtime = np.zeros(len(shifts)), np.zeros(len(shifts))
    for team, shift in enumerate(shifts):
        rows = order[by[order] == team]
        busy[team] = _sum(cases.service[rows])
        if not shift.is_round_the_clock:
            done = begun[rows] + cases.service[rows]
            overtime[team] = _sum(np.maximum(done - np.maximum(begun[rows], shift.ends), 0.0))
    rows = order[begun[order] + cases.service[order] > minutes]
    team_late, until = np.append(at_work.team, by[rows]), np.append(at_work.until, begun[rows] + cases.service[rows])
    is_late = until > minutes
    left = AtWork(team_late[is_late], until[is_late] - minutes)
    return outcome_of(cases, begun, shifts, busy, overtime, left, minutes)


def _serve(cases: Cases, shifts: Sequence[Shift], at_work: AtWork) -> tuple[Floats, Ints]:
    """Minute at which each case is begun, NaN if it is not, and its team, (n,) each; cases in order of service.

    Everything on the clocks is (teams, n).
    """
    begun, by = np.full(cases.n, np.nan), np.full(cases.n, _NO_TEAM)
    clocks: list[list[Corners]] = [[_day_of(shift)] for shift in shifts]
    able = np.array([[kind in shift.skills for kind in range(len(KINDS))] for shift in shifts])
    people = np.array([shift.staff for shift in shifts], np.float64)
    work = np.array([_left_over(team, shift, at_work) for team, shift in enumerate(shifts)])
    for rank in np.unique(cases.priority).tolist():
        rows = np.flatnonzero(cases.priority == rank)
        service = cases.service[rows]
        came = _read_all(clocks, cases.since[rows])
        ends = np.array([_read(clock, np.array([shift.ends]))[0] for clock, shift in zip(clocks, shifts, strict=True)])
        closes = _read_all(clocks, np.array([_FAR]))[:, 0]
        soonest = np.stack([_undo(clock, came[team]) for team, clock in enumerate(clocks)])
        start, taken, chosen = np.full(rows.size, np.nan), np.full(rows.size, np.nan), np.full(rows.size, _NO_TEAM)
        in_hand = 0.5 * np.maximum(people - 1, 0.0) * (_sum(service) / rows.size)
        gives_up = _read_all(clocks, np.minimum(cases.since[rows] + cases.patience[rows], _FAR))
        can = able[:, cases.kind[rows]] & (people > 0)[:, None]
        used, done = work.copy(), work.copy()
        _take(can, came, gives_up, soonest, service, people, in_hand, ends, closes, used, done, start, taken, chosen)
        for team, clock in enumerate(clocks):
            is_own = chosen == team
            begun[rows[is_own]] = np.maximum(_undo(clock, start[is_own]), cases.since[rows[is_own]])
            clock.append(_what_is_left(taken[is_own], service[is_own], work[team]))
        by[rows] = chosen
        work[:] = 0.0
    return begun, by


@kernel
def _take(
    can: Any, came: Any, gives_up: Any, soonest: Any, service: Any, people: Any, in_hand: Any, ends: Any, closes: Any,
    work: Any, done: Any, start: Any, taken: Any, chosen: Any,
) -> None:  # fmt: skip
    """Take cases in turn on the teams' clocks; writes ``start``, ``taken`` and ``chosen`` (n,) of those begun.

    ``taken`` is the minute from which a clock is used for the case, ``start`` the one at which it is begun. ``work`` is
    where the clock is used up to, ``done`` where the last person finishes at his own pace: those who had nothing to do
    at the end of the shift are gone, and after it a case is begun only if somebody was still at work when it came.
    """
    for j in range(service.size):
        earliest = np.inf
        for team in range(people.size):
            first = most(came[team, j], work[team] - in_hand[team])
            is_there = first < closes[team] and (first < ends[team] or came[team, j] < done[team])
            if can[team, j] and is_there and first < gives_up[team, j]:
                minute = soonest[team, j] + (first - came[team, j]) / people[team]
                if minute < earliest:
                    earliest = minute
                    chosen[j] = team
                    start[j] = first
        if earliest < np.inf:
            team = chosen[j]
            taken[j] = most(work[team], came[team, j])
            work[team] = taken[j] + service[j]
            done[team] = most(done[team], start[j] + service[j] * people[team])


def _day_of(shift: Shift) -> Corners:
    """The clock of a team's day: it runs from the beginning to the latest minute, as fast as there are people."""
    offered = shift.staff * (shift.latest - shift.begins)
    return np.array([shift.begins, shift.latest]), np.array([0.0, offered])


def _left_over(team: int, shift: Shift, at_work: AtWork) -> float:
    """Minutes of a team's shift that yesterday's cases still take."""
    until = np.minimum(at_work.until[at_work.team == team], shift.latest)
    longest = np.sort(until)[::-1][: shift.staff]
    return _sum(np.maximum(longest - shift.begins, 0.0))


def _what_is_left(taken: Floats, service: Floats, work: float) -> Corners:
    """The clock of the next rank: it stands while this one's cases are worked on."""
    begins, lasts = np.append(0.0, taken), np.append(work, service)
    used = np.append(0.0, np.cumsum(lasts)[:-1])
    before = np.column_stack([begins, begins + lasts]).reshape(-1)
    after = np.repeat(np.maximum.accumulate(begins - used), 2)
    return np.append(before, before[-1] + _FAR), np.append(after, after[-1] + _FAR)


def _read(clocks: Sequence[Corners], minute: Floats) -> Floats:
    """Working minutes until a minute of the day, through one clock after another."""
    for before, after in clocks:
        minute = np.interp(minute, before, after)
    return minute


def _read_all(clocks: Sequence[Sequence[Corners]], minute: Floats) -> Floats:
    return np.stack([_read(clock, minute) for clock in clocks])


def _undo(clocks: Sequence[Corners], worked: Floats) -> Floats:
    """The last minute of the day at which the clocks read ``worked``: where they stand, the end of their stand."""
    for before, after in reversed(clocks):
        corner = np.clip(np.searchsorted(after, worked, side="right") - 1, 0, after.size - 2)
        rise = after[corner + 1] - after[corner]
        share = np.where(rise > 0, (worked - after[corner]) / np.where(rise > 0, rise, 1.0), 0.0)
        worked = before[corner] + share * (before[corner + 1] - before[corner])
    return worked


def _sum(values: Floats) -> float:
    """The sum in the order of the values, the same on every processor."""
    return float(np.cumsum(values)[-1]) if values.size else 0.0
