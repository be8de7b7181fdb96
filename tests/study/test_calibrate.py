"""Calibration: known parameters are found again, flat ones are named, luck is not taken for a fit."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from searched_market import HABIT, IDLE, SIZE, Market, Row, bands, figures, luck, number, product
from typer.testing import CliRunner

from sim.engine.scenario import load
from sim.errors import LendsimError
from sim.study.calibrate import calibrate
from sim.study.calibration import Calibration
from sim.study.distance import CENTRING, UNDEFINED, distance, measure_targets, misfit, misfits_of, target_task, told
from sim.study.factors import Factor
from sim.study.identify import FLAT, IDENTIFIED, ONE_SIDED, UNJUDGED, GridPoint, Profile, read_profile
from sim.study.misfit_intervals import excess_in_other_worlds, excess_in_the_same_worlds
from sim.study.runner import Job
from sim.study.search import MissingExtraError
from sim.study.search_runs import gap
from sim.study.targets import Target, Targets

TINY = Path(__file__).parents[2] / "scenarios" / "tiny.yaml"
SHORT = {"calendar.days": 30, "merchants.number": 200}


def target(**keys: Any) -> Target:
    return Target.model_validate({"figure": "disbursed", **keys})


def profile_of(found: Calibration, name: str) -> Profile:
    return next(profile for profile in found.profiles if profile.name == name)


@pytest.fixture(scope="module")
def found() -> Calibration:
    return calibrate(Market(figures), [SIZE, HABIT, IDLE], bands(), seeds=range(1, 7), held_out=10, trials=48)


@pytest.mark.parametrize(
    ("band", "value", "far"),
    [
        ({"low": 10, "high": 20}, 15, 0.0),
        ({"low": 10, "high": 20}, 20, 0.0),
        ({"low": 10, "high": 20}, 25, 1.0),  # a half-width, 5, above
        ({"low": 10, "high": 20}, 0, 2.0),
        ({"low": 200}, 180, 1.0),  # a tenth of the end, 20, below
        ({"low": 200}, 1e9, 0.0),
        ({"low": 0, "high": 0}, 3, 3.0),  # an end at zero: one unit
        ({"high": 50}, 60, 2.0),
        ({"low": 10, "high": 20}, 1e9, UNDEFINED),
        ({"low": 10, "high": 20}, None, UNDEFINED),
        ({"low": 10, "high": 20}, math.nan, UNDEFINED),
    ],
)
def test_distances_worked_out_by_hand(band: Mapping[str, float], value: float | None, far: float) -> None:
    assert distance(target(**band), value) == pytest.approx(far)


def test_a_date_is_measured_in_days() -> None:
    day = target(figure="first_day_of_interest", amount=1.0, low="2012-06-01", high="2012-06-11")
    assert distance(day, (date(2012, 6, 21) - date(1970, 1, 1)).days) == pytest.approx(2.0)


def test_a_hard_target_weighs_as_three_soft_ones() -> None:
    file = bands(size=100, habit=0.5, width=0.1)  # T1 hard, 90,000 to 110,000; T2 soft, 0.45 to 0.55
    assert misfit(file, {"T1": 120_000, "T2": 0.5}) == pytest.approx(3 * math.log(2))
    assert misfit(file, {"T1": 100_000, "T2": 0.6}) == pytest.approx(math.log(2))
    assert misfit(file, {"T1": 101_000, "T2": 0.5}) == 0.0
    assert told(file, {"T1": 101_000, "T2": 0.5}) > told(file, {"T1": 100_000, "T2": 0.5})


def one_target(high: float = 100.0) -> Targets:
    """At most 100: the misfit of a mean m above is log(1 + (m - 100) / 10)."""
    return Targets.model_validate({"targets": {"T1": {"figure": "disbursed", "high": high}}})


def rows_of(*values: float) -> list[Row]:
    return [{"T1": value} for value in values]


def test_the_interval_of_a_misfit_is_that_of_students_mean() -> None:
    """Far outside, the misfit rises with the mean, so that its interval ends where the mean's does: 150 -+ t s / 2."""
    same = excess_in_the_same_worlds(one_target(), rows_of(140, 145, 155, 160), rows_of(50, 50, 50, 50), 1)
    half = 3.182446 * math.sqrt((100 + 25 + 25 + 100) / 3) / 2
    assert same.difference == pytest.approx(math.log(6))
    assert same.low == pytest.approx(math.log(1 + (50 - half) / 10), abs=0.03)
    assert same.high == pytest.approx(math.log(1 + (50 + half) / 10), abs=0.03)
    other = excess_in_other_worlds(one_target(), rows_of(140, 145, 155, 160), rows_of(50, 50), 1)
    assert (other.low, other.high) == pytest.approx((same.low, same.high), abs=1e-9)


