"""The runner: the same outcomes on any number of workers, failures kept, clean starts and clean ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_tasks
import pytest

from sim.engine.scenario import load
from sim.study.arms import name_arms
from sim.study.jobs import Code, attempt
from sim.study.pool import Pool
from sim.study.processes import Staff
from sim.study.runner import Job, Outcome, run_jobs

NONE: Any = None  # most tasks here look at no scenario
TINY = Path(__file__).parents[2] / "scenarios" / "tiny.yaml"


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


@pytest.mark.parametrize("task", [fake_tasks.leave_at_three, fake_tasks.unsendable_at_three])
def test_what_a_task_may_do_wrong_fails_its_own_run_only(task: Any) -> None:
    got = run_jobs(jobs(5), workers=2, task=task)
    assert [o.seed for o in got if o.has_failed] == [3]
    assert got[2].reason
    assert "Traceback" in got[2].failure


def kill_who_writes(note: Path) -> threading.Thread:
    """Kill the process whose id is in a file, as soon as it is there."""

    def kill() -> None:
        until = time.monotonic() + 60
        while not (note.exists() and note.read_text()):
            assert time.monotonic() < until
            time.sleep(0.02)
        os.kill(int(note.read_text()), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def test_the_run_of_a_worker_that_is_killed_is_done_again(tmp_path: Path) -> None:
    killer = kill_who_writes(tmp_path / "seed-1" / "pid")
    got = run_jobs(jobs(5, tmp_path), workers=2, task=fake_tasks.hang_once)
    killer.join()
    assert [o.summary for o in got] == [{"disbursed": s * s} for s in range(1, 6)]


@pytest.mark.parametrize("workers", [1, 2])
def test_each_outcome_is_told_at_once_and_before_the_progress(workers: int) -> None:
    told: list[Any] = []
    got = run_jobs(
        jobs(4),
        workers=workers,
        task=fake_tasks.break_at_three,
        each=lambda place, outcome: told.append((place, outcome)),
        progress=lambda *now: told.append(now),
    )
    assert told[0] == (0, 4, 0)
    assert sorted(told[1::2], key=lambda one: one[0]) == list(enumerate(got))
    assert [now[0] for now in told[2::2]] == [1, 2, 3, 4]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_each_raises_stops_the_workers_and_comes_out(workers: int) -> None:
    told: list[int] = []

    def refuse(place: int, outcome: Outcome) -> None:
        told.append(place)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        run_jobs(jobs(9), workers=workers, task=fake_tasks.square, each=refuse)
    assert len(told) == 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_staff_that_was_stopped_is_taken_on_anew(tmp_path: Path) -> None:
    note = tmp_path / "seed-1" / "pid"

    def refuse(place: int, outcome: Outcome) -> None:
        until = time.monotonic() + 60
        while not (note.exists() and note.read_text()):
            assert time.monotonic() < until
            time.sleep(0.02)
        raise OSError(28, "No space left on device")

    with Staff() as staff:
        with pytest.raises(OSError, match="No space left"):
            run_jobs(jobs(9, tmp_path), workers=2, task=fake_tasks.hang_once, each=refuse, staff=staff)
        assert_gone([int(note.read_text())])
        again = run_jobs(jobs(2), workers=2, task=fake_tasks.square, staff=staff)
    assert [o.summary for o in again] == [{"disbursed": 1}, {"disbursed": 4}]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_staff_stays_from_call_to_call_and_is_gone_after() -> None:
    with Staff() as staff:
        pids = [
            {o.summary["pid"] for o in run_jobs(jobs(6), workers=2, task=fake_tasks.who_am_i, staff=staff)}  # type: ignore[index]
            for _ in range(2)
        ]
    assert len(pids[0] | pids[1]) <= 2
    assert_gone([int(pid) for pid in pids[0] | pids[1]])  # type: ignore[arg-type]


def test_a_market_is_the_same_to_the_bit_on_one_two_and_four_workers() -> None:
    arms = name_arms([TINY], vary="lenders.ali.scoring.cutoff=0.6,0.7", overrides=["calendar.days=30"], scale=0.2)
    runs = [Job(name, scenario, seed) for name, scenario in arms.items() for seed in (1, 2)]
    alone, *others = ([replace(o, seconds=0) for o in run_jobs(runs, workers=workers)] for workers in (1, 2, 4))
    assert not any(outcome.has_failed for outcome in alone)
    assert alone[0].summary != alone[2].summary
    assert [repr(other) for other in others] == [repr(alone)] * 2  # repr tells every bit of a float


def test_a_worker_with_other_code_does_nothing() -> None:
    got = attempt(fake_tasks.square, jobs(1)[0], Code("0.0.1+of-another-day"))
    assert got.has_failed
    assert "the study began with 0.0.1+of-another-day" in got.reason


def test_a_policy_that_changed_on_the_way_fails_the_run() -> None:
    from sim.results.manifest import code_version

    job = Job("a", load(TINY), 1)
    assert not attempt(fake_tasks.square, job, Code(code_version())).has_failed
    got = attempt(fake_tasks.square, job, Code(code_version(), {"my_policy:Mine": "hash of yesterday"}))
    assert "the policy my_policy:Mine was changed while the study ran" in got.reason


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
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what is started in the background
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
        [sys.executable, "-c", script("sleep_long", tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
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
    os.killpg(program.pid, signal.SIGINT)  # a terminal tells all of them
    _, said = program.communicate(timeout=20)
    assert time.monotonic() - begun < 10
    assert program.returncode != 0
    assert said.strip().endswith("KeyboardInterrupt")
    assert said.count("Traceback") == 1, "a worker had its say"
    assert_gone(pids)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="there are no masks of signals")
def test_a_worker_is_born_deaf_to_ctrl_c_and_its_parent_is_not() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with Pool(1) as pool:
        blocked = pool.executor.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
    assert signal.SIGINT in blocked, "Ctrl-C while it starts would end it with a traceback"
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    program, pids = begin_sleepers(tmp_path)
    program.kill()
    program.communicate(timeout=20)
    assert_gone(pids)
