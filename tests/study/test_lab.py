"""The laboratory runs every run once, and never takes one for another."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import fake_tasks
import pytest

import sim
from sim.results import manifest
from sim.study.lab import Lab

TINY = Path(__file__).parents[2] / "scenarios" / "tiny.yaml"


@pytest.fixture(scope="module")
def arms() -> dict[str, Any]:
    return {"usual": sim.load(TINY), "strict": sim.load(TINY, {"lenders.ali.scoring.cutoff": 0.8})}


def test_a_finished_run_is_read_back_and_a_new_one_is_run(tmp_path: Path, arms: dict[str, Any]) -> None:
    with Lab(tmp_path, workers=1, task=fake_tasks.square) as lab:
        first = lab.measure(arms, [1, 2])
        assert (lab.n_done, lab.n_reused) == (4, 0)
    with Lab(tmp_path, workers=1, task=fake_tasks.square) as lab:
        again = lab.measure(arms, [1, 2, 3])
        assert (lab.n_done, lab.n_reused) == (2, 4)
    assert list(again) == [(name, seed) for name in arms for seed in (1, 2, 3)]
    assert {pair: outcome.summary for pair, outcome in again.items() if pair in first} == {
        pair: outcome.summary for pair, outcome in first.items()
    }
    assert [again["usual", seed].reused for seed in (1, 2, 3)] == [True, True, False]


def test_what_a_run_is_measured_by_is_part_of_its_key(tmp_path: Path, arms: dict[str, Any]) -> None:
    for task, mark in ((fake_tasks.square, ""), (fake_tasks.small_market, ""), (fake_tasks.square, "other targets")):
        with Lab(tmp_path, workers=1, task=task, mark=mark) as lab:
            lab.measure(arms, [1])
            assert lab.n_reused == 0
    with Lab(tmp_path, workers=1, task=partial(fake_tasks.square)) as lab:
        lab.measure(arms, [1])
        assert lab.n_reused == 2


def test_changed_code_runs_again_and_the_old_records_stay_labelled(
    tmp_path: Path, arms: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Lab(tmp_path, workers=1, task=fake_tasks.square) as lab:
        lab.measure(arms, [1, 2])
        assert lab.n_of_other_code == 0
    monkeypatch.setattr(manifest, "code_version", lambda: "0.1.0+other")
    with Lab(tmp_path, workers=1, task=fake_tasks.square) as lab:
        assert lab.n_of_other_code == 4
        lab.measure(arms, [1, 2])
        assert (lab.n_done, lab.n_reused) == (4, 0)
        assert {record.code_version for record in lab.kept.values()} == {"0.1.0+other", *_versions(lab)}
    monkeypatch.undo()
    with Lab(tmp_path, workers=1, task=fake_tasks.square) as lab:
        lab.measure(arms, [1, 2])
        assert (lab.n_done, lab.n_reused) == (0, 4)


def _versions(lab: Lab) -> set[str]:
    return {record.code_version for record in lab.kept.values()} - {"0.1.0+other"}


def test_one_failing_run_is_recorded_with_its_traceback_and_tried_again(tmp_path: Path, arms: dict[str, Any]) -> None:
    with Lab(tmp_path, workers=1, task=fake_tasks.break_at_three) as lab:
        outcomes = lab.measure({"usual": arms["usual"]}, [2, 3, 4])
    failed = outcomes["usual", 3]
    assert failed.has_failed
    assert "1 fen too many" in failed.reason
    assert "break_at_three" in failed.failure
    assert not outcomes["usual", 4].has_failed
    with Lab(tmp_path, workers=1, task=fake_tasks.break_at_three) as lab:
        lab.measure({"usual": arms["usual"]}, [2, 3, 4])
        assert (lab.n_done, lab.n_reused) == (1, 2)


def test_equal_scenarios_under_two_names_are_run_once(arms: dict[str, Any]) -> None:
    with Lab(workers=1, task=fake_tasks.square) as lab:
        outcomes = lab.measure({"a": arms["usual"], "b": sim.load(TINY)}, [1, 2])
        assert lab.n_done == 2
    assert outcomes["a", 2].summary == outcomes["b", 2].summary
    assert outcomes["b", 2].name == "b"


def test_a_world_asked_for_twice_is_refused(arms: dict[str, Any]) -> None:
    with Lab(workers=1, task=fake_tasks.square) as lab, pytest.raises(ValueError, match="seed 5 is asked for twice"):
        lab.measure(arms, [5, 5])


def test_progress_counts_what_is_read_back(tmp_path: Path, arms: dict[str, Any]) -> None:
    told: list[tuple[int, int, int]] = []
    with Lab(tmp_path, workers=1, task=fake_tasks.square) as lab:
        lab.measure(arms, [1])
    with Lab(tmp_path, workers=1, task=fake_tasks.square, progress=lambda *at: told.append(at)) as lab:
        lab.measure(arms, [1, 2])
    assert told == [(2, 4, 0), (3, 4, 0), (4, 4, 0)]
