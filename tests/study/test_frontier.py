"""Frontiers: the set by hand, its uncertainty over worlds, what goes along it, and robust choices."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from sim.errors import ScenarioError
from sim.study import pareto, pictures
from sim.study.designs import Factor, latin_hypercube
from sim.study.findings import Measured
from sim.study.frontier import BEATEN, ON, OVER, UNDEFINED, UNSURE, analyse, frontier
from sim.study.objectives import read_all
from sim.study.plan import read_plan
from sim.study.robust import Preference
from sim.study.runner import Outcome

AIMS, _ = read_all(["max balance_growth", "max yield_risk_adjusted", "min ever90"], [])
TWO = AIMS[:2]
TINY = Path(__file__).parents[2] / "scenarios" / "tiny.yaml"
CUTOFF = Factor("cutoff", "k", "lever", values=(1, 2, 3, 4, 5))
SIDE = Factor("side", "k", "lever", values=("left", "right"))


def worlds_of(means, n_worlds: int, own: float = 0.0, common: float = 0.0, seed: int = 1):
    """Give means (n, m) in worlds, with a luck that all points share and one that none shares."""
    dice = np.random.default_rng(seed)
    means = np.asarray(means, float)
    luck = dice.normal(0, common, (1, n_worlds, means.shape[1])) + dice.normal(
        0, own, (len(means), n_worlds, means.shape[1])
    )
    return means[:, None, :] + luck


def named(factors, *rows):
    return {f"p{n}": {f.name: v for f, v in zip(factors, row, strict=True)} for n, row in enumerate(rows, 1)}


FIVE = named([CUTOFF, SIDE], *((n, "left") for n in range(1, 6)))


def test_the_set_by_hand() -> None:
    goods = np.array([[1.0, 5.0], [2.0, 4.0], [2.0, 4.0], [1.5, 4.0], [3.0, 1.0], [3.0, 0.5]])
    assert pareto.efficient(goods).tolist() == [True, True, True, False, True, False]
    assert pareto.efficient(goods, np.array([False, True, False, True, True, True])).tolist() == [
        False, True, False, False, True, False,
    ]  # fmt: skip


def test_the_set_is_what_the_definition_says() -> None:
    dice = np.random.default_rng(2)
    for n_objectives in (1, 2, 3, 4):
        goods = np.round(dice.normal(size=(120, n_objectives)), 1)  # rounded: ties happen
        wanted = [not any((b >= a).all() and (b > a).any() for b in goods) for a in goods]
        assert pareto.efficient(goods).tolist() == wanted


def test_default_counts_downwards() -> None:
    values = worlds_of([[1, 1, 0.02], [1, 1, 0.01], [2, 0.5, 0.05]], 4)
    found = frontier([CUTOFF], named([CUTOFF], (1,), (2,), (3,)), values, AIMS)
    assert [one.standing for one in found.strategies] == [BEATEN, ON, ON]
    assert [one.name for one in found.efficient] == ["p2", "p3"]


def test_the_luck_that_worlds_share_does_not_blur_the_set() -> None:
    means = [[1, 5], [2, 4], [3, 3], [4, 2], [1.9, 3.9]]
    found = frontier([CUTOFF, SIDE], FIVE, worlds_of(means, 8, common=10.0), TWO)
    assert [one.probability for one in found.strategies] == [1.0, 1.0, 1.0, 1.0, 0.0]
    assert all(half == pytest.approx(0, abs=1e-9) for one in found.strategies for half in one.apart)
    assert found.strategies[0].spreads[0].high - found.strategies[0].spreads[0].low > 5  # means themselves are unsure


def test_a_point_near_the_set_is_not_told_apart_from_it() -> None:
    values = worlds_of([[1, 5], [3, 3], [2.95, 2.95], [0.5, 0.5], [5, 1]], 6, own=0.15, seed=3)
    found = frontier([CUTOFF, SIDE], FIVE, values, TWO)
    first, second, near, far, _ = found.strategies
    assert (first.standing, far.standing, far.probability) == (ON, BEATEN, 0.0)
    assert {second.standing, near.standing} <= {ON, UNSURE}
    assert "told apart" in " ".join(found.sentences()) or near.standing == ON


def test_the_probability_of_membership_is_that_of_new_worlds() -> None:
    # Two points d apart with luck s: the better one is so in the means of n worlds with Phi(d sqrt(n) / (s sqrt 2)).
    n, apart, luck = 20, 0.1, 0.5
    shares = []
    for seed in range(60):
        values = worlds_of([[0.0], [apart]], n, own=luck, seed=seed)
        found = frontier([CUTOFF], named([CUTOFF], (1,), (2,)), values, AIMS[:1], n_resamples=199, seed=seed)
        shares.append(found.strategies[1].probability)
    z = apart * math.sqrt(n) / (luck * math.sqrt(2))
    # Averaged over studies the bootstrap's own error is added once more: the argument shrinks by sqrt(2).
    assert np.mean(shares) == pytest.approx(0.5 * (1 + math.erf(z / math.sqrt(2) / math.sqrt(2))), abs=0.12)


def test_which_lever_goes_along_the_frontier() -> None:
    means = [[n, 5 - n] for n in range(1, 6)] + [[n - 0.5, 4 - n] for n in range(1, 6)]
    points = named([CUTOFF, SIDE], *((6 - n, "left") for n in range(1, 6)), *((n, "right") for n in range(1, 6)))
    found = frontier([CUTOFF, SIDE], points, worlds_of(means, 8, own=0.01), TWO)
    cutoff, side = found.slopes
    assert (cutoff.correlation, cutoff.low, cutoff.high) == (-1.0, -1.0, -1.0)
    assert (side.correlation, side.values, side.defined) == (None, ("left",), 0.0)
    said = found.sentences()[1]
    assert "cutoff falls (rank correlation -1.00" in said
    assert "The same all along it: side (left)" in said


def test_a_lever_without_a_direction_is_called_so() -> None:
    dice = np.random.default_rng(4)
    wide = Factor("noise", "k", "lever", low=0.0, high=1.0)
    points = {f"p{n}": {"noise": float(u)} for n, u in enumerate(dice.random(12))}
    values = worlds_of([[n, 12 - n] for n in range(12)], 6, own=2.0)
    found = frontier([wide], points, values, TWO)
    assert not found.slopes[0].is_clear
    assert "No direction" in found.sentences()[1]


def test_rank_correlation_agrees_with_scipy() -> None:
    from scipy.stats import spearmanr

    dice = np.random.default_rng(5)
    x, y = dice.integers(0, 5, 30).astype(float), dice.normal(size=30)
    assert pareto.rank_correlation(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
    assert math.isnan(pareto.rank_correlation(x[:2], y[:2]))
    assert math.isnan(pareto.rank_correlation(np.ones(5), y[:5]))


def test_a_limit_keeps_strategies_off_the_frontier() -> None:
    _, limits = read_all(["max balance_growth"], ["ever90 <= 1 %"])
    values = worlds_of([[1, 1, 0.005], [9, 9, 0.02], [2, 0.5, 0.009]], 5, own=1e-4)
    found = frontier([CUTOFF], named([CUTOFF], (1,), (2,), (3,)), values, AIMS, limits)
    assert [one.standing for one in found.strategies] == [ON, OVER, ON]
    assert found.strategies[1].probability == 0.0
    assert "that keep ever90 <= 1 %" in found.sentences()[0]
    _, limits = read_all(["max balance_growth"], ["ever90 <= 0.1 %"])
    found = frontier([CUTOFF], named([CUTOFF], (1,), (2,), (3,)), values, AIMS, limits)
    assert found.sentences() == ("There is no frontier: no strategy keeps ever90 <= 0.1 %.",)
    assert found.choices[0].place is None


def test_a_limit_may_name_what_is_no_objective_and_bound_from_below() -> None:
    _, limits = read_all(["max balance_growth"], ["customers >= 10"])
    values = worlds_of([[1, 5, 20], [2, 6, 9]], 4)
    found = frontier([CUTOFF], named([CUTOFF], (1,), (2,)), values, TWO, limits)
    assert [one.standing for one in found.strategies] == [ON, OVER]


def test_mean_worst_case_and_regret_choose_by_hand() -> None:
    # Utilities by world: a is best on average, b in its worst world, c never far from the best.
    by_world = np.array([[0.0, 13.0, 13.0], [6.0, 6.0, 6.0], [4.0, 9.0, 9.5]])
    wish = (Preference(),)
    found = frontier([CUTOFF], named([CUTOFF], (1,), (2,), (3,)), by_world[:, :, None], AIMS[:1], preferences=wish)
    assert {one.criterion: one.name for one in found.choices} == {"mean": "p1", "worst case": "p2", "regret": "p3"}
    # Regrets by hand: a 6, b 7, c max(2, 4, 3.5) = 4.
    scores = pareto.scores("regret", by_world, np.ones(3, np.bool_))
    assert scores.tolist() == [-6.0, -7.0, -4.0]
    assert all(0 < one.changes < 1 for one in found.choices)


def test_a_choice_that_no_world_changes_never_changes() -> None:
    found = frontier([CUTOFF, SIDE], FIVE, worlds_of([[n, n] for n in range(1, 6)], 5, common=3.0), TWO)
    assert [(one.name, one.changes, one.rival) for one in found.choices] == [("p5", 0.0, "")] * 3
    assert "(always)" in found.sentences()[-1]


def test_weights_and_order_choose_differently() -> None:
    values = worlds_of([[10, 0], [9.8, 5], [0, 10]], 4)
    wishes = (
        Preference({"balance_growth": 1.0}),
        Preference({"yield_risk_adjusted": 1.0}),
        Preference(order=("balance_growth", "yield_risk_adjusted")),
        Preference(order=("balance_growth", "yield_risk_adjusted"), tolerance=0.0),
    )
    found = frontier([CUTOFF], named([CUTOFF], (1,), (2,), (3,)), values, TWO, preferences=wishes)
    assert [one.name for one in found.choices if one.criterion == "mean"] == ["p1", "p3", "p2", "p1"]
    for wish, said in (
        (Preference({"balance_grow": 1.0}), r"balance_grow is no objective; did you mean balance_growth\?"),
        (Preference({"balance_growth": -1.0}), "none is negative"),
        (Preference({"balance_growth": 1.0}, ("balance_growth",)), "one of the two"),
    ):
        with pytest.raises(ValueError, match=said):
            frontier([CUTOFF], named([CUTOFF], (1,), (2,), (3,)), values, TWO, preferences=(wish,))


def test_the_worst_case_keeps_limits_in_every_world() -> None:
    _, limits = read_all(["max balance_growth"], ["ever90 <= 1 %"])
    values = worlds_of([[5, 1, 0.0], [1, 1, 0.0]], 3)
    values[:, :, 2] = [[0.001, 0.001, 0.02], [0.001, 0.001, 0.001]]  # means 0.7 % and 0.1 %
    found = frontier(
        [CUTOFF], named([CUTOFF], (1,), (2,)), values, AIMS, limits, preferences=(Preference({"balance_growth": 1}),)
    )
    assert {one.criterion: one.name for one in found.choices} == {"mean": "p1", "worst case": "p2", "regret": "p1"}


def test_failed_runs_leave_out_their_world_or_their_point() -> None:
    values = worlds_of([[n, 6 - n] for n in range(1, 6)], 6, own=0.1)
    values[0, 2] = np.nan
    found = frontier([CUTOFF, SIDE], FIVE, values, TWO)
    assert (found.n_worlds, found.n_worlds_dropped) == (5, 1)
    values[1] = np.nan
    found = frontier([CUTOFF, SIDE], FIVE, values, TWO)
    assert (found.strategies[1].standing, found.n_worlds) == (UNDEFINED, 5)
    values[:, :, 0] = np.nan
    assert "defined for no strategy" in frontier([CUTOFF, SIDE], FIVE, values, TWO).sentences()[0]


def test_settings_of_the_world_are_kept_in_every_resample() -> None:
    drawn = list(pareto.resamples(4, 3, 1, 50))
    assert all(sorted(place // 4 for place in one) == [0] * 4 + [1] * 4 + [2] * 4 for one in drawn)
    assert all((one[:4] == one[4:8] - 4).all() and (one[:4] == one[8:] - 8).all() for one in drawn)
    # p1 is best in the first setting, p2 in the second: no resample of the seeds takes one of the settings away.
    good = np.array([[[10.0]] * 3 + [[0.0]] * 3, [[4.0]] * 6])
    found = frontier([CUTOFF], named([CUTOFF], (1,), (2,)), good, AIMS[:1], n_settings=2)
    assert {one.criterion: (one.name, one.changes) for one in found.choices} == {
        "mean": ("p1", 0.0), "worst case": ("p2", 0.0), "regret": ("p1", 0.0),
    }  # fmt: skip


def test_one_world_has_no_probabilities() -> None:
    found = frontier([CUTOFF, SIDE], FIVE, worlds_of([[n, 6 - n] for n in range(1, 6)], 1), TWO)
    assert {one.probability for one in found.strategies} == {None}
    assert {one.changes for one in found.choices} == {None}
    assert "One world says nothing about chance" in found.sentences()[0]


def test_the_same_again_is_the_same_and_another_seed_is_near() -> None:
    values = worlds_of([[n, 6 - n] for n in range(1, 6)], 8, own=1.0)
    once, again, other = (frontier([CUTOFF, SIDE], FIVE, values, TWO, seed=seed) for seed in (1, 1, 2))
    assert once == again
    assert once.rows != other.rows
    for a, b in zip(once.strategies, other.strategies, strict=True):
        assert a.probability == pytest.approx(b.probability, abs=0.08)


def test_the_picture_numbers_the_frontier_and_no_label_lies_on_another() -> None:
    levers = [Factor("cutoff", "c", "lever", low=0.3, high=0.9), Factor("price", "p", "lever", low=3.0, high=9.0)]
    points = {f"p{n}": p for n, p in enumerate(latin_hypercube(levers, 24, 1))}
    means = [[1 - p["cutoff"], p["price"] / 9 - p["cutoff"], p["cutoff"] ** 2 / 50] for p in points.values()]
    found = frontier(levers, points, worlds_of(means, 6, own=0.01), AIMS)
    figure = pictures.draw(found)
    labels = [text for text in figure.axes[0].texts if text.get_text()]
    assert [text.get_text() for text in labels] == [str(n + 1) for n in range(len(found.efficient))]
    boxes = [text.get_window_extent() for text in labels]
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[place + 1 :])
    with pytest.raises(ValueError, match="needs two"):
        pictures.draw(frontier(levers, points, worlds_of(means, 3)[:, :, :1], AIMS[:1]))


def test_values_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="for 5 points and balance_growth, yield_risk_adjusted"):
        frontier([CUTOFF, SIDE], FIVE, np.zeros((5, 3, 3)), TWO)


def measured_of(plan, value):
    """Outcomes of a plan without running it: ``value`` gives the measures of a point and a seed."""
    outcomes = {
        (name, seed): Outcome(name, seed, measures := value(point, seed), {"ali": measures})
        for name, point in plan.points.items()
        for seed in plan.seeds
    }
    return Measured(tuple(plan.points), plan.seeds, outcomes)


STUDY = """
kind: frontier
scenario: {scenario}
world: {{weekly: {{key: merchants.demand.weekly_autocorrelation, values: [0.1, 0.5]}}}}
levers: {{cutoff: {{key: lenders.ali.scoring.cutoff, values: [0.5, 0.6, 0.7]}}}}
design: {{kind: {kind}{more}}}
seeds: 4
objectives: [max disbursed, min ever90]
constraints: [ever90 <= 6.5 %]
"""


def plan_of(folder, kind: str, more: str = ""):
    path = folder / "study.yaml"
    path.write_text(STUDY.format(scenario=TINY, kind=kind, more=more))
    return read_plan(path)


def test_a_study_crosses_its_strategies_with_the_settings_of_the_world(tmp_path) -> None:
    plan = plan_of(tmp_path, "grid")
    assert len(plan.points) == 6

    def value(point, seed):
        return {"disbursed": 100 * (1 - point["cutoff"]) + point["weekly"] + seed, "ever90": (1 - point["cutoff"]) / 7}

    found = analyse(plan, measured_of(plan, value))
    assert [(row["cutoff"], row["standing"]) for row in found.rows] == [(0.5, OVER), (0.6, ON), (0.7, ON)]
    assert found.rows[1]["disbursed"] == pytest.approx(40 + 0.3 + 2.5)
    assert set(found.rows[0]) >= {"point", "probability", "disbursed_low", "ever90_high"}
    assert found.pictures["frontier"].says == found.sentences[0]
    json.dumps([found.rows, found.more], allow_nan=False)


def test_a_study_whose_worlds_are_not_crossed_is_refused(tmp_path) -> None:
    with pytest.raises(ScenarioError, match="world factors must be crossed"):  # before the first run
        plan_of(tmp_path, "list", ", rows: [{cutoff: 0.5, weekly: 0.1}, {cutoff: 0.6, weekly: 0.5}]")


def test_strategies_meet_in_the_same_setting_whatever_the_order_of_the_list(tmp_path) -> None:
    by_setting = {0.5: (0.0, 13.0, 13.0), 0.6: (6.0, 6.0, 6.0), 0.7: (4.0, 9.0, 9.5)}  # the regrets by hand, above
    settings = (0.1, 0.3, 0.5)
    orders = {0.5: settings, 0.6: settings, 0.7: settings[::-1]}
    rows = ", ".join(f"{{cutoff: {c}, weekly: {w}}}" for c, order in orders.items() for w in order)
    path = tmp_path / "study.yaml"
    text = STUDY.format(scenario=TINY, kind="list", more=f", rows: [{rows}]").replace("[0.1, 0.5]", "[0.1, 0.3, 0.5]")
    path.write_text(text)
    plan = read_plan(path)

    def value(point, seed):
        return {"disbursed": by_setting[point["cutoff"]][settings.index(point["weekly"])], "ever90": 0.0}

    found = analyse(plan, measured_of(plan, value))
    chosen = {one["criterion"]: one["name"] for one in found.more["choices"]}
    cutoffs = {row["point"]: row["cutoff"] for row in found.rows}
    assert {criterion: cutoffs[name] for criterion, name in chosen.items()} == {
        "mean": 0.5, "worst case": 0.6, "regret": 0.7,
    }  # fmt: skip
