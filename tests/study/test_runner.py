"""The runner: the same outcomes on any number of workers, failures kept, clean starts and clean ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import fake_tasks
import pytest

from sim.study.runner import Job, run_jobs

NONE: Any = None  # the tasks here look at no scenario


def jobs(n: int, out: Path | None = None) -> list[Job]:
    return [Job("a", NONE, seed, None if out is None else out / f"seed-{seed}") for seed in range(1, n + 1)]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_outcomes_do_not_depend_on_the_workers(workers: int) -> None:
    got = run_jobs(jobs(5), workers=workers, task=fake_tasks.square)
    assert [(o.seed, o.summary) for o in got] == [(s, {"disbursed": s * s}) for s in range(1, 6)]


def test_one_worker_is_this_process_and_two_are_not() -> None:
    assert run_jobs(jobs(2), workers=1, task=fake_tasks.who_am_i)[0].summary["pid"] == os.getpid()  # type: ignore[index]
    for outcome in run_jobs(jobs(2), workers=2, task=fake_tasks.who_am_i):
        assert outcome.summary is not None
        assert outcome.summary["pid"] != os.getpid()
        assert outcome.summary["main_has_file"] == 0
        assert outcome.summary["numba_threads"] == 1
        assert outcome.summary["numba_loaded"] == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failing_run_is_recorded_and_the_rest_go_on(workers: int) -> None:
    told: list[tuple[int, int, int]] = []
    got = run_jobs(
        jobs(5), workers=workers, task=fake_tasks.break_at_three, progress=lambda *told_now: told.append(told_now)
    )
    assert [o.has_failed for o in got] == [False, False, True, False, False]
    assert got[2].summary is None
    assert "Traceback" in got[2].failure
    assert got[2].reason == "2012-01-05, lender ali, account loans: 1 fen too many"
    assert told[0] == (0, 5, 0)
    assert told[-1] == (5, 5, 1)
    assert len(told) == 6


def test_a_worker_that_dies_takes_only_its_own_run_with_it() -> None:
    got = run_jobs(jobs(6), workers=2, task=fake_tasks.die_at_three)
    assert [o.seed for o in got if o.has_failed] == [3]
    assert "killed by signal 9" in got[2].reason
    assert [o.summary for o in got if not o.has_failed] == [{"disbursed": s * s} for s in (1, 2, 4, 5, 6)]


def test_no_jobs_no_outcomes() -> None:
    assert run_jobs([], task=fake_tasks.square) == []


def test_the_same_run_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'a' with seed 1 is asked for twice"):
        run_jobs([*jobs(2), *jobs(1)], task=fake_tasks.square)
    folder = tmp_path / "x"
    with pytest.raises(ValueError, match="'b' with seed 1 is asked for twice"):
        run_jobs([Job("a", NONE, 1, folder), Job("b", NONE, 1, folder)], task=fake_tasks.square)


def test_no_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="0 workers; at least 1 is needed"):
        run_jobs(jobs(1), workers=0, task=fake_tasks.square)


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
import fake_tasks
from pathlib import Path
from sim.study.runner import Job, run_jobs
jobs = [Job("a", None, seed, Path({out!r}) / str(seed)) for seed in (1, 2, 3, 4)]
print([o.summary["disbursed"] for o in run_jobs(jobs, workers=2, task=fake_tasks.{task})])
"""


def script(task: str, out: Path) -> str:
    return SCRIPT.format(tests=str(Path(__file__).parent), out=str(out), task=task)


def test_a_program_without_a_guard_or_a_file_works(tmp_path: Path) -> None:
    program = tmp_path / "unguarded.py"
    program.write_text(script("square", tmp_path))
    from_file = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=True)
    assert from_file.stdout == "[1, 4, 9, 16]\n"
    piped = subprocess.run(
        [sys.executable, "-"], input=program.read_text(), capture_output=True, text=True, timeout=60, check=True
    )
    assert piped.stdout == "[1, 4, 9, 16]\n"


def begin_sleepers(tmp_path: Path) -> tuple[subprocess.Popen[str], list[int]]:
    program = subprocess.Popen(
        [sys.executable, "-c", script("sleep_long", tmp_path)], stderr=subprocess.PIPE, text=True
    )
    notes = [tmp_path / str(seed) / "pid" for seed in (1, 2)]
    until = time.monotonic() + 60
    while not all(note.exists() and note.read_text() for note in notes):
        assert time.monotonic() < until
        time.sleep(0.05)
    return program, [int(note.read_text()) for note in notes]


def assert_gone(pids: list[int]) -> None:
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text() for pid in pids):
        assert time.monotonic() < until, "a worker outlived its parent"
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_ctrl_c_stops_the_workers_at_once(tmp_path: Path) -> None:
    program, pids = begin_sleepers(tmp_path)
    begun = time.monotonic()
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=20)
    assert time.monotonic() - begun < 10
    assert program.returncode != 0
    assert said.strip().endswith("KeyboardInterrupt")
    assert_gone(pids)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    program, pids = begin_sleepers(tmp_path)
    program.kill()
    program.communicate(timeout=20)
    assert_gone(pids)
