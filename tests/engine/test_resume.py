"""A run that was killed goes on to the bit; a finished one is opened; another run's folder is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small import ROUGH, SCENARIOS, assert_equal_frames, lived, scenario

import sim
from sim.engine import checkpoint
from sim.engine.market import Market
from sim.errors import StoreError
from sim.results.run import Run

RIVAL = {
    "equity": "2 m yuan",
    "products": {"revolving_line": {"rate": "18 %/year (360)"}, "annuity": {"term": "3 months"}, "sales_share": {}},
}

# Everything that a checkpoint must carry: late and written-off loans, two lenders, offers, entrants, dated changes.
FULL: dict[str, Any] = ROUGH | {
    "calendar": {"start": "2012-02-15", "days": 110},
    "lenders.rival": RIVAL,
    "lenders.ali.write_off_after": "40 days",
    "lenders.ali.changes": {
        "dearer": {"date": "2012-03-05", "set": {"products.order_loan.rate": "0.08 %/day"}},
        "stricter": {"date": "2012-04-01", "set": {"scoring.cutoff": 0.5, "penalty_multiple": 2.0}},
        "no_lines": {"date": "2012-04-20", "set": {"products.revolving_line.enabled": False}},
    },
}


class Killed(BaseException):
    """Stands for the end of a process in the middle of a run."""


def run_until(day: int, plan: Any, out: Path, **options: Any) -> Run:
    """Simulate into a folder and be killed on a day."""

    def progress(done: int, days: int, merchants: int) -> None:
        if done == day:
            raise Killed

    return sim.simulate(plan, seed=5, out=out, threads=1, progress=progress, **options)


@pytest.fixture(scope="module")
def whole() -> Run:
    """The run that nobody interrupted and that made no checkpoint."""
    run = sim.simulate(scenario(FULL), seed=5, threads=1)
    assert {"written_off", "active", "closed"} == set(run.loans["status"])
    assert int(run.loans["max_dpd"].max()) > 30
    return run


@pytest.mark.parametrize("kills", [(10,), (11,), (47,), (109,), (15, 16, 33, 80)], ids=str)
def test_a_killed_run_goes_on_to_the_bit(whole: Run, tmp_path: Path, kills: tuple[int, ...]) -> None:
    for day in kills:
        with pytest.raises(Killed):
            run_until(day, scenario(FULL), tmp_path / "run", checkpoint_every=10)
        assert not (tmp_path / "run" / "manifest.json").exists()
    done = sim.simulate(scenario(FULL), seed=5, out=tmp_path / "run", threads=1, checkpoint_every=10)
    assert_equal_frames(whole, done)
    assert done.manifest["time_used"]["resumed_from_day"] == max(day - 1 for day in kills) // 10 * 10


@pytest.mark.parametrize("every", [7, 109])
def test_checkpoints_do_not_change_a_run(whole: Run, tmp_path: Path, every: int) -> None:
    plan = scenario(FULL)
    assert_equal_frames(whole, sim.simulate(plan, seed=5, out=tmp_path / "run", threads=1, checkpoint_every=every))


def test_a_run_may_go_on_with_other_checkpoints_and_threads(whole: Run, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run_until(35, scenario(FULL), tmp_path / "run", checkpoint_every=10)
    done = sim.simulate(scenario(FULL), seed=5, out=tmp_path / "run", threads=2, checkpoint_every=25)
    assert_equal_frames(whole, done)


def test_a_lost_piece_would_be_found(whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proof by mutation: a checkpoint that forgets what shoppers could not buy yesterday gives another run."""
    right = checkpoint.restore

    def forgetful(market: Market, *state: Any) -> None:
        right(market, *state)
        market.rush[:] = 1.0

    monkeypatch.setattr(checkpoint, "restore", forgetful)
    with pytest.raises(Killed):
        run_until(35, scenario(FULL), tmp_path / "run", checkpoint_every=10)
    done = sim.simulate(scenario(FULL), seed=5, out=tmp_path / "run", threads=1)
    with pytest.raises(AssertionError):
        assert_equal_frames(whole, done)


def test_a_state_survives_the_way_through_a_checkpoint() -> None:
    market = lived(scenario(FULL), 60)
    tables, numbers = checkpoint.save(market)
    again = Market(scenario(FULL), rng=3)
    checkpoint.restore(again, tables, json.loads(json.dumps(numbers)))
    ours, theirs = market.merchants.columns(), again.merchants.columns()
    for name, column in ours.items():
        assert column.dtype == theirs[name].dtype
        assert column.tobytes() == theirs[name].tobytes(), name
    assert market.book.n == again.book.n
    restored = again.book.state()
    for name, column in market.book.state().items():
        if name != "schedule":  # a place, which says nothing
            assert np.array_equal(column, restored[name]), name
    assert market.books.state() == again.books.state()
    assert (market.day_index, market.counts) == (again.day_index, again.counts)
    assert [lender.spec for lender in market.lenders] == [lender.spec for lender in again.lenders]


