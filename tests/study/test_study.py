"""Studies: the same answer however they are run and resumed; folders and files that are not theirs are left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sim
from sim.errors import ScenarioError, StoreError
from sim.study.plan import read_plan
from sim.study.records import RECORDS
from sim.study.short import sweep_plan
from sim.study.status import statuses
from sim.study.study import ANSWER, PAGE, RUNS, begin, connect, run_study

TINY = Path(__file__).parents[2] / "scenarios" / "tiny.yaml"
FILE = f"""\
about: {{title: Looser or tighter, question: What does a cut-off cost?}}
kind: sweep
scenario: {TINY}
scale: 0.1
set: {{calendar.days: 30}}
levers:
  cutoff: {{key: lenders.ali.scoring.cutoff, values: [0.4, 0.8]}}
world:
  weekly: {{key: merchants.demand.weekly_autocorrelation, values: [0.2, 0.5]}}
seeds: 2
measures: [disbursed, npl30]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "looser.yaml"
    path.write_text(FILE)
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in (RECORDS, ".lock")}


def test_the_answer_is_the_same_on_any_number_of_workers_and_without_a_folder(file: Path, tmp_path: Path) -> None:
    plan = read_plan(file)
    alone = run_study(plan, workers=1)
    for workers in (1, 2):
        done = run_study(plan, tmp_path / f"out{workers}", workers=workers)
        assert done.table().equals(alone.table())
        assert done.rows == alone.rows
    one, two = files_of(tmp_path / "out1"), files_of(tmp_path / "out2")
    assert set(one) == {"study.yaml", RUNS, ANSWER, PAGE, "sweep.svg"}
    assert one == two
    assert len(alone.runs()) == 4 * 2
    assert {"point", "weekly", "cutoff", "seed", "lender", "error", "disbursed"} <= set(alone.runs().columns)


def test_cut_off_anywhere_and_resumed_the_answer_is_the_same(file: Path, tmp_path: Path) -> None:
    plan, out = read_plan(file), tmp_path / "out"
    whole = run_study(plan, out, workers=1)
    expected, records = files_of(out), (out / RECORDS).read_bytes()
    for share in (0.0, 0.57, 0.999):
        for name in (RUNS, ANSWER, PAGE):
            (out / name).unlink()
        (out / RECORDS).write_bytes(records[: int(len(records) * share)])
        again = run_study(plan, out, workers=1)
        assert again.n_reused == int(8 * share)
        assert again.table().equals(whole.table())
        assert files_of(out) == expected


def test_the_study_it_writes_down_can_be_run_again(file: Path, tmp_path: Path) -> None:
    begin(read_plan(file), tmp_path / "out")
    assert read_plan(tmp_path / "out" / "study.yaml").hash == read_plan(file).hash
    ladder = read_plan(TINY.parents[1] / "experiments" / "collections_ladder.yaml")
    begin(ladder, tmp_path / "ladder")
    again = read_plan(tmp_path / "ladder" / "study.yaml")
    assert again.hash == ladder.hash
    assert (
        list(again.scenarios) == list(ladder.scenarios) == ["whole", "without_sweep", "without_closing", "without_both"]
    )


