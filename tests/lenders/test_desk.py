"""A day of the desk against days worked out on paper, and against a plain clock that looks at every minute."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_days import NEVER, NINE, SIX, by_chance, by_hand, team

from sim.core.clock import Day, day_number
from sim.lenders.desk import queue_day, work_day
from sim.lenders.desk_capacity import capacity_day
from sim.lenders.desk_cases import (
    ABANDONED,
    BY_BOT,
    NOBODY,
    SERVED,
    WAITS,
    AtWork,
    Cases,
    Outcome,
    carried_over,
    draw_cases,
    wages,
)
from sim.lenders.desk_terms import Desk, Shift

MONDAY = Day(0, date(2012, 3, 5), day_number(date(2012, 3, 5)))


def appended(first: Cases, second: Cases) -> Cases:
    return Cases(*(np.concatenate([getattr(first, one.name), getattr(second, one.name)]) for one in fields(Cases)))


# ------------------------------------------------------------------------------------------------ days on paper


def test_two_people_and_five_cases() -> None:
    # One is on the first case from 540 to 570, the other on the second to 560 and the third to 580.
    cases = by_hand((540, 30), (550, 10), (555, 20), (556, 5), (600, 10))
    day = queue_day(cases, [team(2)])
    assert day.state.tolist() == [SERVED] * 5
    assert day.waited.tolist() == [0, 0, 5, 14, 0]
    assert day.ended.tolist() == [570, 560, 580, 575, 610]
    assert day.busy.tolist() == [75]
    assert day.overtime.tolist() == [0]


def test_the_urgent_go_first_and_nobody_is_interrupted() -> None:
    cases = by_hand((540, 30), (545, 10), (550, 20), (551, 1), priorities=[5, 5, 1, 1])
    assert queue_day(cases, [team(1)]).ended.tolist() == [570, 601, 590, 591]


def test_of_those_who_come_at_the_same_minute_the_urgent_one_is_taken() -> None:
    cases = by_hand((600, 10), (600, 20), priorities=[2, 1])
    assert queue_day(cases, [team(1)]).ended.tolist() == [630, 620]
    # Also when somebody becomes free at that very minute, and the other one has waited long.
    cases = by_hand((540, 60), (550, 10), (600, 20), priorities=[0, 2, 1])
    assert queue_day(cases, [team(1)]).ended.tolist() == [600, 630, 620]


@pytest.mark.parametrize(
    ("patience", "state", "ended"), [(20, ABANDONED, 570), (20.5, SERVED, 575), (19, ABANDONED, 569)]
)
def test_patience_ends_at_its_minute(patience: float, state: int, ended: float) -> None:
    day = queue_day(by_hand((540, 30), (550, 5, patience), (551, 5)), [team(1)])
    assert (day.state[1], day.ended[1]) == (state, ended)
    assert day.waited[1] == (patience if state == ABANDONED else 20)
    assert day.ended[2] == (580 if state == SERVED else 575)  # who leaves takes nobody's time


def test_patience_runs_out_at_night_too() -> None:
    day = queue_day(by_hand((1100, 5, 340), (1100, 5, 341), (-100, 5, 600), (-100, 5, 700)), [team(1)])
    assert day.state.tolist() == [ABANDONED, WAITS, ABANDONED, SERVED]
    assert day.ended[[0, 2]].tolist() == [1440, 500]
    assert day.waited.tolist() == [340, 340, 600, 640]
    assert np.isnan(day.ended[1])


def test_the_case_at_hand_is_finished_after_the_shift_and_no_other_is_begun() -> None:
    day = queue_day(by_hand((1070, 20), (1075, 5), (1080, 5)), [team(1)])
    assert day.state.tolist() == [SERVED, WAITS, WAITS]
    assert (day.ended[0], day.busy[0], day.overtime[0]) == (1090, 20, 10)
    assert queue_day(by_hand((1070, 10), (1075, 5)), [team(1)]).state.tolist() == [SERVED, WAITS]  # at the last minute


def test_overtime_goes_on_while_cases_wait() -> None:
    cases = by_hand((1070, 20), (1075, 25), (1076, 30), (1077, 5))
    day = queue_day(cases, [team(1, overtime=60)])
    assert day.ended[:3].tolist() == [1090, 1115, 1145]  # the last one begins before 1140 and ends after it
    assert day.state[3] == WAITS
    assert day.overtime.tolist() == [65]


def test_who_has_nothing_to_do_when_the_shift_ends_goes_home() -> None:
    day = queue_day(by_hand((1070, 20), (1085, 5)), [team(2, overtime=60)])
    assert day.ended.tolist() == [1090, 1095]  # by the one who was still there
    assert queue_day(by_hand((1070, 10), (1085, 5)), [team(2, overtime=60)]).state.tolist() == [SERVED, WAITS]


def test_a_case_goes_to_who_can_do_it_and_to_the_team_named_first() -> None:
    visitors, callers = team(1, skills=(1,)), team(1, skills=(0, 1))
    both = by_hand((540, 10), (541, 10), (542, 10), kinds=[1, 1, 0])
    day = queue_day(both, [visitors, callers])
    assert day.busy.tolist() == [10, 20]
    assert day.ended.tolist() == [550, 551, 561]
    assert queue_day(both, [callers, visitors]).busy.tolist() == [20, 10]
    alone = queue_day(both, [visitors])
    assert (alone.state.tolist(), alone.ended[:2].tolist()) == ([SERVED, SERVED, WAITS], [550, 560])


def test_people_of_two_skills_take_the_first_of_both_queues() -> None:
    cases = by_hand((540, 10), (541, 10), (542, 10), (543, 10), kinds=[0, 1, 0, 1], priorities=[0, 2, 1, 0])
    assert queue_day(cases, [team(1, skills=(0, 1))]).ended.tolist() == [550, 580, 570, 560]
    assert queue_day(cases, [team(1, skills=(1, 0))]).ended.tolist() == [550, 580, 570, 560]


def test_a_case_of_last_night_is_there_when_the_shift_begins() -> None:
    day = queue_day(by_hand((-240, 10), (540, 10), (0, 10)), [team(1)])
    assert day.waited.tolist() == [780, 20, 550]


def test_wages_are_whole_fen_of_shifts_and_overtime() -> None:
    # Two people, nine hours, 50.01 yuan an hour; ten minutes at one and a half times: 90018 + 1250.25 fen.
    assert queue_day(by_hand((1070, 20)), [team(2, cost=5001)]).cost == 91268
    assert wages([team(0, cost=5001)], np.zeros(1)) == 0


def test_rows_that_make_no_day_are_refused() -> None:
    for rows, said in (((1440, 5), "after minute 1440"), ((540, 0), "takes no time"), ((540, 5, 0), "no patience")):
        with pytest.raises(ValueError, match=said):
            queue_day(by_hand(rows), [team(1)])
    with pytest.raises(ValueError, match="stands twice"):
        queue_day(appended(by_hand((540, 5)), by_hand((540, 5))), [team(1)])
    with pytest.raises(ValueError, match="for team 3"):
        queue_day(by_hand((540, 5)), [team(1)], AtWork(np.array([3]), np.array([5.0])))


@pytest.mark.parametrize("rule", [queue_day, capacity_day])
def test_a_day_without_cases_or_without_people(rule) -> None:  # type: ignore[no-untyped-def]
    assert rule(by_hand(), [team(1, cost=100)]).cost == 900
    assert rule(by_hand((540, 5)), []).state.tolist() == [WAITS]
    assert rule(by_hand((540, 5), (541, 5, 10)), [team(0)]).state.tolist() == [WAITS, ABANDONED]


# ------------------------------------------------------------------------------------------------ days in a row


def whole_quarters(cases: Cases) -> Cases:
    """The same cases at whole quarters of a minute, which add up without rounding."""
    times = [np.ceil(one * 4) / 4 for one in (cases.since, cases.service, cases.patience)]
    return Cases(cases.case_id, cases.kind, times[0], cases.priority, *times[1:], cases.is_for_bot)


def test_two_days_with_what_is_carried_over_are_one_long_queue() -> None:
    cases, (shift,) = by_chance(5, 3, 1.2, minutes=2870.0, patience=240.0, ranks=2)
    cases = whole_quarters(cases)
    long = queue_day(cases, [Shift(3, 0.0, 2880.0, 2880.0, shift.skills)], minutes=2880.0)

    round_the_clock = [Shift(3, 0.0, 1440.0, 1440.0, shift.skills)]
    is_first = cases.since < 1440.0
    first = queue_day(cases.taken(is_first), round_the_clock)
    later = cases.taken(~is_first)
    later.since[:] -= 1440.0
    rest = appended(carried_over(cases.taken(is_first), first), later)
    second = queue_day(rest, round_the_clock, first.at_work)

    waited, state = (
        dict(zip(cases.case_id, first.waited, strict=False)),
        dict(zip(cases.case_id, first.state, strict=False)),
    )
    waited.update(zip(rest.case_id, second.waited, strict=True))
    state.update(zip(rest.case_id, second.state, strict=True))
    assert first.at_work.team.size > 1
    assert (first.state == WAITS).sum() > 10
    assert [state[one] for one in cases.case_id] == long.state.tolist()
    assert [waited[one] for one in cases.case_id] == long.waited.tolist()
    assert first.busy[0] + second.busy[0] == long.busy[0]
    assert first.overtime[0] == 0


def test_a_case_longer_than_a_day_holds_its_person() -> None:
    first = queue_day(by_hand((1000, 3000)), [team(1)])
    assert (first.state.tolist(), first.at_work.until.tolist()) == ([SERVED], [2560])
    second = queue_day(by_hand((600, 5)), [team(1)], first.at_work)
    assert (second.state.tolist(), second.at_work.until.tolist()) == ([WAITS], [1120])


# ------------------------------------------------------------------------------------------------ a plain clock


@dataclass
class Person:
    free_at: int
    is_home: bool = False


def every_minute(cases: Cases, shift: Shift, minutes: int) -> dict[int, int]:
    """The minute at which each case is begun, by looking at every minute of the day; one team, whole minutes."""
    people = [Person(int(shift.begins)) for _ in range(shift.staff)]
    waiting = set(range(cases.n))
    begun: dict[int, int] = {}
    for now in range(minutes):
        for person in people:
            if person.is_home or person.free_at > now or now < shift.begins or now >= shift.latest:
                continue
            there = [
                (cases.priority[one], cases.since[one], cases.case_id[one], one)
                for one in waiting
                if cases.since[one] <= now < cases.since[one] + cases.patience[one]
            ]
            if there:
                chosen = min(there)[-1]
                waiting.remove(chosen)
                begun[chosen] = now
                person.free_at = now + int(cases.service[chosen])
            elif now >= shift.ends:
                person.is_home = True
    return begun


rows = st.lists(
    st.tuples(st.integers(-30, 119), st.integers(1, 30), st.one_of(st.just(NEVER), st.integers(1, 60))),
    max_size=25,
)


@settings(max_examples=60)
@given(
    rows=rows,
    priorities=st.lists(st.integers(0, 2), min_size=25, max_size=25),
    staff=st.integers(0, 3),
    hours=st.tuples(st.integers(0, 40), st.integers(41, 100), st.integers(0, 20)),
)
def test_any_day_is_as_a_clock_sees_it_that_looks_at_every_minute(
    rows: list[tuple[int, int, float]], priorities: list[int], staff: int, hours: tuple[int, int, int]
) -> None:
    cases = by_hand(*rows, priorities=priorities[: len(rows)])
    shift = Shift(staff, hours[0], hours[1], hours[1] + hours[2], (0,))
    day = queue_day(cases, [shift], minutes=120.0)
    begun = every_minute(cases, shift, 120)
    assert np.flatnonzero(day.state == SERVED).tolist() == sorted(begun)
    assert all(cases.since[one] + day.waited[one] == minute for one, minute in begun.items())


# ------------------------------------------------------------------------------------------------ the same again


def same(one: Outcome, other: Outcome, places: np.ndarray) -> bool:
    columns = ("state", "waited", "ended")
    return all(np.array_equal(getattr(one, c)[places], getattr(other, c), equal_nan=True) for c in columns)


@pytest.mark.parametrize("rule", [queue_day, capacity_day])
def test_the_order_of_the_rows_does_not_matter(rule) -> None:  # type: ignore[no-untyped-def]
    cases, _ = by_chance(11, 4, 1.1, minutes=1300.0, patience=60.0, ranks=3)
    shifts = [team(2, 60, (0, 1), 5000), team(2, 30, (1, 2), 4000)]
    day = rule(cases, shifts)
    mixed = np.argsort((cases.case_id * 7919) % 1009, kind="stable")
    again = rule(cases.taken(mixed), shifts)
    assert same(day, again, mixed)
    assert (day.cost, day.busy.tolist(), day.overtime.tolist()) == (
        again.cost,
        again.busy.tolist(),
        again.overtime.tolist(),
    )


@pytest.mark.parametrize("rule", [queue_day, capacity_day])
def test_a_last_case_of_the_lowest_rank_changes_nobody_before(rule) -> None:  # type: ignore[no-untyped-def]
    cases, shifts = by_chance(12, 3, 1.1, minutes=1300.0, patience=60.0)
    last = by_hand((1310, 25), priorities=[9])
    last.case_id[:] = 10**6
    more = rule(appended(cases, last), shifts, minutes=1440.0)
    assert same(more, rule(cases, shifts, minutes=1440.0), np.arange(cases.n))


# ------------------------------------------------------------------------------------------------ draws and the bot

WORK = {"call": {"minutes": 6, "spread": 0.5, "patience": 30, "priority": 2}, "review": {"minutes": 20, "spread": 0}}
DESK = Desk.model_validate(
    {
        "work": WORK,
        "teams": {"house": {"staff": 2, "cost_per_hour": "60 yuan"}},
        "bot": {"kinds": ["call"], "settles": 0.4, "cost": "0.25 yuan"},
    }
)


def test_a_case_draws_by_its_id_alone() -> None:
    many = draw_cases(DESK, 3, np.arange(500), np.full(500, 2), np.zeros(500))
    few = draw_cases(DESK, 3, [499, 7], [2, 2], [900.0, 30.0])
    for column in ("service", "patience", "is_for_bot", "priority"):
        assert getattr(few, column).tolist() == getattr(many, column)[[499, 7]].tolist()
    assert not np.array_equal(many.service, draw_cases(DESK, 4, np.arange(500), np.full(500, 2), np.zeros(500)).service)
    with pytest.raises(ValueError, match="a case of complaint, which is no work of this desk: call, review"):
        draw_cases(DESK, 3, [1], [4], [0.0])


@pytest.mark.parametrize("spread", [0.5, 1.0, 1.5])
def test_times_have_the_mean_and_spread_that_are_asked_for(spread: float) -> None:
    n = 200_000
    desk = Desk.model_validate({"work": {"call": {"minutes": 6, "spread": spread, "patience": 30}}})
    drawn = draw_cases(desk, 1, np.arange(n), np.full(n, 2), np.zeros(n))
    for times, mean, deviation in ((drawn.service, 6, 6 * spread), (drawn.patience, 30, 30)):
        assert abs(times.mean() - mean) < 3 * deviation / n**0.5
        squares = times**2
        assert abs(squares.mean() - mean**2 - deviation**2) < 3 * squares.std() / n**0.5


def test_what_the_bot_settles_needs_nobody_and_every_answer_costs() -> None:
    n = 2000
    kind = np.where(np.arange(n) < 1000, 2, 0)
    cases = draw_cases(DESK, 3, np.arange(n), kind, np.linspace(0, 1439, n))
    day = work_day(DESK, cases, MONDAY)
    is_settled = day.state == BY_BOT
    assert not is_settled[1000:].any()
    assert abs(is_settled[:1000].mean() - 0.4) < 3 * (0.24 / 1000) ** 0.5
    assert np.array_equal(day.ended[is_settled], cases.since[is_settled])
    assert not day.waited[is_settled].any()
    overtime = round(float(day.overtime[0]) * 1.5 * 100)
    assert day.cost == 2 * 9 * 6000 + overtime + 1000 * 25


def test_the_bot_answers_a_case_once() -> None:
    alone = Desk.model_validate({"work": {"call": {}}, "bot": {"kinds": ["call"], "settles": 0.4, "cost": "0.25 yuan"}})
    cases = draw_cases(alone, 3, np.arange(100), np.full(100, 2), np.full(100, 600.0))
    day = work_day(alone, cases, MONDAY)
    waiting = carried_over(cases, day)
    assert (day.cost, waiting.n) == (2500, 100 - (day.state == BY_BOT).sum())
    assert set(waiting.since) == {-840.0}
    tomorrow = work_day(alone, waiting, MONDAY)
    assert (tomorrow.cost, set(tomorrow.state)) == (0, {WAITS})


def test_both_rules_stand_behind_one_call() -> None:
    cases = draw_cases(DESK, 3, np.arange(200), np.zeros(200), np.linspace(540, 1000, 200))
    fast = DESK.model_copy(update={"mode": "capacity"})
    by_queue, by_minutes = work_day(DESK, cases, MONDAY), work_day(fast, cases, MONDAY)
    assert same(by_minutes, capacity_day(cases, fast.shifts(MONDAY), NOBODY), np.arange(200))
    assert (by_queue.state == SERVED).sum() == 54  # 2 people, 540 minutes, 20 a case
    assert abs((by_minutes.state == SERVED).sum() - 54) <= 1
    assert not np.array_equal(by_queue.waited, by_minutes.waited)
    assert (DESK.shifts(MONDAY)[0].begins, DESK.shifts(MONDAY)[0].ends) == (NINE, SIX)
