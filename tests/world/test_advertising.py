"""Advertising: what a shop spends, and what it brings."""

from __future__ import annotations

import numpy as np
import pytest

from sim.world.advertising import MOST_ELASTIC, advertising_elasticity, advertising_level, advertising_response

F = np.float32


@pytest.mark.parametrize(
    ("run_up", "is_short", "retreat", "level"),
    [
        (0.0, 0.0, 0.0, 1.0),  # an ordinary day
        (0.8, 0.0, 0.0, 1.8),  # before a promotion
        (0.0, 1.0, 0.0, 0.5),  # costs are unpaid
        (0.8, 1.0, 0.0, 0.9),  # both
        (0.0, 0.0, 1.0, 0.2),  # the owner has gone
        (0.0, 0.0, 0.5, 0.6),  # half gone
    ],
)
def test_what_is_spent_over_the_usual(run_up: float, is_short: float, retreat: float, level: float) -> None:
    found = advertising_level(F(run_up), F(is_short), F(retreat), F(0.5), F(0.8))
    assert found == pytest.approx(level, rel=1e-6)


def test_the_response_is_one_at_the_usual_level_and_concave() -> None:
    levels = np.arange(0.0, 8.0, 0.25)
    response = np.array([advertising_response(F(level), F(0.12)) for level in levels], float)
    assert response[levels == 1.0] == 1.0
    gains = np.diff(response)
    assert (gains > 0).all()
    assert (np.diff(gains) < 0).all()
    assert response[0] == pytest.approx(1.0 - 0.24, rel=1e-6)
    assert response[-1] < 1.0 + 0.24


def test_the_elasticity_at_the_usual_level_is_what_it_says() -> None:
    step = 0.01
    up, down = (advertising_response(F(1.0 + h), F(0.12)) for h in (step, -step))
    assert (float(up) - float(down)) / (2.0 * step) == pytest.approx(0.12, rel=1e-3)


def test_the_usual_share_is_the_one_that_pays_best() -> None:
    """Dorfman and Steiner: margin on what demand brings, less advertising, is largest at the usual level."""
    usual, margin = 0.03, 0.25
    elasticity = advertising_elasticity(F(usual), F(margin), F(1.0))
    levels = np.linspace(0.5, 1.5, 101)
    profit = [margin * float(advertising_response(F(level), elasticity)) - usual * level for level in levels]
    assert levels[int(np.argmax(profit))] == pytest.approx(1.0, abs=0.011)


def test_without_pull_advertising_is_in_vain_and_pull_has_a_bound() -> None:
    assert advertising_elasticity(F(0.05), F(0.3), F(0.0)) == 0.0
    assert advertising_elasticity(F(0.3), F(0.05), F(1.0)) == F(MOST_ELASTIC)
    assert advertising_response(F(0.0), F(MOST_ELASTIC)) == pytest.approx(0.1, rel=1e-5)
