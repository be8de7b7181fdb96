"""How many merchants a trial needs: the formula by hand, its power by exact sums, and its inverse."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.stats import binom
from typer.testing import CliRunner

from sim.app.cli import app
from sim.study.sample_size import Design, differences_shown, sample_size


def test_a_worked_example() -> None:
    # p = 2.25 %, (1.95996 + 0.84162)^2 = 7.84888: 2 x 7.84888 x 0.0225 x 0.9775 / 0.005^2 = 13,810.1.
    found = sample_size(Design(0.02), 0.005)
    assert Design(0.02).z_squared == pytest.approx(7.84888, abs=1e-5)
    assert (found.n_arm, found.n_champion, found.n_challenger, found.n) == (13811, 13811, 13811, 27622)
    assert sample_size(Design(0.02, one_sided=True), 0.005).n_arm == 10879  # (1.64485 + 0.84162)^2 = 6.18256
    assert sample_size(Design(0.02), -0.005).n_arm < 13811  # a lower rate varies less


@pytest.mark.parametrize(("rate", "difference"), [(0.2, 0.1), (0.5, -0.15), (0.1, 0.08)])
def test_so_many_have_the_power_that_was_asked_for(rate: float, difference: float) -> None:
    """The chance that the test of two proportions finds the difference, summed over every pair of counts."""
    n = sample_size(Design(rate), difference).n_arm
    counts = np.arange(n + 1)
    a, b = np.meshgrid(counts / n, counts / n, indexing="ij")
    pooled = (a + b) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        finds = np.abs(a - b) / np.sqrt(2 * pooled * (1 - pooled) / n) > 1.959964
    weight = np.outer(binom.pmf(counts, n, rate), binom.pmf(counts, n, rate + difference))
    assert weight[finds].sum() == pytest.approx(0.8, abs=0.02)


def test_what_so_many_show_is_the_inverse() -> None:
    design = Design(0.02, power=0.9)
    fall, rise = differences_shown(design, 8000, 8000)
    assert fall is not None
    assert rise is not None
    assert fall < 0 < rise
    assert {sample_size(design, fall).n_arm, sample_size(design, rise).n_arm} <= {8000, 8001}
    assert differences_shown(Design(0.001), 500, 500)[0] is None  # not even 0 would be told from 0.1 %


def test_unequal_arms_are_worth_less() -> None:
    equal, tenth = (sample_size(Design(0.02, share=share), 0.005) for share in (0.5, 0.1))
    assert tenth.n_arm == equal.n_arm
    assert tenth.n == pytest.approx(equal.n / (4 * 0.1 * 0.9), rel=1e-3)
    assert tenth.n_challenger == pytest.approx(0.1 * tenth.n, rel=1e-3)
    fall, rise = differences_shown(Design(0.02), tenth.n_champion, tenth.n_challenger)
    assert rise == pytest.approx(0.005, rel=1e-3)
    assert fall is not None


def test_outcomes_of_one_merchant_that_go_together_are_worth_less() -> None:
    plain = sample_size(Design(0.02), 0.005).n
    assert sample_size(Design(0.02, loans=4, alike=1.0), 0.005).n == pytest.approx(plain, rel=1e-3)  # all say the same
    assert sample_size(Design(0.02, loans=4, alike=0.0), 0.005).n == pytest.approx(plain / 4, rel=1e-3)
    assert sample_size(Design(0.02, loans=4, alike=0.2), 0.005).n == pytest.approx(plain * 1.6 / 4, rel=1e-3)
    assert sample_size(Design(0.02, seen=0.2), 0.005).n == pytest.approx(plain * 5, rel=1e-3)


def test_it_says_where_the_formula_does_not_hold() -> None:
    assert not any("too few" in note for note in sample_size(Design(0.02), 0.005).notes)
    assert any("too few" in note for note in sample_size(Design(0.001), 0.5).notes)
    assert any("another merchant" in note for note in sample_size(Design(0.02, loans=3), 0.005).notes)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"rate": 0.0}, "rate 0 is out of bounds"),
        ({"rate": 0.1, "power": 1.0}, "power 1 is out of bounds"),
        ({"rate": 0.1, "share": 1.0}, "share 1 is out of bounds"),
        ({"rate": 0.1, "seen": 0.0}, "seen 0 is out of bounds"),
        ({"rate": 0.1, "loans": 0.5}, "loans 0.5 is out of bounds"),
        ({"rate": 0.1, "alike": 2.0}, "alike 2 is out of bounds"),
        ({"rate": math.nan}, "rate nan is out of bounds"),
    ],
)
def test_what_is_out_of_bounds_is_named(values: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Design(**values)


@pytest.mark.parametrize(("difference", "said"), [(0.0, "is no difference"), (-0.2, "makes the rate -0.1")])
def test_a_difference_that_cannot_be_is_refused(difference: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sample_size(Design(0.1), difference)


def test_the_command() -> None:
    def call(*words: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["sample-size", *words])
        return done.exit_code, done.stdout, done.stderr

    code, told, _ = call("--bad-rate", "0.02", "--difference", "0.005", "--json")
    assert (code, json.loads(told)["summary"]["n_arm"]) == (0, 13811)
    code, told, _ = call("--bad-rate", "0.02", "--merchants", "27622", "--json")
    assert json.loads(told)["summary"]["rise"] == pytest.approx(0.005, rel=1e-3)
    assert "13,811 merchants for the champion" in call("--bad-rate", "0.02", "--difference", "0.005")[1]
    for words, said in (
        (("--bad-rate", "0.02"), "one of them"),
        (("--bad-rate", "2", "--difference", "0.1"), "allowed: between 0 and 1"),
    ):
        code, _, problem = call(*words)
        assert code == 2
        assert said in problem