def test_folders_of_others_are_refused(file: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.doc").write_text("mine")
    with pytest.raises(StoreError, match="no study of lendsim"):
        run_study(read_plan(file), foreign)
    assert [path.name for path in foreign.iterdir()] == ["thesis.doc"]
    run_study(read_plan(file, {"seeds": 1}), tmp_path / "out", workers=1)
    with pytest.raises(StoreError, match="holds another study"):
        run_study(read_plan(file), tmp_path / "out")


def test_status_and_duckdb_see_what_is_there(file: Path, tmp_path: Path) -> None:
    run_study(read_plan(file), tmp_path / "studies" / "a", workers=1)
    run_study(read_plan(file, {"seeds": 1}), tmp_path / "studies" / "b", workers=1)
    (tmp_path / "studies" / "b" / ANSWER).unlink()
    first, second = statuses(tmp_path / "studies")
    assert (first.state, first.done, first.failed, first.runs) == ("finished", 8, 0, 8)
    assert (second.state, second.done, second.runs) == ("stopped", 4, 4)
    found = connect(tmp_path / "studies").execute("select count(*), count(distinct filename) from runs").fetchone()
    assert found == (12, 2)
    with pytest.raises(StoreError, match="no finished study"):
        connect(tmp_path / "nowhere")


def test_the_short_form_is_the_same_study(file: Path) -> None:
    short = sweep_plan(
        TINY,
        ["merchants.demand.weekly_autocorrelation=0.2,0.5", "lenders.ali.scoring.cutoff=0.4,0.8"],
        measures=["disbursed", "npl30"],
        seeds=2,
        scale=0.1,
        overrides=["calendar.days=30"],
    )
    plan = read_plan(file)
    assert [scenario.hash for scenario in short.scenarios.values()] == [s.hash for s in plan.scenarios.values()]
    assert (short.seeds, short.measures) == (plan.seeds, plan.measures)


def test_a_point_is_the_run_that_it_says(file: Path) -> None:
    done = run_study(read_plan(file), workers=1)
    changed = {"calendar.days": 30, "lenders.ali.scoring.cutoff": 0.8, "merchants.demand.weekly_autocorrelation": 0.5}
    alone = sim.simulate(sim.load(TINY, changed, 0.1), seed=2).summary
    row = done.runs().query("cutoff == 0.8 and weekly == 0.5 and seed == 2").iloc[0]
    assert row["disbursed"] == alone["disbursed"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "scoring.cutoff",
            "scoring.cutof",
            "levers.cutoff: lenders.ali.scoring.cutof: is no parameter.*did you mean cutoff",
        ),
        ("[0.4, 0.8]", "[0.4, 1.8]", r"7:\d+: levers.cutoff: .*1.8 is out of bounds; allowed: 0 to 1"),
        ("npl30", "npl3", r"measures\[1\]: there is no measure 'npl3'.*did you mean"),
        ("seeds: 2", "seeds: [4, 4]", "seeds: seed 4 is given twice"),
        ("kind: sweep", "kind: swep", "did you mean sweep"),
        ("merchants.demand.weekly_autocorrelation", "lenders.ali.limit.multiple", "is no part of the world"),
        ("calendar.days", "calendar.dais", "set.calendar.dais: .*did you mean days"),
        ("values: [0.4, 0.8]", "low: 0.4", "the range has one end"),
        ("values: [0.4, 0.8]", "low: 0.4, high: 0.8", "a grid needs values"),
        ("values: [0.4, 0.8]", "low: 0.8, high: 0.4", "is not below"),
        ("seeds: 2", "seeds: 2\nuntil: npl90 ± 1 pp", "belongs to a comparison"),
        (
            "seeds: 2",
            "seeds: 100000\ndesign: {kind: latin_hypercube, points: 10000}",
            "1,000,000,000 runs and .* of processor",
        ),
    ],
)
def test_what_is_wrong_is_refused_at_once_by_name(file: Path, old: str, new: str, said: str) -> None:
    assert old in FILE
    file.write_text(FILE.replace(old, new))
    with pytest.raises(ScenarioError, match=said):
        read_plan(file)


def test_a_study_whose_runs_all_fail_writes_no_answer(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fake_tasks

    from sim.study import runner

    monkeypatch.setattr(runner, "carry_out", fake_tasks.always_breaks)
    done = run_study(read_plan(file, {"seeds": 1}), tmp_path / "out", workers=1)
    assert len(done.failures) == 4
    assert not (tmp_path / "out" / ANSWER).exists()
    monkeypatch.undo()
    again = run_study(read_plan(file, {"seeds": 1}), tmp_path / "out", workers=1)
    assert not again.failures
    assert json.loads((tmp_path / "out" / ANSWER).read_text())["summary"]["failed"] == []