def test_changed_policies_that_look_at_other_columns_do_not_cost_the_run(tmp_path: Path) -> None:
    """A dated change may bring a policy that needs other columns than the one before it."""
    change = {"other": {"date": "2012-03-10", "set": {"scoring": {"policy": "rules"}}}}
    plan = scenario({"merchants.number": 400, "calendar.days": 50, "lenders.ali.changes": change})
    one = sim.simulate(plan, seed=1, threads=1)
    two = sim.simulate(plan, seed=1, threads=1, out=tmp_path / "run", checkpoint_every=10)
    assert one.applications["seen_sales_deviation_30d"].notna().nunique() == 2
    assert_equal_frames(one, two)


def test_no_application_before_a_checkpoint_is_no_harm(tmp_path: Path) -> None:
    later = {"date": "2012-03-10", "set": {"eligibility.invited": 1.0}}
    changes = {"lenders.ali.eligibility.invited": 0.0, "lenders.ali.changes": {"doors_open": later}}
    plan = scenario({"merchants.number": 400, "calendar.days": 50} | changes)
    one = sim.simulate(plan, seed=1, threads=1)
    two = sim.simulate(plan, seed=1, threads=1, out=tmp_path / "run", checkpoint_every=10)
    assert len(one.applications) > 20
    assert_equal_frames(one, two)


# ------------------------------------------------------------------------------------------------- whose folder it is


def test_a_finished_folder_is_opened(tmp_path: Path) -> None:
    plan = scenario({"merchants.number": 200, "calendar.days": 15})
    first = sim.simulate(plan, seed=1, out=tmp_path / "run", threads=1)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()}
    again = sim.simulate(plan, seed=1, out=tmp_path / "run", threads=1, progress=_never)
    assert_equal_frames(first, again)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()} == files


def _never(done: int, days: int, merchants: int) -> None:
    raise AssertionError("a finished run was run again")


@pytest.mark.parametrize("is_finished", [True, False], ids=["finished", "unfinished"])
def test_another_runs_folder_is_refused_and_left_alone(tmp_path: Path, is_finished: bool) -> None:
    plan, out = scenario({"merchants.number": 200, "calendar.days": 30}), tmp_path / "run"
    if is_finished:
        sim.simulate(plan, seed=5, out=out, threads=1)
    else:
        with pytest.raises(Killed):
            run_until(15, plan, out, checkpoint_every=10)
    before = {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    others = [(plan, 6), (scenario({"merchants.number": 201, "calendar.days": 30}), 5)]
    for other, seed in others:
        with pytest.raises(StoreError, match="holds another"):
            sim.simulate(other, seed=seed, out=out, threads=1)
    assert {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()} == before
    done = sim.simulate(plan, seed=5, out=out, threads=1)
    assert_equal_frames(sim.simulate(plan, seed=5, threads=1), done)


# --------------------------------------------------------------------------------------------------- a real process


def _has_checkpoint(out: Path) -> bool:
    kept = out / "unfinished.json"
    return kept.exists() and json.loads(kept.read_text())["checkpoint"] is not None


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_kill_9_in_mid_run_and_the_same_command_again(tmp_path: Path) -> None:
    changes = {"merchants.number": 6_000, "calendar.days": 120, "lenders.ali.equity": "10 m yuan"}
    sets = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
    out = tmp_path / "run"
    command = [sys.executable, "-m", "sim.app.cli", "run", str(SCENARIOS / "tiny.yaml"), *sets, "--seed", "5"]
    command += ["--checkpoint-every", "10", "--out", str(out), "--no-report", "--threads", "1"]
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 300
    while not _has_checkpoint(out):
        assert program.poll() is None, program.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.005)
    program.send_signal(signal.SIGKILL)
    program.communicate(timeout=60)
    assert program.returncode == -signal.SIGKILL
    assert (out / "unfinished.json").exists()
    assert not (out / "manifest.json").exists()

    stranger = [*command]
    stranger[stranger.index("5")] = "6"
    refused = subprocess.run(stranger, capture_output=True, text=True, timeout=300)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "seed: 5 there, 6 here" in refused.stderr
    assert "Traceback" not in refused.stderr

    again = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stderr
    resumed = sim.open_run(out)
    assert resumed.manifest["time_used"]["resumed_from_day"] >= 10
    assert_equal_frames(sim.simulate(scenario(changes), seed=5, threads=1), resumed)

    printed = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert printed.returncode == 0
    assert "(finished before)" in printed.stdout
