"""Comparisons: paired, complete, the same on any number of workers; other worlds are refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import fake_tasks
import pytest

from sim.engine.scenario import load
from sim.errors import ScenarioError, StoreError
from sim.study.arms import name_arms, refuse_different_worlds
from sim.study.compare import MEASURES, Comparison, compare
from sim.study.runner import Job, Outcome

KEYS = ["measure", "a", "b", "mean_a", "mean_b", "difference", "low", "high", "n_seeds", "n_seeds_unpaired"]
MORE_KEYS = ["low_bca", "high_bca", "correlation", "p", "p_holm"]
LOOSE = """\
calendar: {start: 2012-01-01, days: 60}
merchants: {number: 100}
lenders:
  ali:
    equity: 1 m yuan
    products: {order_loan: {rate: 0.05 %/day, term: 30 days, advance: 0.9}}
    scoring: {policy: points, cutoff: 0.3}
"""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    texts = {
        "loose": LOOSE,
        "tight": "extends: loose\nlenders: {ali: {scoring: {cutoff: 0.45}}}\n",
        "no_credit": "extends: loose\nlenders: {}\n",
        "elsewhere": "extends: loose\ncalendar: {days: 70}\nmerchants: {number: 120}\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return {name: tmp_path / f"{name}.yaml" for name in texts}


def compared(files: dict[str, Path], *names: str, seeds: int = 12, workers: int = 1) -> Comparison:
    chosen = [files[name] for name in names]
    return compare(chosen, seeds, task=fake_tasks.small_market, workers=workers)


def test_rows_have_the_agreed_keys_and_are_paired(files: dict[str, Path]) -> None:
    found = compared(files, "loose", "tight")
    assert [list(row) for row in found.rows] == [KEYS + MORE_KEYS] * len(MEASURES)
    assert [row["measure"] for row in found.rows] == list(MEASURES)
    disbursed = found.rows[0]
    values = {(o.name, o.seed): (o.summary or {})["disbursed"] for o in found.outcomes}
    wanted = mean(values["tight", s] - values["loose", s] for s in range(1, 13))  # type: ignore[operator]
    assert disbursed["difference"] == pytest.approx(wanted, rel=1e-12)
    assert disbursed["low"] < disbursed["difference"] < disbursed["high"] < 0
    assert disbursed["n_seeds"] == 12
    assert disbursed["n_seeds_unpaired"] > 24  # the worlds vary far more than the difference does
    assert found.seeds == tuple(range(1, 13))
    assert 0 < disbursed["p"] < disbursed["p_holm"] < 1e-4
    assert disbursed["correlation"] > 0.9
    low, high = disbursed["low_bca"], disbursed["high_bca"]
    assert low == pytest.approx(disbursed["low"], rel=0.1)
    assert high == pytest.approx(disbursed["high"], rel=0.1)


def test_an_undefined_world_is_left_out_of_its_pair(files: dict[str, Path]) -> None:
    row = next(row for row in compared(files, "loose", "tight").rows if row["measure"] == "ever90")
    assert row["n_seeds"] == 11  # seed 7 has no matured loan


def test_against_a_world_without_credit(files: dict[str, Path]) -> None:
    found = compared(files, "loose", "no_credit")
    by_measure = {row["measure"]: row for row in found.rows}
    assert by_measure["disbursed"]["mean_a"] > 0
    assert [by_measure["disbursed"][key] for key in ("mean_b", "difference", "low", "high")] == [None] * 4
    assert by_measure["disbursed"]["n_seeds"] == 0
    assert by_measure["merchant_sales"]["high"] < 0
    assert "no_credit lends nothing, so only what becomes of the merchants is compared." in found.verdict()


def test_every_scenario_is_compared_with_the_first(files: dict[str, Path]) -> None:
    found = compared(files, "loose", "tight", "no_credit", seeds=3)
    assert found.arms == ("loose", "tight", "no_credit")
    assert {(row["a"], row["b"]) for row in found.rows} == {("loose", "tight"), ("loose", "no_credit")}
    of_tight, of_none, best = found.verdict().split("\n\n")
    assert of_tight.startswith("tight lends 21.8 % less [18.1, 25.4], perhaps earns ")
    assert of_none.startswith("With no_credit perhaps merchants sell 3.9 % less [")
    assert best.startswith("Best of 2 by risk-adjusted yield, the most being best: tight (16.")
    assert best.endswith("Not in the choice, because it is not defined for them: no_credit.")


def test_the_number_of_workers_changes_nothing(files: dict[str, Path]) -> None:
    alone, together = (compared(files, "loose", "tight", seeds=4, workers=workers) for workers in (1, 2))
    assert alone.rows == together.rows
    assert alone.as_dict()["summary"] == together.as_dict()["summary"]


def test_a_scenario_against_itself(files: dict[str, Path]) -> None:
    found = compared(files, "loose", "loose", seeds=3)
    assert found.arms == ("loose", "loose-2")
    assert all(row["difference"] == row["low"] == row["high"] == 0 for row in found.rows)
    assert "the two are equal in every measure" in found.verdict()


def test_one_world_has_no_interval(files: dict[str, Path]) -> None:
    found = compared(files, "loose", "tight", seeds=1)
    assert all(row["low"] is None and row["n_seeds_unpaired"] is None for row in found.rows)
    assert "One world says nothing about chance" in found.verdict()
    assert "[" not in found.verdict()


def break_one(job: Job) -> Outcome:
    return fake_tasks.break_at_three(job) if job.name == "tight" and job.seed == 3 else fake_tasks.small_market(job)


def test_a_failed_run_takes_its_world_out(files: dict[str, Path]) -> None:
    found = compare([files["loose"], files["tight"]], 5, task=break_one, workers=1)
    assert [row["n_seeds"] for row in found.rows[:3]] == [4, 4, 4]
    assert [(o.name, o.seed) for o in found.failures] == [("tight", 3)]
    assert found.notes == ("1 of 10 runs failed; their worlds are left out of the pairs.",)
    assert found.as_dict()["summary"]["failed"][0]["error"].startswith("2012-01-05, lender ali")


def test_json_is_one_object_without_nan(files: dict[str, Path]) -> None:
    text = compared(files, "loose", "no_credit", seeds=2).to_json()
    assert "NaN" not in text
    assert set(json.loads(text)) == {"rows", "summary", "about_run"}


def test_frames(files: dict[str, Path]) -> None:
    found = compared(files, "loose", "no_credit", seeds=3)
    frame = found.frame()
    assert list(frame.columns) == KEYS + MORE_KEYS
    assert frame["p_holm"].dtype == float
    assert frame["mean_b"].dtype == float
    assert frame["n_seeds_unpaired"].isna().sum() == 14  # thirteen of the lender, and one that never varies
    runs = found.runs()
    assert runs.groupby("arm").size().to_dict() == {"loose": 3, "no_credit": 3}


def test_a_folder_gets_picture_page_and_json(files: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    chosen = [files["loose"], files["tight"]]
    found = compare(chosen, 4, task=fake_tasks.small_market, workers=1, out=out)
    assert sorted(path.name for path in out.iterdir()) == ["comparison.html", "comparison.json", "comparison.svg"]
    assert json.loads((out / "comparison.json").read_text())["rows"] == found.rows
    page = (out / "comparison.html").read_text()
    assert page.count("<svg") == 1
    assert "http://" not in page.split("<svg")[0]
    assert "needed unpaired" in page
    assert "correlation" in page
    assert "runs saved" in page
    first = (out / "comparison.svg").read_bytes()
    compare(chosen, 4, task=fake_tasks.small_market, workers=1, out=out)
    assert (out / "comparison.svg").read_bytes() == first


def test_the_headline_tells_growth_yield_and_default(files: dict[str, Path]) -> None:
    told = compared(files, "loose", "tight", seeds=20).verdict()
    headline = told.partition("; 20 worlds, against loose. ")[0]
    number = r"-?[\d.]+"
    assert re.fullmatch(
        rf"tight lends {number} % less \[{number}, {number}\], "
        rf"earns {number} points a year more after losses \[{number}, {number}\], "
        rf"at {number} points less default \[{number}, {number}\]",
        headline,
    )
    assert "By the same worlds on both sides, paid out is correlated by 0.9" in told
    assert " runs saved. What is told as a difference stays one by Holm's correction for all 16 " in told


def test_what_only_its_own_interval_tells_apart_is_called_perhaps(files: dict[str, Path]) -> None:
    found = compared(files, "loose", "tight", seeds=3)
    likely = [c for c in found.contrasts if c.is_likely]
    assert likely
    assert all(c.p_holm is not None and c.p_holm > 0.05 for c in likely)
    # A difference that is the same in each of three worlds has an interval of no width, but proves little.
    assert {c.measure for c in likely if c.p is not None and c.p > 0.05} == {"merchant_sales_growth"}
    assert "; perhaps " in found.verdict()
    assert found.verdict().endswith("Perhaps: the interval leaves zero out, but not by enough for that.")


def winners(files: dict[str, Path], trials: int, *, adjusted: bool) -> int:
    """Count the trials in which two lenders that are alike but for their luck are told apart in any measure."""
    scenario = load(files["loose"])
    found = 0
    for trial in range(trials):
        arms = {f"a{trial}": scenario, f"b{trial}": scenario}
        compared = compare(arms, 12, base_seed=1 + 100 * trial, task=fake_tasks.lucky, workers=1)
        found += any(c.is_clear if adjusted else c.paired.is_clear for c in compared.contrasts)
    return found


def test_lenders_that_are_alike_have_no_winner(files: dict[str, Path]) -> None:
    # At most 5 % of 400 trials. Were the chance of a false winner 8 %, 20 or fewer would be seen 1 time in 78.
    assert winners(files, 400, adjusted=True) <= 20


def test_without_the_correction_they_have_many(files: dict[str, Path]) -> None:
    # The proof that the test above can fail: of 16 measures, most of their own, some interval leaves zero out.
    assert winners(files, 60, adjusted=False) > 15


def test_until_runs_batches_and_tells_why_it_stopped(files: dict[str, Path], tmp_path: Path) -> None:
    chosen = [files["loose"], files["tight"]]
    told: list[tuple[int, int, int]] = []
    found = compare(
        chosen, 10, until="disbursed +- 0.5 %", budget=250, task=fake_tasks.small_market, workers=1,
        progress=lambda *counts: told.append(counts),
    )  # fmt: skip
    assert found.ending is not None
    assert found.ending.reason == "narrow"
    assert 10 < len(found.seeds) < 250
    assert found.seeds == tuple(range(1, len(found.seeds) + 1))
    row = found.rows[0]
    assert (row["high"] - row["low"]) / 2 <= 0.005 * row["mean_a"]
    assert found.notes[-1].startswith(f"Stopped after {len(found.seeds)} worlds: the interval of disbursed is ±0.")
    assert found.as_dict()["summary"]["until"]["n_seeds"] == len(found.seeds)
    assert told[-1] == (2 * len(found.seeds), 2 * len(found.seeds), 0)
    assert [(o.name, o.seed) for o in found.outcomes[:2]] == [("loose", 1), ("loose", 2)]
    # As many worlds at once are the same comparison.
    at_once = compare(chosen, len(found.seeds), task=fake_tasks.small_market, workers=1)
    assert at_once.rows == found.rows


def test_the_budget_ends_a_comparison(files: dict[str, Path]) -> None:
    chosen = [files["loose"], files["tight"]]
    found = compare(chosen, [5, 9], until="npl30 ± 0.001 pp", budget=12, task=fake_tasks.small_market, workers=1)
    assert found.seeds == (5, 9, *range(10, 18))  # the first batch has ten worlds; npl30 is not among these measures
    assert found.notes[-1] == "Stopped after 10 worlds: npl30 has no interval, because it is not defined on both sides."
    found = compare(chosen, 20, until="disbursed ± 0.001 %", budget=8, task=fake_tasks.small_market, workers=1)
    assert len(found.seeds) == 8
    assert found.notes[-1].startswith("The budget of 8 worlds has ended")


def test_the_best_of_several_with_a_stated_probability(files: dict[str, Path]) -> None:
    arms = {f"c{i}": load(files["loose"], overrides=[f"lenders.ali.scoring.cutoff={0.3 + i / 10}"]) for i in range(4)}
    found = compare(arms, 10, best="yield_risk_adjusted ± 0.1 pp", budget=100, task=fake_tasks.small_market, workers=1)
    choice = found.choice
    assert choice is not None
    assert (choice.best, choice.is_guaranteed) == ("c3", True)
    assert choice.n_needed == choice.n == len(found.seeds) > 10
    assert "with a probability of at least 95 % where it leads by 0.1 points a year or more" in found.verdict()
    assert found.as_dict()["summary"]["best"]["guaranteed"] is True
    by_lending = compare(arms, 10, best="disbursed", task=fake_tasks.small_market, workers=1).choice
    assert by_lending is not None
    assert (by_lending.best, by_lending.n_needed, by_lending.zone) == ("c0", None, None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"until": "npl9 ± 0.1 pp"}, "--until: there is no measure 'npl9'; did you mean npl90?"),
        ({"best": "npl9"}, "--best: there is no measure 'npl9'; did you mean npl90?"),
        ({"best": "roe ± 1 yuan"}, "--best 'roe ± 1 yuan': roe has no unit 'yuan'"),
        ({"measures": ["disbursd"]}, "measures: there is no measure 'disbursd'; did you mean disbursed?"),
        ({"until": "npl90 ± 0.1 pp", "best": "roe ± 1 pp"}, "give one of the two"),
        ({"until": "npl90 ± 0.1 pp", "budget": 1}, "a budget of 1 worlds"),
    ],
)
def test_options_that_make_no_sense(files: dict[str, Path], options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        compare([files["loose"], files["tight"]], 3, task=fake_tasks.small_market, **options)


def test_other_measures_can_be_asked_for(files: dict[str, Path]) -> None:
    found = compare(
        [files["loose"], files["tight"]], 3, measures=["npl90", "complaints"], task=fake_tasks.small_market, workers=1
    )
    assert [row["measure"] for row in found.rows] == ["npl90", "complaints"]
    assert "complaints" in found.verdict()
    found.plot()


def test_the_picture_has_a_strip_for_every_measure(files: dict[str, Path]) -> None:
    figure = compared(files, "loose", "tight", "no_credit", seeds=3).plot()
    assert len(figure.axes) == len(MEASURES)
    assert all(axes.get_xlim()[0] == -axes.get_xlim()[1] for axes in figure.axes)


def test_other_worlds_are_refused_value_by_value(files: dict[str, Path]) -> None:
    with pytest.raises(ScenarioError) as refused:
        compared(files, "loose", "elsewhere")
    lines = [str(issue) for issue in refused.value.issues]
    assert len(lines) == 2
    assert lines[0].endswith(
        "elsewhere.yaml:2:1: calendar.days: 70 here, 60 in loose: another world; "
        "only lenders and institutions may differ"
    )
    assert "elsewhere.yaml:3:1: merchants.number: 120 here, 100 in loose" in lines[1]
    assert lines[1].endswith("--different-worlds compares them all the same")


def test_other_worlds_can_be_asked_for(files: dict[str, Path]) -> None:
    chosen = [files["loose"], files["elsewhere"]]
    found = compare(chosen, 2, task=fake_tasks.small_market, workers=1, different_worlds=True)
    assert found.notes == ("The worlds differ: a difference is not the lender's alone.",)


def test_seeds_must_be_distinct(files: dict[str, Path]) -> None:
    chosen = [files["loose"], files["tight"]]
    with pytest.raises(ValueError, match="seed 4 is given twice"):
        compare(chosen, [3, 4, 4], task=fake_tasks.small_market)
    with pytest.raises(ValueError, match="no seeds are given"):
        compare(chosen, [], task=fake_tasks.small_market)
    with pytest.raises(ValueError, match="0 seeds; at least 1 is needed"):
        compare(chosen, 0, task=fake_tasks.small_market)


def test_variants(files: dict[str, Path]) -> None:
    arms = name_arms([files["loose"]], vary="lenders.ali.products.order_loan.rate=0.05 %/day, 0.06 %/day")
    assert list(arms) == ["rate=0.05%_per_day", "rate=0.06%_per_day"]
    rates = [dict(arm.lenders["ali"].products.offered())["order_loan"].rate.ppm_year for arm in arms.values()]
    assert rates == [182_500, 219_000]
    assert len({arm.world_hash for arm in arms.values()}) == 1


def test_one_variant_is_compared_with_the_scenario_as_it_stands(files: dict[str, Path]) -> None:
    arms = name_arms([files["loose"]], vary="lenders.ali.scoring.cutoff=0.5")
    assert [(name, arm.lenders["ali"].scoring.cutoff) for name, arm in arms.items()] == [
        ("loose", 0.3),
        ("cutoff=0.5", 0.5),
    ]


def test_lists_and_quotes_are_one_value_each(files: dict[str, Path]) -> None:
    orders = "lenders.ali.allocation=[penalty, interest, principal],[principal, interest, penalty]"
    arms = name_arms([files["loose"]], vary=orders)
    assert [arm.lenders["ali"].allocation[1] for arm in arms.values()] == ["penalty", "principal"]  # fees come first
    sums = name_arms([files["loose"]], vary='lenders.ali.equity="1,000,000 yuan","2,000,000 yuan"')
    assert [arm.lenders["ali"].equity for arm in sums.values()] == [100_000_000, 200_000_000]


@pytest.mark.parametrize(
    ("names", "vary", "said"),
    [
        (["loose"], None, "needs two scenarios, or one with --vary"),
        (["loose", "tight"], "a=1,2", "--vary makes variants of one scenario; 2 are given"),
        (["loose"], "lenders.ali.scoring.cutoff", "written KEY=V1,V2"),
        (["loose"], "=1,2", "written KEY=V1,V2"),
        (["loose"], "a=", "written KEY=V1,V2"),
    ],
)
def test_arms_that_make_no_sense(files: dict[str, Path], names: list[str], vary: str | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        name_arms([files[name] for name in names], vary=vary)


def test_all_mistakes_of_all_files_at_once(files: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("extends: loose\nmerchants: {number: -1}\n")
    with pytest.raises(ScenarioError) as refused:
        name_arms([tmp_path / "bad.yaml", tmp_path / "missing.yaml"])
    assert {Path(issue.file).name for issue in refused.value.issues} == {"bad.yaml", "missing.yaml"}


def test_loaded_scenarios_and_names_of_ones_own(files: dict[str, Path]) -> None:
    loose, tight = load(files["loose"]), load(files["tight"])
    found = compare({"old": loose, "new": tight}, 2, task=fake_tasks.small_market, workers=1)
    assert found.arms == ("old", "new")
    assert name_arms([loose, tight]) == {"loose": loose, "tight": tight}
    with pytest.raises(ValueError, match="laid over files"):
        name_arms([loose, tight], scale=0.5)
    with pytest.raises(ValueError, match="cannot name an arm"):
        name_arms({"a/b": loose, "c": tight})


def test_data_files_with_other_content_are_another_world(files: dict[str, Path]) -> None:
    base = load(files["loose"])
    other = replace(base)
    other.__dict__["world_hash"] = "f" * 64  # the same paths, other bytes
    with pytest.raises(ScenarioError, match="the data files are not those of a: another world"):
        refuse_different_worlds({"a": base, "b": other})


def test_a_folder_of_another_run_is_refused_before_anything_runs(files: dict[str, Path], tmp_path: Path) -> None:
    other = tmp_path / "out" / "tight" / "seed-2"
    other.mkdir(parents=True)
    (other / "letter.txt").write_text("not a run")
    begun: list[int] = []
    with pytest.raises(StoreError, match="holds files that are no run of lendsim"):
        compare(
            [files["loose"], files["tight"]], 3, workers=1, out=tmp_path / "out", progress=lambda *_: begun.append(1)
        )
    assert begun == []
