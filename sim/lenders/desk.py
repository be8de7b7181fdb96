"""A day of the desk: cases queue for people with skills and shifts (simpy) and leave served, given up, or waiting.

The day is rebuilt every morning from plain rows: the cases that wait, those that come, and who is still on a case. A
person who is free takes the case that comes first by priority, then by arrival, among those that he can do; nobody is
interrupted. If several people are free for a case, one of the team named first takes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from heapq import heappop, heappush
from typing import Any

import numpy as np
import simpy

from sim.core.clock import Day
from sim.lenders.desk_capacity import capacity_day
from sim.lenders.desk_cases import NOBODY, AtWork, Cases, Floats, Outcome, check_cases, outcome_of
from sim.lenders.desk_terms import KINDS, MINUTES_A_DAY, Desk, Shift


def work_day(desk: Desk, cases: Cases, day: Day, at_work: AtWork = NOBODY) -> Outcome:
    """Let the desk of a lender work for a day, in the mode that its scenario asks for.

    Parameters
    ----------
    desk
        The people; a dated change of the lender may give another one from day to day.
    cases
        Those that wait from earlier days (`carried_over`) and those that come today (`draw_cases`).
    day
        Says who is off.
    at_work
        Who was still on a case at midnight: ``at_work`` of yesterday's outcome.

    Raises
    ------
    ValueError
        If the rows make no day, see `check_cases`.
    """
    rule = queue_day if desk.mode == "queue" else capacity_day
    outcome = rule(cases, desk.shifts(day), at_work)
    is_answered = np.isin(cases.kind, [KINDS.index(kind) for kind in desk.bot.kinds]) & (cases.since >= 0)
    return replace(outcome, cost=outcome.cost + desk.bot.cost * int(is_answered.sum()))


def queue_day(
    cases: Cases, shifts: Sequence[Shift], at_work: AtWork = NOBODY, minutes: float = MINUTES_A_DAY
) -> Outcome:
    """Let every case of a day queue for a person; about 10 microseconds each.

    Parameters
    ----------
    cases
        In any order: what happens depends on their columns alone.
    shifts
        One a team, in the order of the desk's block.
    at_work
        Who is still on a case from yesterday.
    minutes
        Length of the day.

    Raises
    ------
    ValueError
        If the rows make no day, see `check_cases`.

    Notes
    -----
    A case is given up at ``since + patience`` if nobody has begun it before that minute. People finish the case at hand
    after their shift; they begin another one only before ``latest`` and without a break, so that who has nothing to do
    when the shift ends goes home.
    """
    check_cases(cases, shifts, at_work, minutes)
    order = cases.in_order_of_service()
    order = order[~cases.is_for_bot[order]]
    floor = _Floor(cases.taken(order), shifts, at_work)
    floor.env.run()
    begun = np.full(cases.n, np.nan)
    begun[order] = floor.begun
    busy, overtime = np.array(floor.busy, np.float64), np.array(floor.overtime, np.float64)
    return outcome_of(cases, begun, shifts, busy, overtime, floor.at_work_after(minutes), minutes)


class _Floor:
    """Who waits and who is free at one moment of a day; cases are numbered in their order of service.

    One event a case that comes and one a case that is done: those who give up are passed over when their turn comes,
    and people of one team are alike, so that it is enough to count those who are free.
    """

    def __init__(self, cases: Cases, shifts: Sequence[Shift], at_work: AtWork) -> None:
        self.env = simpy.Environment()
        self.shifts = shifts
        self.kind: list[int] = cases.kind.tolist()
        self.service: list[float] = cases.service.tolist()
        self.gives_up: list[float] = (cases.since + cases.patience).tolist()
        self.begun = [np.nan] * cases.n
        self.queues: list[list[int]] = [[] for _ in KINDS]
        self.able = [[team for team, shift in enumerate(shifts) if kind in shift.skills] for kind in range(len(KINDS))]
        self.queues_of = [[self.queues[kind] for kind in shift.skills] for shift in shifts]
        self.ends = [shift.ends for shift in shifts]
        self.latest = [shift.latest for shift in shifts]
        self.free = [0] * len(shifts)
        self.busy = [0.0] * len(shifts)
        self.overtime = [0.0] * len(shifts)
        # Team and minute at which a case is done that may outlast the day; first those left from yesterday.
        self.done: list[tuple[int, float]] = list(zip(at_work.team.tolist(), at_work.until.tolist(), strict=True))
        self._let_come(cases.since)
        self._let_begin(at_work)

    def _let_come(self, since: Floats) -> None:
        """Announce the arrivals before anything else, so that at any minute cases come before people choose."""
        for case in np.argsort(since, kind="stable").tolist():
            if since[case] <= 0.0:
                heappush(self.queues[self.kind[case]], case)
            else:
                self.env.timeout(float(since[case]), case).callbacks.append(self._come)

    def _let_begin(self, at_work: AtWork) -> None:
        for team, shift in enumerate(self.shifts):
            held = sorted(at_work.until[at_work.team == team].tolist(), reverse=True)[: shift.staff]
            for person in range(shift.staff):
                until = max(shift.begins, held[person]) if person < len(held) else shift.begins
                self.env.timeout(until, team).callbacks.append(self._choose)

    def _come(self, event: Any) -> None:
        case: int = event.value
        now = self.env.now
        for team in self.able[self.kind[case]]:
            if self.free[team] and now < self.ends[team]:
                self.free[team] -= 1
                self._begin(team, case)
                return
        heappush(self.queues[self.kind[case]], case)

    def _choose(self, event: Any) -> None:
        """Somebody of a team has nothing to do: a case that waits, or a break."""
        team: int = event.value
        now = self.env.now
        if now < self.latest[team]:
            first: list[int] | None = None
            for queue in self.queues_of[team]:
                while queue and self.gives_up[queue[0]] <= now:
                    heappop(queue)
                if queue and (first is None or queue[0] < first[0]):
                    first = queue
            if first is not None:
                self._begin(team, heappop(first))
                return
        self.free[team] += 1

    def _begin(self, team: int, case: int) -> None:
        now, service = self.env.now, self.service[case]
        self.begun[case] = now
        self.busy[team] += service
        done = now + service
        if done > self.ends[team]:
            self._stay(team, now, done)
        self.env.timeout(service, team).callbacks.append(self._choose)

    def _stay(self, team: int, now: float, done: float) -> None:
        self.done.append((team, done))
        if not self.shifts[team].is_round_the_clock:
            self.overtime[team] += done - max(now, self.ends[team])

    def at_work_after(self, minutes: float) -> AtWork:
        """Say who is on a case when a day of ``minutes`` ends, with the time after it."""
        late = [(team, done - minutes) for team, done in self.done if done > minutes]
        teams, until = np.array([team for team, _ in late], np.int64), np.array([time for _, time in late], np.float64)
        return AtWork(teams, until)