def test_luck_common_to_two_sets_cancels() -> None:
    """Each world moves both by the same 40: paired, 310 is clearly farther off than 300; unpaired it is not."""
    one, other = rows_of(350, 270, 330, 290), rows_of(340, 260, 320, 280)
    assert excess_in_the_same_worlds(one_target(), one, other, 1).is_clear
    assert not excess_in_other_worlds(one_target(), one, other, 1).is_clear


def test_a_set_off_by_less_than_luck_is_as_good() -> None:
    """The mean of 105 is half a yardstick outside; the worlds say that it may well lie inside. One of 250 may not."""
    best = rows_of(60, 140, 80, 100)
    near = excess_in_the_same_worlds(one_target(), rows_of(70, 150, 140, 60), best, 1)
    far = excess_in_the_same_worlds(one_target(), rows_of(250, 251, 249, 250), best, 1)
    points = [
        GridPoint(unit, SIZE.at(unit), excess.difference or 0.0, excess) for unit, excess in ((0.2, far), (0.8, near))
    ]
    assert (near.difference or 0) > 0
    assert [point.is_as_good for point in points] == [False, True]
    found = read_profile(SIZE, 0.5, points)
    assert (found.status, found.low, found.high) == (ONE_SIDED, SIZE.at(0.2), None)
    assert read_profile(SIZE, 0.1, points).status == ONE_SIDED


def test_runs_that_failed_are_left_out_of_intervals() -> None:
    whole = excess_in_the_same_worlds(one_target(), rows_of(150, 160, 170), rows_of(120, 130, 120), 1)
    torn = excess_in_the_same_worlds(
        one_target(), [None, *rows_of(150, 160, 170), {"T1": 1e9}], [{"T1": 5.0}, *rows_of(120, 130, 120), None], 1
    )
    assert torn == whole
    assert excess_in_the_same_worlds(one_target(), [None], rows_of(1), 1).difference is None
    assert excess_in_the_same_worlds(one_target(), rows_of(150), rows_of(50), 1).low is None


def test_many_misfits_at_once_are_those_of_each() -> None:
    file = bands(size=100, habit=0.5, width=0.1)
    table = np.array([[120_000, 0.5], [100_000, 0.9], [np.nan, 0.2], [91_000, 0.46]])
    one_by_one = [dict(zip(file.targets, row, strict=True)) for row in table.tolist()]
    assert misfits_of(file, table) == pytest.approx([misfit(file, one) for one in one_by_one])
    assert misfits_of(file, table, CENTRING) == pytest.approx([told(file, one) for one in one_by_one])


def test_unpaired_intervals_agree_with_scipy() -> None:
    from scipy import stats

    a, b = [1.0, 2.5, 3.0, 7.0], [0.5, 0.25, 1.0, 0.0, 2.0, 0.75]
    interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    got = gap(a, b)
    assert (got.low, got.high) == pytest.approx((interval.low, interval.high))
    assert gap([1.0], b).low is None


def test_known_parameters_are_found_again_within_their_intervals(found: Calibration) -> None:
    assert found.misfit_fit == 0.0 < found.misfit_base
    for name, true in (("size", 500.0), ("habit", 0.5)):
        one = profile_of(found, name)
        assert one.status == IDENTIFIED
        low, high = number(one.low, 0.0), number(one.high, 0.0)
        assert low < true < high
        assert high - low < 0.5 * true  # an interval that holds everything would find everything
        assert number(found.best[name], 0.0) == pytest.approx(true, rel=0.07)  # the band is 5 % wide, the luck 1 %


def test_a_parameter_that_no_target_tells_is_named(found: Calibration) -> None:
    assert profile_of(found, "idle").status == FLAT
    assert (profile_of(found, "idle").low, profile_of(found, "idle").high) == (None, None)
    assert "Not identified: idle" in found.verdict()


def test_parameters_that_make_up_for_one_another_are_not_told_singly() -> None:
    """Size times habit is 250: the profile must follow the ridge from 278 (with habit 0.9) to 900 (with 0.28)."""
    found = calibrate(Market(product), [SIZE, HABIT], bands(size=250), seeds=range(1, 7), trials=48)
    size = profile_of(found, "size")
    assert size.status == ONE_SIDED
    assert size.high is None
    assert number(size.low, 0.0) == pytest.approx(278, abs=40)


def test_values_are_profiled_by_each() -> None:
    habits = Factor("habit", HABIT.key, "world", (0.1, 0.3, 0.5, 0.7))
    found = calibrate(Market(figures), [SIZE, habits], bands(), seeds=range(1, 5), trials=32)
    assert found.best["habit"] == 0.5
    assert profile_of(found, "habit").as_good == (0.5,)
    assert profile_of(found, "habit").status == IDENTIFIED


