"""The rows of a desk: cases in, what became of them out, and what its people cost. Plain arrays, so that they keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.money import round_half_up
from sim.lenders.desk_terms import KINDS, MINUTES_A_DAY, Desk, Shift, Work

WAITS, SERVED, ABANDONED, BY_BOT = 0, 1, 2, 3
"""What became of a case by the end of the day."""

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bytes: TypeAlias = npt.NDArray[np.int8]
Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cases:
    """Cases that wait or come today, (n,) each, in any order.

    Parameters
    ----------
    case_id
        Distinct in a run.
    kind
        Number of the kind of work, see ``KINDS``.
    since
        Minute of today at which the case came; negative if it came on an earlier day.
    priority
        Lower ones are served first.
    service
        Minutes that it takes a person.
    patience
        Minutes after ``since`` at which it is given up; ``inf`` for never.
    is_for_bot
        Whether the bot settles it.
    """

    case_id: Ints
    kind: Bytes
    since: Floats
    priority: Ints
    service: Floats
    patience: Floats
    is_for_bot: Flags

    @property
    def n(self) -> int:
        """Number of cases."""
        return int(self.case_id.size)

    def taken(self, rows: npt.NDArray[np.int64] | Flags) -> Cases:
        """Give some of the cases, by their rows or by a mask."""
        return Cases(
            self.case_id[rows],
            self.kind[rows],
            self.since[rows],
            self.priority[rows],
            self.service[rows],
            self.patience[rows],
            self.is_for_bot[rows],
        )

    def in_order_of_service(self) -> Ints:
        """Rows (n,) by priority, then as they came, then by id."""
        return np.lexsort((self.case_id, self.since, self.priority)).astype(np.int64)


@dataclass(frozen=True)
class AtWork:
    """People who are still on a case at midnight, (m,) each.

    Parameters
    ----------
    team
        Place of their team in the desk's block.
    until
        Minutes after midnight at which they are done.
    """

    team: Ints
    until: Floats


NOBODY = AtWork(np.zeros(0, np.int64), np.zeros(0))


@dataclass(frozen=True)
class Outcome:
    """What became of the cases, (n,) in the order they were given in, and of the teams, (teams,).

    Parameters
    ----------
    state
        WAITS, SERVED, ABANDONED or BY_BOT.
    waited
        Minutes from ``since`` until a person took the case, until it was given up, or until now; 0 with the bot.
    ended
        Minute of the day at which it was settled or given up, past midnight if a person was still on it; NaN if it
        waits.
    busy
        Minutes that each team worked on cases begun today.
    overtime
        Those of them that lie beyond the shift.
    cost
        Whole fen: shifts, overtime and, from `work_day`, the bot.
    at_work
        Who is on a case at midnight; goes into the next day.
    """

    state: Bytes
    waited: Floats
    ended: Floats
    busy: Floats
    overtime: Floats
    cost: int
    at_work: AtWork


def draw_cases(desk: Desk, seed: int, case_id: npt.ArrayLike, kind: npt.ArrayLike, since: npt.ArrayLike) -> Cases:
    """Make new cases: each draws its time, its patience and the bot's coin once, by its id alone.

    Parameters
    ----------
    desk
        Must describe the work of every kind that occurs.
    seed
        Of the run.
    case_id, kind, since
        As in :class:`Cases`, (n,).

    Raises
    ------
    ValueError
        If a kind is not described.
    """
    ids = np.asarray(case_id, np.int64).reshape(-1)
    kinds = np.asarray(kind, np.int8).reshape(-1)
    priority = np.zeros(ids.size, np.int64)
    service, patience = np.zeros(ids.size), np.full(ids.size, np.inf)
    is_for_bot = np.zeros(ids.size, np.bool_)
    for number in np.unique(kinds).tolist():
        name = KINDS[number]
        if name not in desk.work:
            raise ValueError(
                f"a case of {name}, which is no work of this desk: {', '.join(desk.work) or 'it has none'}"
            )
        rows = np.flatnonzero(kinds == number)
        work = desk.work[name]
        priority[rows] = work.priority
        service[rows] = _service(work, seed, ids[rows])
        if work.patience > 0:
            patience[rows] = -work.patience * draws.log(draws.uniform(seed, "desk.patience", draws.ONCE, ids[rows]))
        if name in desk.bot.kinds:
            is_for_bot[rows] = draws.uniform(seed, "desk.bot", draws.ONCE, ids[rows]) < desk.bot.settles
    return Cases(ids, kinds, np.array(since, np.float64).reshape(-1), priority, service, patience, is_for_bot)


def _service(work: Work, seed: int, ids: Ints) -> Floats:
    """Minutes (n,): ``m``; ``-m log u``; or ``m exp(s z - s^2 / 2)`` with ``s^2 = log(1 + spread^2)``."""
    if work.spread == 0:
        return np.full(ids.size, work.minutes)
    if work.spread == 1:
        return -work.minutes * draws.log(draws.uniform(seed, "desk.service", draws.ONCE, ids))
    variance = draws.log([1.0 + work.spread * work.spread])
    z = draws.normal(seed, "desk.service", draws.ONCE, ids)
    return work.minutes * draws.exp(np.sqrt(variance) * z - 0.5 * variance)


def carried_over(cases: Cases, outcome: Outcome) -> Cases:
    """Give the cases that still wait as the next day sees them: they came a day earlier, and are else the same."""
    waiting = cases.taken(outcome.state == WAITS)
    return Cases(
        waiting.case_id,
        waiting.kind,
        waiting.since - MINUTES_A_DAY,
        waiting.priority,
        waiting.service,
        waiting.patience,
        waiting.is_for_bot,
    )


def outcome_of(
    cases: Cases,
    begun: Floats,
    shifts: Sequence[Shift],
    busy: Floats,
    overtime: Floats,
    at_work: AtWork,
    minutes: float,
) -> Outcome:
    """Say what became of the cases of a day of ``minutes``, of the minute at which each was begun (n,), NaN if none."""
    gives_up = cases.since + cases.patience
    is_served = ~np.isnan(begun)
    is_gone = ~is_served & (gives_up <= minutes)
    state = np.full(cases.n, WAITS, np.int8)
    state[is_served], state[is_gone], state[cases.is_for_bot] = SERVED, ABANDONED, BY_BOT
    waited = np.where(is_served, begun - cases.since, np.where(is_gone, cases.patience, minutes - cases.since))
    ended = np.where(is_served, begun + cases.service, np.where(is_gone, gives_up, np.nan))
    waited[cases.is_for_bot] = 0.0
    ended[cases.is_for_bot] = cases.since[cases.is_for_bot]
    return Outcome(state, waited, ended, busy, overtime, wages(shifts, overtime), at_work)


def wages(shifts: Sequence[Shift], overtime: Floats) -> int:
    """Whole fen of a day: every person's shift, and the minutes beyond it at their multiple; rounded by team.

    staff x hours x cost + overtime hours x multiple x cost
    """
    total = 0
    for shift, minutes in zip(shifts, overtime.tolist(), strict=True):
        paid = shift.staff * Fraction(shift.ends - shift.begins) + Fraction(minutes) * Fraction(shift.overtime_multiple)
        fen = paid * shift.cost_per_hour / 60
        total += round_half_up(fen.numerator, fen.denominator)
    return total


def check_cases(cases: Cases, shifts: Sequence[Shift], at_work: AtWork, minutes: float) -> None:
    """Refuse rows that no day can be made of.

    Raises
    ------
    ValueError
        If the columns differ in length, an id stands twice, a case comes after the day or takes no time, or somebody is
        at work for a team that is not there.
    """
    columns = (cases.kind, cases.since, cases.priority, cases.service, cases.patience, cases.is_for_bot)
    if any(column.shape != cases.case_id.shape for column in columns):
        raise ValueError("columns of cases differ in length")
    if np.unique(cases.case_id).size < cases.n:
        raise ValueError("a case stands twice in the day's rows")
    if not np.all(cases.since < minutes):
        raise ValueError(f"a case comes after minute {minutes:g}, when the day has ended")
    if not np.all((cases.service > 0) & np.isfinite(cases.service) & (cases.patience > 0)):
        raise ValueError("a case takes no time or has no patience; both are above 0")
    if np.any((at_work.team < 0) | (at_work.team >= len(shifts))):
        raise ValueError(f"somebody is at work for team {at_work.team.max()}; there are {len(shifts)} teams")
