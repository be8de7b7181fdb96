"""Optimisation: the best is found, luck is not taken for skill, constraints bind, words are read or refused."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from searched_market import CUTOFF, PRICE, Market, Row, lending, luck, nothing_helps, number
from typer.testing import CliRunner

from sim.engine.scenario import load
from sim.errors import LendsimError
from sim.study.factors import Factor
from sim.study.front import centrality, nondominated, spread_out
from sim.study.objectives import measure_named, policy_task, read_all, read_constraint, read_objective
from sim.study.optimise import optimise
from sim.study.optimum import Optimisation
from sim.study.runner import Job

TINY = Path(__file__).parents[2] / "scenarios" / "tiny.yaml"
LEVERS = [PRICE, CUTOFF]


@pytest.fixture(scope="module")
def two() -> Optimisation:
    return optimise(
        Market(lending), LEVERS, ["max disbursed", "max yield_risk_adjusted"], ["ever90 <= 0.5 %"],
        seeds=range(1, 7), fresh=20, trials=64,
    )  # fmt: skip


def test_the_best_price_is_found_and_its_gain_is_true() -> None:
    """The yield is 20 % at 0.05 %/day and 18.4 % at the 0.03 %/day of the scenario as it stands."""
    found = optimise(Market(lending), LEVERS, ["max yield_risk_adjusted"], seeds=range(1, 7), fresh=20, trials=48)
    assert found.chosen is not None
    assert number(found.chosen.values["price"], 0.0) == pytest.approx(0.05, abs=0.004)
    gain = found.chosen.answers["yield_risk_adjusted"].gain
    assert gain.is_clear
    assert gain.low is not None
    assert gain.high is not None
    assert gain.low < 0.016 < gain.high
    assert "it is better in risk-adjusted yield" in found.verdict()
    assert "gain" in found.pictures()
    assert "front" not in found.pictures()


def test_levers_that_do_nothing_improve_nothing() -> None:
    """The best of 48 looked better by its luck; fresh worlds see through it."""
    found = optimise(Market(nothing_helps), LEVERS, ["max disbursed"], seeds=range(1, 7), fresh=20, trials=48)
    assert found.chosen is not None
    answer = found.chosen.answers["disbursed"]
    assert not answer.gain.is_clear
    assert "no improvement is told apart from chance" in found.verdict()
    assert (answer.drop.difference or 0) > 0


def test_a_promise_that_was_luck_is_called_so() -> None:
    """Each point has luck of its own in the six worlds of the search, and none in fresh ones."""

    def lucky(point: Mapping[str, Any], seed: int) -> Row:
        own = luck(0, repr(sorted(point.items())), 0.2) + luck(seed, repr(point), 0.01) if seed <= 6 and point else 0.0
        return {"disbursed": 1e8 * (1 + own + luck(seed, "world", 0.3))}

    found = optimise(Market(lucky), LEVERS, ["max disbursed"], seeds=range(1, 7), fresh=10, trials=40)
    assert found.chosen is not None
    drop = found.chosen.answers["disbursed"].drop
    assert drop.is_clear
    assert (drop.low or 0) > 0
    assert "had looked better than it is" in found.verdict()


def test_the_drop_of_a_minimum_has_its_own_sign() -> None:
    def lucky(point: Mapping[str, Any], seed: int) -> Row:
        own = luck(0, repr(sorted(point.items())), 0.2) if seed <= 6 and point else 0.0
        return {"npl90": 0.05 * (2 + own + luck(seed, "w", 0.1))}

    found = optimise(Market(lucky), LEVERS, ["min npl90"], seeds=range(1, 7), fresh=10, trials=40)
    assert found.chosen is not None
    assert (found.chosen.answers["npl90"].drop.low or 0) > 0
    assert found.chosen.answers["npl90"].search.mean == min(one.means["npl90"] for one in found.history if one.means)


def test_all_points_see_the_same_worlds_and_fresh_ones_are_fresh() -> None:
    market = Market(lending)
    found = optimise(market, LEVERS, ["max disbursed"], seeds=[3, 1, 8], fresh=5, trials=16)
    of_search = {point: {s for p, s in market.asked if p == point and s in (3, 1, 8)} for point, _ in market.asked}
    assert all(seeds == {3, 1, 8} for seeds in of_search.values())
    assert found.fresh == (9, 10, 11, 12, 13)
    assert {seed for _, seed in market.asked} == {3, 1, 8, *found.fresh}


def test_the_front_holds_what_no_other_beats(two: Optimisation) -> None:
    assert len(two.front) >= 3
    for one in two.front:
        for other in two.candidates:
            if other.is_feasible:
                mine, theirs = (
                    [c.answers[aim.measure].fresh.mean or 0 for aim in two.objectives] for c in (one, other)
                )
                assert not all(their > my for my, their in zip(mine, theirs, strict=True))  # both are maximised
    assert {row["chosen"] for row in two.rows} == {True, False}
    assert two.rows[0]["chosen"]
    for row in two.rows:
        assert row["disbursed_low"] < row["disbursed"] < row["disbursed_high"]


def test_constraints_hold_for_what_is_chosen(two: Optimisation) -> None:
    assert two.chosen is not None
    assert (two.chosen.answers["ever90"].fresh.mean or 1) <= 0.005
    assert all(one.is_feasible for one in two.front)
    cheap = [one for one in two.history if one.means and one.means["ever90"] > 0.005]
    assert cheap
    assert not any(one.is_feasible for one in cheap)
    without = optimise(Market(lending), LEVERS, ["max disbursed"], seeds=range(1, 7), trials=48)
    bound = optimise(Market(lending), LEVERS, ["max disbursed"], ["ever90 <= 0.5 %"], seeds=range(1, 7), trials=48)
    assert without.chosen is not None
    assert bound.chosen is not None
    assert (without.chosen.answers["disbursed"].fresh.mean or 0) > (bound.chosen.answers["disbursed"].fresh.mean or 0)


def test_the_preference_moves_the_choice() -> None:
    chosen = []
    for preference in ({"disbursed": 1.0}, {"yield_risk_adjusted": 1.0}):
        found = optimise(
            Market(lending), LEVERS, ["max disbursed", "max yield_risk_adjusted"],
            seeds=range(1, 5), trials=48, preference=preference,
        )  # fmt: skip
        assert found.chosen is not None
        chosen.append(number(found.chosen.values["price"], 0.0))
    assert chosen[0] < 0.03 < 0.045 < chosen[1]  # the cheapest lends most, 0.05 %/day yields most


def test_where_nothing_is_feasible_the_nearest_is_named() -> None:
    found = optimise(Market(lending), LEVERS, ["max disbursed"], ["ever90 <= 0.0001 %"], seeds=[1, 2, 3], trials=24)
    assert found.chosen is None
    assert found.files() == {}
    assert "No point meets all constraints; the nearest is" in found.verdict()
    nearest = min((one for one in found.history if one.means), key=lambda one: one.violations)
    assert dict(found.candidates[0].values) == dict(nearest.values)


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_the_same_seed_searches_the_same_way(sampler: Literal["tpe", "nsga2"]) -> None:
    def search(seed: int) -> tuple[list[tuple[str, int]], str]:
        market = Market(lending)
        found = optimise(
            market, LEVERS, ["max disbursed", "min ever90"], ["yield_risk_adjusted >= 15 %"],
            seeds=[1, 2], trials=40, seed=seed, sampler=sampler,
        )  # fmt: skip
        assert len(set(market.asked)) == len(market.asked) == found.n_runs
        return market.asked, json.dumps(found.as_dict())

    assert search(4) == search(4)
    assert search(4)[0] != search(5)[0]


def test_a_search_beats_as_many_points_drawn_at_random() -> None:
    """Not by luck: the mean over ten searches against that of ten draws of 40."""

    def peak(point: Mapping[str, Any], seed: int) -> Row:
        x, y = number(point.get(PRICE.key), 0.03), number(point.get(CUTOFF.key), 0.7)
        return {"profit": -(((x - 0.031) / 0.06) ** 2) - ((y - 0.61) / 0.45) ** 2}

    def best(history: list[float]) -> float:
        return max(history)

    searched, drawn = [], []
    for seed in range(10):
        found = optimise(Market(peak), LEVERS, ["max profit"], seeds=[1, 2], trials=40, seed=seed)
        searched.append(best([one.means["profit"] for one in found.history if one.means]))
        dice = random.Random(seed)
        points = [{PRICE.key: PRICE.at(dice.random()), CUTOFF.key: CUTOFF.at(dice.random())} for _ in range(40)]
        drawn.append(best([float((peak(point, 1) or {})["profit"] or 0) for point in points]))
    assert sum(searched) > sum(drawn) / 3  # both are below zero, the nearer the better


def test_runs_that_fail_are_left_out_and_told() -> None:
    def fails(point: Mapping[str, Any], seed: int) -> Row:
        return None if number(point.get(CUTOFF.key), 0.7) > 0.8 and seed == 2 else lending(point, seed)

    found = optimise(Market(fails), LEVERS, ["max yield_risk_adjusted"], seeds=[1, 2, 3], trials=24)
    failed = [one for one in found.history if one.means is None]
    assert failed
    assert f"{len(failed)} points had a run that failed" in found.verdict()
    assert all(one.values["cutoff"] <= 0.8 for one in found.candidates)


def test_a_measure_that_no_run_defines_ends_the_search() -> None:
    def young(point: Mapping[str, Any], seed: int) -> Row:
        return {**(lending(point, seed) or {}), "ever90": None}

    with pytest.raises(LendsimError, match=r"ever90 is defined in no run.*too short"):
        optimise(Market(young), LEVERS, ["max disbursed"], ["ever90 <= 1 %"], seeds=[1, 2], trials=8)
    with pytest.raises(LendsimError, match="every run failed"):
        optimise(Market(lambda point, seed: None), LEVERS, ["max disbursed"], seeds=[1, 2], trials=8)


@pytest.mark.parametrize(
    ("text", "limit", "holds", "breaks"),
    [
        ("ever90 <= 1 %", 0.01, 0.01, 0.011),
        ("ever90<1%", 0.01, 0.009, 0.02),
        ("disbursed >= 12.4 m yuan", 12.4e6, 13e6, 12e6),
        ("rate_mean_ppm_year <= 24 %/year", 240_000, 239_999, 240_001),
        ("rate_mean_ppm_year <= 0.06 %/day", 219_000, 219_000, 219_001),
        ("leverage <= 50 % of net capital", 0.5, 0.4, 0.6),
        ("leverage <= 0.5", 0.5, 0.4, 0.6),
        ("yield_risk_adjusted >= 15 % a year", 0.15, 0.16, 0.14),
        ("days_over_leverage <= 0", 0.0, 0, 1),
        ("loans_over_ceiling <= 0", 0.0, 0, 7),
    ],
)
def test_constraints_are_read(text: str, limit: float, holds: float, breaks: float) -> None:
    found = read_constraint(text)
    assert found.limit == pytest.approx(limit)
    assert found.violation(holds) <= 0 < found.violation(breaks)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("evr90 <= 1 %", "no measure 'evr90'; did you mean ever90?"),
        ("ever90 = 1 %", "MEASURE <= VALUE"),
        ("ever90", "MEASURE <= VALUE"),
        ("ever90 <= 1 yuan", "is no limit for ever90"),
        ("disbursed >= 3 %", "as in 12.4 m yuan"),
        ("ever90 <= few", "is no limit for ever90"),
    ],
)
def test_constraints_are_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="constraints: ") as caught:
        read_constraint(text)
    assert said in str(caught.value)


def test_objectives_are_read_or_refused() -> None:
    assert [(one.measure, one.sense) for one in map(read_objective, ("max disbursed", " min  ever90 "))] == [
        ("disbursed", 1),
        ("ever90", -1),
    ]
    for text, said in (
        ("max disbursd", "did you mean disbursed?"),
        ("disbursed", "max MEASURE or min MEASURE"),
        ("maximise disbursed", "max MEASURE or min MEASURE"),
    ):
        with pytest.raises(ValueError, match="objectives: ") as caught:
            read_objective(text)
        assert said in str(caught.value)
    for objectives in ([], ["max disbursed", "min disbursed"]):
        with pytest.raises(ValueError, match="objectives: "):
            read_all(objectives, [])
    with pytest.raises(ValueError, match="preference: 'npl90' is no objective"):
        optimise(Market(lending), LEVERS, ["max disbursed"], seeds=[1, 2], trials=4, preference={"npl90": 1})


def test_fronts_worked_out_by_hand() -> None:
    goods = [(1, 5), (2, 4), (2, 3), (4, 1), (1, 5), (0, 0), (4, 1.5)]
    assert nondominated(goods) == [0, 1, 6]
    kept = [goods[k] for k in nondominated(goods)]
    far = centrality(kept, [1, 1])  # scaled: (0, 1), (1/3, 5/7), (1, 0)
    assert far == pytest.approx([1.0, ((2 / 3) ** 2 + (2 / 7) ** 2) ** 0.5, 1.0])
    assert centrality(kept, [1, 0]) == pytest.approx([1.0, 2 / 3, 0.0])
    line = [(k, 10 - k) for k in range(11)]
    assert spread_out(line, 3) == [0, 5, 10]
    assert nondominated([]) == []


def test_pictures_and_overlay_are_the_same_again(tmp_path: Path) -> None:
    def search() -> Optimisation:
        return optimise(
            Market(lending), LEVERS, ["max disbursed", "max yield_risk_adjusted", "min ever90"],
            seeds=[1, 2, 3], trials=24, scenario=TINY, settings={"calendar.days": 40},
        )  # fmt: skip

    folders = [tmp_path / "a", tmp_path / "b"]
    found = [search() for _ in folders]
    for one, folder in zip(found, folders, strict=True):
        one.save(folder)
    names = {"optimisation.json", "front.svg", "levers.svg", "search.svg", "chosen.yaml", "tiny_resolved.yaml"}
    assert {file.name for file in folders[0].iterdir()} == names
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    assert found[0].chosen is not None
    meant = load(TINY, {"calendar.days": 40, **found[0].chosen.overrides})
    assert load(folders[0] / "chosen.yaml").hash == meant.hash
    assert len(found[0].findings().sentences) == len(found[0].sentences())


def test_figures_are_measured_where_they_are_asked_for() -> None:
    aims, limits = read_all(["max disbursed"], ["days_over_leverage <= 0"])
    task, mark = policy_task(aims, limits)
    assert task is not None
    assert "days_over_leverage" in mark
    outcome = task(Job("tiny", load(TINY, {"calendar.days": 30, "merchants.number": 200}), 1))
    assert outcome.summary is not None
    assert outcome.summary["days_over_leverage"] == 0
    assert outcome.summary["disbursed"] > 0
    assert policy_task(*read_all(["max disbursed"], ["leverage <= 0.5"])) == (None, "")
    assert measure_named("days_over_leverage").unit == "days"


def test_the_command_optimises_and_refuses(tmp_path: Path) -> None:
    import typer

    from sim.app.commands.search import optimise as command

    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    short = ["--set", "calendar.days=30", "--set", "merchants.number=200", "--workers", "1"]
    key = "lenders.ali.scoring.cutoff"
    words = [
        str(TINY), "--vary", f"{key}=0.5..0.95", "--objective", "max disbursed", "--constraint",
        "days_over_leverage <= 0", "--trials", "4", "--seeds", "2", "--fresh", "2", *short,
    ]  # fmt: skip
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert len(said["summary"]["search"]["trials"]) == 4
    assert {"cutoff", "disbursed_gain", "disbursed_gain_low", "feasible"} <= set(said["rows"][0])
    wrong = CliRunner().invoke(app, [str(TINY), "--vary", f"{key}=0.5..0.9", "--objective", "max disbursd", *short])
    assert wrong.exit_code == 2
    assert "did you mean disbursed?" in wrong.output
    misspelt = CliRunner().invoke(app, [str(TINY), "--vary", f"{key}s=0.5..0.9", "--objective", "max disbursed"])
    assert misspelt.exit_code == 2
    assert "cutoffs" in misspelt.output


def test_values_are_chosen_among() -> None:
    prices = Factor("price", PRICE.key, "lever", ("0.03 %/day", "0.05 %/day", "0.07 %/day"))
    found = optimise(Market(lending), [prices], ["max yield_risk_adjusted"], seeds=[1, 2, 3], trials=24)
    assert found.chosen is not None
    assert found.chosen.values == {"price": "0.05 %/day"}
    assert len(found.candidates) == 3  # points that are one are one candidate


def test_fresh_runs_that_fail_are_not_called_bad_luck() -> None:
    def fails(point: Mapping[str, Any], seed: int) -> Row:
        return None if point and seed > 3 else lending(point, seed)

    found = optimise(Market(fails), LEVERS, ["max disbursed"], ["ever90 <= 1 %"], seeds=[1, 2, 3], fresh=4, trials=24)
    assert found.chosen is None
    assert found.n_fresh_failed == 4 * len(found.candidates)
    assert "fresh runs failed" in found.verdict()
    assert "by luck" not in found.verdict()


def test_a_constraint_is_sure_only_with_its_whole_interval() -> None:
    """Bad loans are 0.5 % in every point; worlds move them by a fifth."""

    def bad(point: Mapping[str, Any], seed: int) -> Row:
        return {"disbursed": 1e8 * number(point.get(PRICE.key), 0.03), "ever90": 0.005 * (1 + luck(seed, "w", 0.2))}

    seen = [row["ever90"] for row in (bad({}, seed) for seed in range(4, 14)) if row is not None]
    mean = sum(value or 0.0 for value in seen) / len(seen)
    for limit, sure in ((mean * 1.01, False), (mean * 1.5, True)):
        found = optimise(
            Market(bad), LEVERS, ["max disbursed"], [f"ever90 <= {limit}"], seeds=[20, 21], fresh=range(4, 14), trials=8
        )
        if found.chosen is not None:
            assert (found.chosen.is_feasible, found.chosen.is_sure) == (True, sure)
            assert ("an interval reaches over" in found.verdict()) is not sure
        else:
            assert not sure  # the two worlds of the search were worse than the limit


def test_the_search_learns_what_constraints_are_broken() -> None:
    """Of the later half of its points many more meet a narrow constraint than of points spread evenly."""

    def narrow(point: Mapping[str, Any], seed: int) -> Row:
        price, cutoff = number(point.get(PRICE.key), 0.03), number(point.get(CUTOFF.key), 0.7)
        return {"disbursed": 1e9 * cutoff, "npl90": (price - 0.02) / 0.06}

    found = optimise(Market(narrow), LEVERS, ["max disbursed"], ["npl90 <= 10 %"], seeds=[1, 2], trials=64)
    met = [one.is_feasible for one in found.history]
    assert sum(met[32:]) / 32 > 0.4  # by chance a tenth, and nothing but the constraint tells of the price