def test_a_parameter_pressed_against_its_range_is_named() -> None:
    small = Factor("size", SIZE.key, "world", low=100.0, high=300.0, unit=" yuan")
    found = calibrate(Market(figures), [small, HABIT], bands(), seeds=range(1, 5), trials=32)
    assert profile_of(found, "size").end == "high"
    assert "At an end of its range lies size (its high end)" in found.verdict()
    assert found.misfit_fit > 0
    assert "outside are T1" in found.verdict()


def overfitted(point: Mapping[str, Any], seed: int) -> Row:
    """Seven keys to seven fitting worlds: each set of parameters has luck of its own in worlds 1 to 8, none beyond."""
    own = luck(seed, repr(sorted(point.items())), 0.2) if seed <= 8 else 0.6
    return {"T1": 500_000.0 * (1 + own), "T2": 0.5}


def test_a_fit_to_luck_is_called_overfitted() -> None:
    found = calibrate(Market(overfitted), [SIZE, HABIT], bands(), seeds=range(1, 9), trials=48, grid=0)
    assert found.misfit_fit < 0.2 < found.misfit_held_out
    assert found.overfit.is_clear
    assert (found.overfit.difference or 0) > 0
    assert "overfitted" in found.verdict()
    assert "missed in the held-out ones: T1" in found.verdict()


def test_an_honest_fit_is_not_called_overfitted(found: Calibration) -> None:
    assert not found.overfit.is_clear
    assert "no overfitting is told apart from chance" in found.verdict()
    assert (found.gain.high or 0) < 0  # better than the scenario as it stands, in worlds it has not seen


def test_the_same_seed_searches_the_same_way_and_runs_nothing_twice() -> None:
    markets = [Market(figures) for _ in range(3)]
    same, again, other = (
        calibrate(market, [SIZE, HABIT], bands(), seeds=[1, 2], trials=20, seed=seed)
        for market, seed in zip(markets, (5, 5, 6), strict=True)
    )
    assert markets[0].asked == markets[1].asked
    assert json.dumps(same.as_dict()) == json.dumps(again.as_dict())
    assert markets[2].asked != markets[0].asked
    assert same.sampler_seed != other.sampler_seed
    assert len(set(markets[0].asked)) == len(markets[0].asked) == same.n_runs


def test_what_failed_is_far_off_and_counted() -> None:
    def fails(point: Mapping[str, Any], seed: int) -> Row:
        return None if number(point.get(SIZE.key), 200.0) > 600 else figures(point, seed)

    found = calibrate(Market(fails), [SIZE, HABIT], bands(), seeds=[1, 2, 3], trials=32, grid=0)
    assert found.n_failed > 0
    assert f"{found.n_failed} of the 32 sets had a run that failed" in found.verdict()
    assert found.misfit_fit < 0.5


def test_one_world_judges_nothing() -> None:
    found = calibrate(Market(figures), [SIZE, HABIT], bands(), seeds=[1], trials=20)
    assert {profile.status for profile in found.profiles} == {UNJUDGED}
    assert found.overfit.low is None
    assert "cannot be said from fewer than two worlds" in found.verdict()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"factors": []}, "at least one factor"),
        ({"factors": [SIZE, SIZE]}, "two factors have the name 'size'"),
        ({"seeds": []}, "at least one world"),
        ({"seeds": [1, 1]}, "counts once"),
        ({"held_out": [2, 9]}, "has seen the world of seed 2"),
        ({"held_out": 1}, "at least 2 are needed"),
        ({"trials": 0}, "at least 1"),
        ({"grid": 2}, "at least 3"),
    ],
)
def test_what_is_no_search_is_refused(change: Mapping[str, Any], said: str) -> None:
    asked: dict[str, Any] = {"factors": [SIZE], "seeds": [1, 2], "held_out": 5, "trials": 4, **change}
    factors = asked.pop("factors")
    with pytest.raises(ValueError, match=said):
        calibrate(Market(figures), factors, bands(), **asked)


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lendsim\[study\]'"):
        calibrate(Market(figures), [SIZE], bands(), seeds=[1, 2], trials=4)


