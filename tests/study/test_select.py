"""The best of several arms: Clark and Yang's procedure, and what is said after the fact."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from scipy.stats import t as student_t

from sim.results.metrics import BY_NAME
from sim.study.select import Columns, choose, is_less_better, replicate_for_best, worlds_needed

MEANS = {"a": 0.0, "b": 0.3, "c": 0.6, "d": 1.0}


def draw(n: int, dice: random.Random, means: dict[str, float] = MEANS) -> dict[str, list[float]]:
    """Worlds common to all arms, and a luck of each arm's own that differs in size."""
    worlds = [dice.gauss(0, 5) for _ in range(n)]
    return {
        name: [world + mean + dice.gauss(0, 0.5 + 0.3 * i) for world in worlds]
        for i, (name, mean) in enumerate(means.items())
    }


def test_worlds_needed_by_hand() -> None:
    # Differences 1 2 3 have s = 1; b against c: 1 0 1 has s = sqrt(1/3); a against c: 2 2 4 has s^2 = 4/3, the widest.
    columns = {"a": [0.0, 10.0, 20.0], "b": [1.0, 12.0, 23.0], "c": [2.0, 12.0, 24.0]}
    quantile = student_t.ppf(1 - 0.05 / 2, 2)
    assert worlds_needed(columns, 0.5) == math.ceil(quantile**2 * 4 / 3 / 0.25)
    assert worlds_needed(columns, 1e6) == 3  # never fewer than there are


def test_the_stated_probability_holds() -> None:
    """The best leads by the zone exactly, the least favourable case: it must be chosen in 95 % of trials or more."""
    dice = random.Random(11)
    means = {"a": 0.0, "b": 0.0, "c": 0.5, "d": 0.0}
    trials, right = 300, 0
    for _ in range(trials):
        worlds = draw(400, dice, means)
        n, needed, _ = replicate_for_best(
            lambda batch, worlds=worlds: {name: column[: batch[-1] + 1] for name, column in worlds.items()},
            range(400),
            lambda _: 0.5,
            first=10,
        )
        assert needed is not None
        assert n >= min(needed, 400)
        right += max(worlds, key=lambda name, n=n, worlds=worlds: sum(worlds[name][:n])) == "c"  # type: ignore[misc]
    # 285 expected at the least; 1 in 2,000 would be below 272.
    assert right >= 272


def test_the_shortfall_covers() -> None:
    """Whatever is chosen, the best exceeds it by no more than is said, in 95 % of trials or more."""
    dice = random.Random(12)
    held = 0
    for _ in range(300):
        found = choose(draw(6, dice), "disbursed")
        assert found is not None
        assert found.shortfall is not None
        held += MEANS["d"] - MEANS[found.best] <= found.shortfall + 1e-12
    assert held >= 272


def test_a_choice_and_what_is_said_of_it() -> None:
    found = choose(draw(40, random.Random(1)), "disbursed")
    assert found is not None
    assert (found.best, found.n, found.left_out) == ("d", 40, ())
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert max(found.shares, key=lambda name: found.shares[name]) == "d"
    assert found.probability is not None
    assert found.probability <= found.shares["d"] + 0.02  # the one is a lower bound of what the other estimates
    assert not found.is_guaranteed


def test_less_default_is_better() -> None:
    found = choose(draw(40, random.Random(1)), "npl90")
    assert found is not None
    assert (found.best, found.is_less_better) == ("a", True)
    good_news = {m.name for m in BY_NAME.values() if m.group == "default" and not is_less_better(m)}
    assert good_news == {"recovery_rate", "coverage", "allowance_ratio"}
    assert is_less_better(BY_NAME["merchant_exits"])
    assert not is_less_better(BY_NAME["merchant_sales"])


def test_few_worlds_have_no_shares_and_one_has_no_probability() -> None:
    few = choose(draw(5, random.Random(2)), "disbursed")
    assert few is not None
    assert few.shares == {}
    assert few.probability is not None
    one = choose(draw(1, random.Random(2)), "disbursed")
    assert one is not None
    assert (one.probability, one.shortfall) == (None, None)


def test_equal_arms_share_the_first_place() -> None:
    column = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    found = choose({"a": column, "b": column}, "disbursed")
    assert found is not None
    assert found.shares == {"a": 0.5, "b": 0.5}
    assert (found.best, found.probability, found.shortfall) == ("a", 0.5, 0.0)


def test_an_arm_without_the_measure_takes_no_part() -> None:
    columns: Columns = {**draw(10, random.Random(3)), "no_credit": [None] * 10}
    found = choose(columns, "disbursed")
    assert found is not None
    assert found.left_out == ("no_credit",)
    assert "no_credit" not in found.means
    assert choose({"a": [1.0, 2.0], "b": [None, None]}, "disbursed") is None


def test_worlds_without_a_value_are_left_out_for_all() -> None:
    columns: Columns = {"a": [1.0, None, 3.0], "b": [2.0, 5.0, float("nan")]}
    found = choose(columns, "disbursed")
    assert found is not None
    assert (found.n, found.means) == (1, {"a": 1.0, "b": 2.0})


def test_the_budget_ends_the_second_stage() -> None:
    worlds = draw(30, random.Random(4))
    asked: list[int] = []

    def observe(batch: Sequence[int]) -> Columns:
        asked.extend(batch)
        return {name: column[: len(asked)] for name, column in worlds.items()}

    n, needed, zone = replicate_for_best(observe, range(30), lambda _: 0.01, first=3)
    assert (n, zone, asked) == (30, 0.01, list(range(30)))
    assert needed is not None
    assert needed > 30
    found = choose(worlds, "disbursed", zone=zone, n_needed=needed)
    assert found is not None
    assert not found.is_guaranteed


def test_what_is_asked_must_make_sense() -> None:
    columns = draw(10, random.Random(5))
    with pytest.raises(ValueError, match="an indifference zone of 0"):
        worlds_needed(columns, 0)
    with pytest.raises(ValueError, match="a confidence of 95"):
        worlds_needed(columns, 1.0, confidence=95)
    with pytest.raises(ValueError, match="1 arms over 10 worlds; a selection needs two"):
        worlds_needed({"a": columns["a"]}, 1.0)
    with pytest.raises(ValueError, match="different numbers of worlds"):
        choose({"a": [1.0], "b": [1.0, 2.0]}, "disbursed")
