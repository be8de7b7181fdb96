"""Sensitivities, against functions whose answers are known, and against the luck of worlds."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from sim.study import designs, pictures
from sim.study.designs import Factor
from sim.study.findings import Measured
from sim.study.plan import read_plan
from sim.study.runner import Outcome
from sim.study.salib import morris, sobol
from sim.study.sensitivity import analyse, tornado

LINEAR = (
    Factor("a", "k.a", "world", low=0.0, high=2.0),
    Factor("b", "k.b", "lever", values=(1, 2)),
    Factor("c", "k.c", "lever", values=("1 %", "2 %", "3 %")),
    Factor("d", "k.d", "world", low=1, high=9, is_whole=True),
    Factor("idle", "k.idle", "lever", low=0.0, high=1.0),
)
#: What going over the whole range of each changes, by hand: 3 x 2, -5 x 1, 2 x 2, 0.5 x 8, nothing.
WHOLE = {"a": 6.0, "b": -5.0, "c": 4.0, "d": 4.0, "idle": 0.0}


def linear(point) -> float:
    return 3 * point["a"] - 5 * point["b"] + 2 * LINEAR[2].number(point["c"]) + 0.5 * point["d"]


def in_worlds(values, n_worlds: int, common: float, own: float, seed: int = 1):
    """Give each value in worlds with a luck that all points share and one that none shares."""
    dice = np.random.default_rng(seed)
    luck = dice.normal(0, common, (1, n_worlds)) + dice.normal(0, own, (len(values), n_worlds))
    return np.asarray(values, float)[:, None] + luck


def ishigami(point) -> float:
    return math.sin(point["x"]) + 7 * math.sin(point["y"]) ** 2 + 0.1 * point["z"] ** 4 * math.sin(point["x"])


ANGLES = tuple(Factor(name, name, "world", low=-math.pi, high=math.pi) for name in "xyz")


def test_a_tornado_takes_the_luck_of_the_world_out() -> None:
    base = {"a": 1.0, "b": 1, "c": "2 %", "d": 5, "idle": 0.5}
    points = designs.one_at_a_time(LINEAR, base)
    found = tornado(LINEAR, points, in_worlds([linear(p) for p in points], 6, common=1000.0, own=0.0), "some")
    got = {(one.factor, one.written): one.paired.difference for one in found.effects}
    wanted = {("a", 0.0): -3, ("a", 2.0): 3, ("b", 2): -5, ("c", "1 %"): -2, ("c", "3 %"): 2, ("d", 1): -2, ("d", 9): 2}
    assert got == pytest.approx({**wanted, ("idle", 0.0): 0, ("idle", 1.0): 0}, abs=1e-9)
    assert found.factors[:2] == ("b", "a")
    assert "moved most by b" in found.sentence()


def test_a_tornado_says_what_is_not_told_apart_from_chance() -> None:
    points = designs.one_at_a_time(LINEAR[1:], {"b": 1, "c": "2 %", "d": 5, "idle": 0.5})
    outcomes = in_worlds([linear({"a": 0, **p}) for p in points], 8, common=5.0, own=0.3)
    found = tornado(LINEAR[1:], points, outcomes, "npl90")
    row = next(row for row in found.rows if row["factor"] == "b")
    assert row["low"] < -5 < row["high"]
    assert "Not told apart from chance: idle" in found.sentence()


def test_a_failed_run_costs_a_tornado_only_its_pair() -> None:
    points = designs.one_at_a_time(LINEAR[1:2], {"b": 1})
    found = tornado(LINEAR[1:2], points, np.array([[1.0, 2.0, 3.0], [2.0, np.nan, 4.0]]), "some")
    assert (found.effects[0].paired.n, found.effects[0].paired.difference) == (2, 1.0)


def test_morris_finds_the_slopes_of_a_plane_whatever_kind_the_factors_are() -> None:
    sampling = designs.morris(LINEAR, 10, 5)
    values = [linear(p) for p in sampling.points]
    found = morris(LINEAR, sampling, in_worlds(values, 3, common=100.0, own=0.0), "some")
    for one in found.screenings:
        assert one.mu == pytest.approx(WHOLE[one.factor], abs=1e-3)
        assert one.mu_star == pytest.approx(abs(WHOLE[one.factor]), abs=1e-3)
        assert one.sigma == pytest.approx(0, abs=1e-3)
        assert one.by_world.mean == pytest.approx(one.mu_star, abs=1e-6)
        assert one.noise == pytest.approx(0, abs=1e-6)
    assert [one.factor for one in found.screenings][:2] == ["a", "b"]
    assert found.screenings[-1].factor == "idle"


def test_morris_does_not_take_luck_for_an_effect() -> None:
    trials, taken = 40, 0
    for seed in range(trials):
        sampling = designs.morris(LINEAR, 8, seed)
        outcomes = in_worlds([linear(p) for p in sampling.points], 5, common=3.0, own=1.0, seed=seed)
        found = {one.factor: one for one in morris(LINEAR, sampling, outcomes, "some").screenings}
        assert all(found[name].is_clear for name in "abcd")
        taken += found["idle"].is_clear
    # An idle factor seems to matter in at most a few of a hundred.
    assert taken <= 6
    # What luck gives it is foretold: the mean size of a normal error.
    assert found["idle"].noise == pytest.approx(math.sqrt(2 / math.pi) * math.sqrt(2 / 5) * 1.5, rel=0.4)


def test_morris_sees_bends_and_interactions() -> None:
    factors = LINEAR[:1] + LINEAR[4:]
    sampling = designs.morris(factors, 20, 2)
    values = [p["a"] * p["idle"] for p in sampling.points]
    found = {one.factor: one for one in morris(factors, sampling, np.array(values)[:, None], "some").screenings}
    assert found["a"].sigma > 0.3
    assert found["a"].noise is None  # one world says nothing of luck
    assert not found["a"].is_clear


def test_a_trajectory_with_a_run_that_failed_everywhere_is_left_out() -> None:
    sampling = designs.morris(LINEAR, 10, 5)
    outcomes = in_worlds([linear(p) for p in sampling.points], 3, common=1.0, own=0.0)
    outcomes[sampling.place[0]] = np.nan
    n_lost = int((sampling.place.reshape(10, 6) == sampling.place[0]).any(axis=1).sum())
    outcomes[sampling.place[-1], 0] = np.nan  # one world of the last: the others stand for it
    found = morris(LINEAR, sampling, outcomes, "some")
    assert (found.n_trajectories, found.n_dropped) == (10 - n_lost, n_lost)
    assert next(one.mu for one in found.screenings if one.factor == "b") == pytest.approx(-5)
    with pytest.raises(ValueError, match="some: 0 trajectories without a failed run"):
        morris(LINEAR, sampling, np.full_like(outcomes, np.nan), "some")


def test_sobol_finds_the_shares_of_ishigami() -> None:
    # Exact by integration, a = 7, b = 0.1 (Ishigami and Homma 1990).
    first, total = {"x": 0.3139, "y": 0.4424, "z": 0.0}, {"x": 0.5576, "y": 0.4424, "z": 0.2437}
    sampling = designs.saltelli(ANGLES, 1024, 1)
    found = sobol(ANGLES, sampling, np.array([ishigami(p) for p in sampling.points])[:, None], "some")
    for one in found.shares:
        assert one.first == pytest.approx(first[one.factor], abs=0.03)
        assert one.total == pytest.approx(total[one.factor], abs=0.03)
        assert one.first_low < first[one.factor] < one.first_high
        assert one.total_low < total[one.factor] < one.total_high
    assert (found.noise_share, found.luck_share) == (None, None)
    assert found.shares[0].factor == "x"


def test_sobol_names_the_share_of_luck() -> None:
    factors = LINEAR[:1] + LINEAR[4:]
    sampling = designs.saltelli(factors, 256, 1)
    values = [p["a"] for p in sampling.points]  # variance 4 / 12
    found = sobol(factors, sampling, in_worlds(values, 4, common=1.0, own=0.5), "some")
    noise, signal = 0.25 / 4, 4 / 12
    assert found.noise_share == pytest.approx(noise / (signal + noise), abs=0.04)
    idle = next(one for one in found.shares if one.factor == "idle")
    # Luck that no two runs share looks like interaction of every factor, and no larger than was told.
    assert idle.total == pytest.approx(found.noise_share, abs=0.05)
    assert "idle" in found.sentence().partition("Not told apart from chance: ")[2]
    assert found.luck_share is not None
    assert found.luck_share > 0.25 / (0.25 + signal)


def test_sobol_of_what_does_not_vary() -> None:
    sampling = designs.saltelli(ANGLES, 8, 1)
    found = sobol(ANGLES, sampling, np.zeros((len(sampling.points), 2)), "ever90")
    assert found.shares == ()
    assert "does not vary" in found.sentence()


def test_too_few_base_samples_are_called_so() -> None:
    sampling = designs.saltelli(ANGLES, 8, 1)
    found = sobol(ANGLES, sampling, np.array([[ishigami(p)] * 2 for p in sampling.points]), "npl90")
    assert "neither shares nor intervals are to be trusted" in found.sentence()


def test_outcomes_must_be_those_of_the_points() -> None:
    sampling = designs.saltelli(ANGLES, 8, 1)
    with pytest.raises(ValueError, match="a row for each point"):
        sobol(ANGLES, sampling, np.zeros((3, 2)), "some")


def test_the_same_again_is_the_same_to_the_bit() -> None:
    sampling = designs.morris(LINEAR, 6, 5)
    outcomes = in_worlds([linear(p) for p in sampling.points], 3, common=1.0, own=0.5)
    assert morris(LINEAR, sampling, outcomes, "npl90").rows == morris(LINEAR, sampling, outcomes, "npl90").rows


def test_pictures_show_every_factor_and_no_label_lies_on_another() -> None:
    sampling = designs.morris(LINEAR, 6, 5)
    outcomes = in_worlds([linear(p) for p in sampling.points], 3, common=1.0, own=0.5)
    figure = pictures.draw(morris(LINEAR, sampling, outcomes, "npl90"))
    labels = [text for text in figure.axes[0].texts if text.get_text()]
    assert sorted(text.get_text() for text in labels) == ["a", "b", "c", "d", "idle"]
    boxes = [text.get_window_extent() for text in labels]
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[place + 1 :])
    points = designs.one_at_a_time(LINEAR, {"a": 1.0, "b": 1, "c": "2 %", "d": 5, "idle": 0.5})
    figure = pictures.draw(tornado(LINEAR, points, in_worlds([linear(p) for p in points], 4, 1.0, 0.3), "npl90"))
    assert {"a", "b", "c", "d", "idle"} <= {text.get_text() for text in figure.axes[0].texts}


@pytest.mark.parametrize("design", ["one_at_a_time", "morris, trajectories: 4", "sobol_indices, points: 8"])
def test_a_study_tells_of_every_measure_with_rows_words_and_a_picture(tmp_path, design: str) -> None:
    tiny = Path(__file__).parents[2] / "scenarios" / "tiny.yaml"
    levers = "{cutoff: {key: lenders.ali.scoring.cutoff, low: 0.5, high: 0.7}}"
    weekly = "{weekly: {key: merchants.demand.weekly_autocorrelation, low: 0.1, high: 0.5}}"
    path = tmp_path / "study.yaml"
    path.write_text(
        f"kind: sensitivity\nscenario: {tiny}\nlevers: {levers}\nworld: {weekly}\nseeds: 3\n"
        f"measures: [disbursed, ever90]\ndesign: {{kind: {design}}}\n"
    )
    plan = read_plan(path)
    dice = np.random.default_rng(1)
    outcomes = {}
    for name, point in plan.points.items():
        for seed in plan.seeds:
            lent = 1e6 * (1 - point.get("cutoff", 0.6)) + 1e3 * seed + dice.normal(0, 100)
            measures = {"disbursed": lent, "ever90": 0.0}
            outcomes[name, seed] = Outcome(name, seed, measures, {"ali": measures})
    found = analyse(plan, Measured(tuple(plan.points), plan.seeds, outcomes))
    assert {row["measure"] for row in found.rows} >= {"disbursed"}
    assert len(found.sentences) == len(found.pictures) == 2
    assert "cutoff" in found.sentences[0].partition("Not told apart")[0]
    json.dumps([found.rows, found.more], allow_nan=False)


def test_labels_of_crowded_points_make_room_for_each_other() -> None:
    dice = np.random.default_rng(1)
    points = [(float(x), float(y)) for x, y in dice.normal(0.5, 0.03, (12, 2))]
    with pictures.sheet(6, 4) as figure:
        axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        axes.set(xlim=(0, 1), ylim=(0, 1))
        pictures.place_labels(axes, points, [f"label {n}" for n in range(12)])
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
    assert len(boxes) == 12
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[place + 1 :])
