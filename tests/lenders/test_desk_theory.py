"""The desk against queueing theory, and the fast rule against the desk.

Every check is over independent replications, each a long day whose beginning and end are cut off: what is measured must
lie within three standard errors of the closed form, the error taken from the spread of the replications.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from sample_days import by_chance, by_hand, team

from sim.lenders.desk import queue_day
from sim.lenders.desk_capacity import capacity_day
from sim.lenders.desk_cases import ABANDONED, SERVED, WAITS, AtWork, Cases, Outcome, carried_over
from sim.lenders.desk_terms import Shift

SERVICE = 10.0  # minutes, the mean of every check
WARM, COOL = 3_000.0, 3_000.0  # minutes cut off at either end: hundreds of services
REPLICATIONS = 12
FIRST_SEED = 20120101
Measure = Callable[[Cases, Outcome, npt.NDArray[np.bool_]], float]


def measured(
    check: int, measures: Sequence[Measure], people: int, load: float, minutes: float = 33_000.0, **options: float
) -> list[tuple[float, float]]:
    """Mean of each measure over the replications and its standard error; every check has seeds of its own."""
    found = []
    first = FIRST_SEED + 1000 * check
    for seed in range(first, first + REPLICATIONS):
        cases, shifts = by_chance(seed, people, load, minutes=minutes, service=SERVICE, **options)  # type: ignore[arg-type]
        day = queue_day(cases, shifts, minutes=minutes)
        is_counted = (cases.since > WARM) & (cases.since < minutes - COOL)
        assert not (day.state[is_counted] == WAITS).any()
        found.append([measure(cases, day, is_counted) for measure in measures])
    errors = np.std(found, axis=0, ddof=1) / REPLICATIONS**0.5
    return list(zip(np.mean(found, axis=0).tolist(), errors.tolist(), strict=True))


def share_that_waits(cases: Cases, day: Outcome, is_counted: npt.NDArray[np.bool_]) -> float:
    return float((day.waited[is_counted] > 0).mean())


def mean_wait(cases: Cases, day: Outcome, is_counted: npt.NDArray[np.bool_]) -> float:
    return float(day.waited[is_counted].mean())


def share_that_gives_up(cases: Cases, day: Outcome, is_counted: npt.NDArray[np.bool_]) -> float:
    return float((day.state[is_counted] == ABANDONED).mean())


def assert_near(theory: float, found: tuple[float, float]) -> None:
    mean, error = found
    print(
        f"theory {theory:.5f}, measured {mean:.5f}, standard error {error:.5f}, {(mean - theory) / error:+.2f} errors"
    )
    assert error < 0.1 * theory  # so that the check can fail
    assert abs(mean - theory) < 3 * error


# ------------------------------------------------------------------------------------------------ theory


def erlang_c(people: int, load: float) -> float:
    """Probability that a case waits in M/M/c: a^c / (c! (1 - rho)) over that plus the sum of a^n / n! below c."""
    a = people * load
    last = a**people / math.factorial(people) / (1 - load)
    return last / (sum(a**n / math.factorial(n) for n in range(people)) + last)


def erlang_a(people: int, load: float, patience: float) -> tuple[float, float]:
    """Share that gives up and mean wait of all in M/M/c+M, from the stationary states of its birth and death chain.

    Births at rate ``lambda``, deaths at ``min(n, c) / service + max(n - c, 0) / patience``; those who give up are
    ``E[queue] / patience`` of ``lambda``, and by Little's law the mean wait is ``E[queue] / lambda``.
    """
    rate = people * load / SERVICE
    weights = [1.0]
    for n in range(1, 400):
        weights.append(weights[-1] * rate / (min(n, people) / SERVICE + max(n - people, 0) / patience))
    queue = sum(max(n - people, 0) * weight for n, weight in enumerate(weights)) / sum(weights)
    return queue / patience / rate, queue / rate


@pytest.mark.slow
@pytest.mark.parametrize(("people", "load"), [(2, 0.6), (5, 0.8)])
def test_the_probability_of_waiting_is_erlangs(people: int, load: float) -> None:
    (found,) = measured(10 + people, [share_that_waits], people, load)
    assert_near(erlang_c(people, load), found)


@pytest.mark.slow
@pytest.mark.parametrize(("people", "load"), [(1, 0.7), (5, 0.8)])
def test_the_mean_wait_of_many_people_is_that_of_m_m_c(people: int, load: float) -> None:
    theory = erlang_c(people, load) * SERVICE / (people * (1 - load))
    (found,) = measured(20 + people, [mean_wait], people, load, minutes=60_000.0)
    assert_near(theory, found)


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.0, 0.5, 1.4])
def test_the_mean_wait_for_one_person_is_pollaczeks_and_khinchines(spread: float) -> None:
    load = 0.6
    theory = load * SERVICE * (1 + spread**2) / (2 * (1 - load))
    (found,) = measured(30 + round(10 * spread), [mean_wait], 1, load, minutes=160_000.0, spread=spread)
    assert_near(theory, found)


@pytest.mark.slow
@pytest.mark.parametrize(("load", "patience"), [(0.9, 20.0), (1.3, 10.0)])
def test_those_who_give_up_are_as_many_as_in_m_m_c_with_patience(load: float, patience: float) -> None:
    share, wait = erlang_a(3, load, patience)
    measures = [share_that_gives_up, mean_wait]
    for theory, found in zip(
        (share, wait), measured(50 + round(10 * load), measures, 3, load, patience=patience), strict=True
    ):
        assert_near(theory, found)


def test_each_rank_waits_as_cobham_says() -> None:
    # Non-preemptive priorities, one person: W0 / ((1 - load above) (1 - load above and of the rank)).
    load, ranks = 0.75, 3

    def wait_of(rank: int) -> Measure:
        return lambda cases, day, is_counted: float(day.waited[is_counted & (cases.priority == rank)].mean())

    found = measured(70, [wait_of(rank) for rank in range(ranks)], 1, load, minutes=80_000.0, ranks=ranks)
    for rank in range(ranks):
        above = load * rank / ranks
        assert_near(load * SERVICE / ((1 - above) * (1 - above - load / ranks)), found[rank])


# ------------------------------------------------------------------------------------------------ the fast rule


def test_for_one_person_the_fast_rule_is_the_queue() -> None:
    for patience in (0.0, 25.0):
        cases, shifts = by_chance(3, 1, 0.9, minutes=1440.0, patience=patience)
        slow, fast = queue_day(cases, shifts), capacity_day(cases, shifts)
        assert slow.state.tolist() == fast.state.tolist()
        assert np.allclose(slow.waited, fast.waited, rtol=0, atol=1e-9)
        assert np.allclose(slow.busy, fast.busy)
        assert np.allclose(np.sort(slow.at_work.until), np.sort(fast.at_work.until))


def test_for_one_person_overtime_is_the_queues_too() -> None:
    for rows in (
        ((1070, 20), (1075, 25), (1076, 30), (1077, 5)),
        ((1070, 10), (1085, 5)),
        ((1070, 20), (1085, 5)),
        ((1075, 5, 4), (1070, 20), (1080, 5)),
        ((-100, 30), (100, 600), (110, 20)),
    ):
        for overtime in (0, 60):
            slow, fast = (rule(by_hand(*rows), [team(1, overtime, (0,), 77)]) for rule in (queue_day, capacity_day))
            assert slow.state.tolist() == fast.state.tolist()
            assert np.array_equal(slow.ended, fast.ended, equal_nan=True)
            assert (slow.busy.tolist(), slow.overtime.tolist(), slow.cost) == (
                fast.busy.tolist(),
                fast.overtime.tolist(),
                fast.cost,
            )


# Largest error of the fast rule's mean wait, in services: of all cases, and of the cases of one rank of three.
@pytest.mark.parametrize(
    ("people", "load", "patience", "most_error"),
    [(5, 0.5, 0.0, 0.1), (5, 0.9, 0.0, 0.2), (20, 0.9, 0.0, 0.2), (5, 0.9, 30.0, 0.1), (5, 1.5, 30.0, 0.1)],
)
@pytest.mark.parametrize("ranks", [1, 3])
def test_the_fast_rule_waits_like_the_queue(
    people: int, load: float, patience: float, most_error: float, ranks: int
) -> None:
    cases, shifts = by_chance(1, people, load, minutes=20_000.0, patience=patience, ranks=ranks)
    slow, fast = (rule(cases, shifts, minutes=20_000.0) for rule in (queue_day, capacity_day))
    assert abs(fast.waited.mean() - slow.waited.mean()) < most_error * SERVICE
    assert abs((fast.state == ABANDONED).mean() - (slow.state == ABANDONED).mean()) < 0.02
    assert abs((fast.state == SERVED).sum() - (slow.state == SERVED).sum()) < 0.03 * cases.n
    for rank in range(ranks):  # the urgent do not wait for a less urgent case at hand, and the last one waits longer
        of_rank = cases.priority == rank
        assert abs(fast.waited[of_rank].mean() - slow.waited[of_rank].mean()) < 0.5 * SERVICE


def test_without_patience_more_work_than_minutes_is_left_alike() -> None:
    cases, shifts = by_chance(4, 5, 1.5, minutes=1440.0)
    slow, fast = queue_day(cases, shifts), capacity_day(cases, shifts)
    assert (slow.state == WAITS).sum() > 300
    assert (fast.state == SERVED).sum() == pytest.approx((slow.state == SERVED).sum(), rel=0.02)
    assert fast.waited.mean() == pytest.approx(slow.waited.mean(), rel=0.02)
    assert fast.busy[0] == pytest.approx(slow.busy[0], rel=0.01)


def a_week(load: float, patience: float) -> dict[str, tuple[float, float]]:
    """Five days of two teams, by the queue and by the fast rule: cases served, hours that they waited, and so on."""
    early = Shift(4, 480.0, 960.0, 1020.0, (0, 1), 5000, 1.5)
    late = Shift(3, 720.0, 1200.0, 1260.0, (1, 2), 5000, 1.5)
    found: dict[str, list[float]] = {"served": [], "waited": [], "overtime": [], "left": [], "cost": []}
    for rule in (queue_day, capacity_day):
        rows, _ = by_chance(2, 7, load / 3, minutes=1440.0 * 5, service=SERVICE, patience=patience, ranks=3)
        left, at_work = by_hand(), AtWork(np.zeros(0, np.int64), np.zeros(0))
        served, waited, overtime, cost = 0, 0.0, 0.0, 0.0
        for number in range(5):
            new = rows.taken((rows.since >= 1440.0 * number) & (rows.since < 1440.0 * (number + 1)))
            new.since[:] -= 1440.0 * number
            pairs = ((getattr(left, one), getattr(new, one)) for one in left.__dataclass_fields__)
            today = Cases(*(np.concatenate(pair) for pair in pairs))
            day = rule(today, [early, late], at_work)
            left, at_work = carried_over(today, day), day.at_work
            served += int((day.state == SERVED).sum())
            waited += float(day.waited[day.state == SERVED].sum())
            overtime, cost = overtime + float(day.overtime.sum()), cost + day.cost
        for name, value in (("served", served), ("waited", waited / served / 60), ("overtime", overtime / 60)):
            found[name].append(value)
        found["left"].append(left.n)
        found["cost"].append(cost)
    return {name: (slow, fast) for name, (slow, fast) in found.items()}


# Load is the work that comes over what seven people do in eight hours.
@pytest.mark.parametrize(("load", "patience"), [(0.5, 0.0), (0.9, 0.0), (1.2, 0.0), (1.2, 300.0)])
def test_a_week_of_two_teams_by_the_fast_rule_is_about_a_week_of_the_queue(load: float, patience: float) -> None:
    week = a_week(load, patience)
    print(week)
    assert week["served"][1] == pytest.approx(week["served"][0], rel=0.03)
    assert week["waited"][1] == pytest.approx(week["waited"][0], rel=0.07)
    assert abs(week["overtime"][1] - week["overtime"][0]) < 0.01 * 5 * 7 * 8  # of the hours of the shifts
    assert week["cost"][1] == pytest.approx(week["cost"][0], rel=0.015)


def test_a_large_day_of_two_teams_with_overtime_is_about_that_of_the_queue() -> None:
    cases, _ = by_chance(5, 70, 0.95, minutes=1440.0, patience=120.0, ranks=3)
    shifts = [Shift(90, 540.0, 1080.0, 1200.0, (0, 1)), Shift(60, 480.0, 1200.0, 1200.0, (1, 2))]
    slow, fast = queue_day(cases, shifts), capacity_day(cases, shifts)
    assert cases.n > 9_000
    for state in (SERVED, ABANDONED, WAITS):
        assert abs((fast.state == state).mean() - (slow.state == state).mean()) < 0.02
    assert fast.waited.mean() == pytest.approx(slow.waited.mean(), rel=0.03)
    assert fast.busy.sum() == pytest.approx(slow.busy.sum(), rel=0.03)


def test_the_fast_rule_takes_up_who_is_still_at_work() -> None:
    cases = by_hand((0, 10), (0, 10))
    held = AtWork(np.array([0, 0]), np.array([60.0, 60.0]))
    round_the_clock = [Shift(2, 0.0, 1440.0, 1440.0, (0,))]
    assert queue_day(cases, round_the_clock, held).waited.tolist() == [60, 60]
    assert capacity_day(cases, round_the_clock, held).waited.mean() == pytest.approx(60, abs=5)
