"""Owners who turn away from the platform."""

from __future__ import annotations

import numpy as np
import pytest

from sim.world.elsewhere import AWAY, day_steps, next_retreat, share_elsewhere

F = np.float32
HONEST_MOST, UP, DOWN = F(25), F(5), F(2)


@pytest.mark.parametrize(
    ("before", "in_trouble", "is_honest", "after"),
    [
        (0, False, True, 0),
        (0, True, True, 5),
        (23, True, True, 25),  # an honest owner goes no further
        (25, True, True, 25),
        (80, True, True, 80),  # nor nearer, for being in trouble
        (23, True, False, 28),
        (98, True, False, AWAY),
        (AWAY, True, False, AWAY),
        (AWAY, False, False, 98),
        (1, False, False, 0),
    ],
)
def test_a_day_of_an_owner(before: int, in_trouble: bool, is_honest: bool, after: int) -> None:
    assert next_retreat(F(before), in_trouble, is_honest, HONEST_MOST, UP, DOWN) == after


@pytest.mark.parametrize(("days_out", "days_back", "steps"), [(20, 60, (5, 2)), (1, 100, (100, 1)), (3, 7, (33, 14))])
def test_steps_are_whole_and_never_nothing(days_out: int, days_back: int, steps: tuple[int, int]) -> None:
    assert day_steps(days_out, days_back) == steps


def test_the_share_elsewhere_lies_between_the_usual_and_all_that_can_be_moved() -> None:
    assert share_elsewhere(F(0.1), F(0.4), F(0.0)) == F(0.1)
    assert share_elsewhere(F(0.1), F(0.4), F(1.0)) == pytest.approx(0.1 + 0.9 * 0.4)
    assert share_elsewhere(F(0.1), F(0.4), F(0.5)) == pytest.approx(0.1 + 0.9 * 0.2)
    assert share_elsewhere(F(1.0), F(1.0), F(1.0)) == 1.0