def test_the_overlay_is_the_calibrated_scenario(tmp_path: Path) -> None:
    found = calibrate(
        Market(figures), [SIZE, HABIT], bands(), seeds=[1, 2], trials=8, grid=3, scenario=TINY,
        settings={"calendar.days": 40, "lenders.ali.scoring.cutoff": 0.8},
    )  # fmt: skip
    path = found.save(tmp_path)
    names = {"calibration.json", "calibrated.yaml", "tiny_resolved.yaml", "distances.svg", "profiles.svg", "search.svg"}
    assert {file.name for file in tmp_path.iterdir()} == names
    meant = load(TINY, {"calendar.days": 40, "lenders.ali.scoring.cutoff": 0.8, **found.overrides})
    assert load(tmp_path / "calibrated.yaml").hash == meant.hash != load(TINY).hash
    assert json.loads(path.read_text())["summary"]["best"] == dict(found.best)
    first = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    found.save(tmp_path)
    assert first == {file.name: file.read_bytes() for file in tmp_path.iterdir()}


def test_a_run_answers_by_target_at_full_scale() -> None:
    file = Targets.model_validate(
        {
            "targets": {
                "paid": {"figure": "disbursed", "low": 1},
                "first": {"figure": "first_day_of_interest", "amount": "1 yuan", "low": "2012-01-01"},
            }
        }
    )
    task, mark = target_task(file)
    scenario = load(TINY, {**SHORT, "scale": 0.5})
    outcome = task(Job("tiny", scenario, 3))
    assert outcome.summary is not None
    import sim

    run = sim.simulate(scenario, seed=3)
    assert outcome.summary["paid"] == pytest.approx(run.summary["disbursed"] / 0.5)
    assert date(1970, 1, 1).toordinal() + (outcome.summary["first"] or 0) >= date(2012, 2, 15).toordinal()
    moved = file.model_copy(update={"targets": {**file.targets, "paid": target(low=5)}})
    assert target_task(moved)[1] == mark  # a band moved needs no run again
    other = file.model_copy(update={"targets": {**file.targets, "paid": target(figure="balance_end", low=1)}})
    assert target_task(other)[1] != mark
    assert measure_targets.__module__ == "sim.study.distance"  # workers find it by name


def test_the_command_calibrates_and_goes_on(tmp_path: Path) -> None:
    """Once on a real market, small: the second time nothing is run again, and the answer is the same."""
    import typer

    from sim.app.commands.search import calibrate as command

    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    file = tmp_path / "targets.yaml"
    file.write_text("targets:\n  T1: {figure: disbursed, low: 100000 yuan, high: 150000 yuan}\n")
    words = [
        str(TINY), str(file), "--vary", "merchants.borrowing.habit_mean=0.1..0.6", "--trials", "4", "--seeds", "2",
        "--held-out", "2", "--no-profile", "--set", "calendar.days=30", "--set", "merchants.number=200",
        "--workers", "1", "--out", str(tmp_path / "out"), "--json",
    ]  # fmt: skip
    first = CliRunner().invoke(app, words)
    assert first.exit_code == 0, first.output
    records = (tmp_path / "out" / "records.jsonl").read_bytes()
    second = CliRunner().invoke(app, words)
    assert second.stdout == first.stdout
    assert (tmp_path / "out" / "records.jsonl").read_bytes() == records
    said = json.loads(first.stdout)
    assert said["summary"]["search"]["runs"] == len(records.splitlines()) == (1 + 4) * 2 + 2 * 2
    assert load(tmp_path / "out" / "calibrated.yaml").merchants.number == 200


def test_runs_that_fail_are_no_misfit_and_no_overfitting() -> None:
    """Half of the held-out runs fail: what is said rests on the others. All fail: nothing is said."""

    def fails(point: Mapping[str, Any], seed: int) -> Row:
        return None if seed in broken else figures(point, seed)

    broken = {7, 8}
    found = calibrate(Market(fails), [SIZE, HABIT], bands(), seeds=range(1, 5), held_out=[5, 6, 7, 8], trials=32)
    assert found.n_unjudged == 4
    assert found.misfit_held_out == 0.0
    assert not found.overfit.is_clear
    assert "4 of the 8 held-out runs failed" in found.verdict()
    assert found.targets[0].held_out.n == 2
    broken = {5, 6, 7, 8}
    with pytest.raises(LendsimError, match="every run failed"):
        calibrate(Market(fails), [SIZE, HABIT], bands(), seeds=range(1, 5), held_out=[5, 6, 7, 8], trials=8, grid=0)


def test_a_value_whose_runs_failed_is_not_told_apart_by_that() -> None:
    """Sizes above 600 cannot be run: that is no reason to believe that the targets tell the size."""

    def fails(point: Mapping[str, Any], seed: int) -> Row:
        return None if number(point.get(SIZE.key), 200.0) > 600 else figures(point, seed)

    found = calibrate(Market(fails), [SIZE, HABIT], bands(), seeds=range(1, 5), trials=32)
    assert profile_of(found, "size").status == UNJUDGED
    assert profile_of(found, "habit").status == IDENTIFIED
    assert "size is not judged: runs of their profiles failed" in found.verdict()
