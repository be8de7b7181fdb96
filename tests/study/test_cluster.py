"""Work on a dask cluster: the same outcomes, refused addresses, workers and clients that die."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_tasks
import pytest

from sim.study import cluster
from sim.study.addresses import ClusterError, read_address
from sim.study.arms import name_arms
from sim.study.cluster import batch_size
from sim.study.runner import Job, Outcome, run_jobs

distributed = pytest.importorskip("distributed")

NONE: Any = None  # most tasks here look at no scenario
TINY = Path(__file__).parents[2] / "scenarios" / "tiny.yaml"


def jobs(n: int, out: Path | None = None) -> list[Job]:
    return [Job("a", NONE, seed, None if out is None else out / f"seed-{seed}") for seed in range(1, n + 1)]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Two workers with a thread each, which their nannies start again when they die."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    ) as two_workers:
        yield two_workers.scheduler_address


def sleeps(n: int, out: Path) -> list[Job]:
    return [Job("nap", NONE, seed, out / str(seed)) for seed in range(1, n + 1)]


# ------------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "text", ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786", "tcp://127.8.8.8:1", "tls://far.cn:1"]
)
def test_loopback_needs_nothing_and_tls_may_go_far(text: str) -> None:
    assert str(read_address(text)) == text


@pytest.mark.parametrize(
    "text", ["tcp://10.0.0.7:8786", "tcp://far.cn:8786", "tcp://localhost.far.cn:8786", "tcp://[2001:db8::1]:8786",
             "tcp://0.0.0.0:8786", "tcp://2130706433:8786"]
)  # fmt: skip
def test_another_machine_without_tls_needs_a_word(text: str) -> None:
    with pytest.raises(ClusterError, match="--insecure-cluster") as refused:
        read_address(text)
    assert text in str(refused.value)
    assert str(read_address(text, insecure=True)) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://127.0.0.1:8786", "http:// is not spoken here"),
        ("inproc://127.0.0.1:8786", "inproc:// is not spoken here"),
        ("127.0.0.1:8786", "is no address of a cluster"),
        ("", "is no address of a cluster"),
        ("tcp://", "is no address of a cluster"),
        ("tcp://127.0.0.1@far.cn:8786", "is no address of a cluster"),
        ("tcp://127.0.0.1:8786/x", "is no address of a cluster"),
        ("tcp://127.0.0.1", "no port between 1 and 65535"),
        ("tcp://127.0.0.1:0", "no port between 1 and 65535"),
        ("tcp://127.0.0.1:70000", "no port between 1 and 65535"),
        ("tcp://[1:2]:80", "is no IPv6 address"),
    ],
)
def test_what_is_no_address_is_refused_by_name_before_anything_begins(text: str, said: str) -> None:
    told: list[Any] = []
    with pytest.raises(ClusterError, match=said) as refused:
        run_jobs(jobs(2), cluster=text, task=fake_tasks.square, insecure=True, progress=lambda *now: told.append(now))
    assert text in str(refused.value)
    assert told == []


def test_tls_without_certificates_says_what_is_missing() -> None:
    with pytest.raises(ClusterError, match=r"tls needs certificates; set distributed\.comm\.tls\.ca-file"):
        run_jobs(jobs(2), cluster="tls://127.0.0.1:8786", task=fake_tasks.square)


def test_certificates_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import dask

    with (
        dask.config.set(
            {"distributed.comm.tls.ca-file": "/no/ca.pem", "distributed.comm.tls.client.cert": "/no/me.pem"}
        ),
        pytest.raises(ClusterError, match="certificates of dask's configuration cannot be read"),
    ):
        run_jobs(jobs(2), cluster="tls://127.0.0.1:8786", task=fake_tasks.square)


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Any:
        raise ModuleNotFoundError("No module named 'distributed'")

    monkeypatch.setattr(cluster, "_dask", missing)
    with pytest.raises(ClusterError, match=r"pip install 'lendsim\[study\]'"):
        run_jobs(jobs(2), cluster="tcp://127.0.0.1:8786", task=fake_tasks.square)


def test_nobody_there_and_somebody_who_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "REACH_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(ClusterError, match=f"127.0.0.1:{port}: no scheduler of dask answers"):
            run_jobs(jobs(2), cluster=f"tcp://127.0.0.1:{port}", task=fake_tasks.square)
    with pytest.raises(ClusterError, match="is one running there"):
        run_jobs(jobs(2), cluster=f"tcp://127.0.0.1:{port}", task=fake_tasks.square)


# ------------------------------------------------------------------------------------------------------ the work


@pytest.mark.parametrize(("left", "workers", "seconds"), [(400, 2, 0.25), (7, 4, 0.001), (1, 9, 5.0), (50, 2, None)])
def test_batches_are_some_seconds_long_and_leave_work_for_all(left: int, workers: int, seconds: float | None) -> None:
    size = batch_size(left, workers, seconds)
    assert 1 <= size <= max(1, left // (2 * workers))
    assert seconds is None or size == 1 or size * seconds <= cluster.BATCH_SECONDS
    assert seconds is not None or size == 1


def test_a_market_is_the_same_to_the_bit_on_the_cluster(address: str) -> None:
    arms = name_arms([TINY], vary="lenders.ali.scoring.cutoff=0.6,0.7", overrides=["calendar.days=30"], scale=0.2)
    runs = [Job(name, scenario, seed) for name, scenario in arms.items() for seed in (1, 2, 3)]
    told: list[tuple[int, int, int]] = []
    here = run_jobs(runs, workers=1)
    there = run_jobs(runs, cluster=address, progress=lambda *now: told.append(now))
    assert not any(outcome.has_failed for outcome in here)
    assert repr([replace(o, seconds=0) for o in there]) == repr([replace(o, seconds=0) for o in here])
    assert [done for done, _, _ in told] == list(range(7))


def test_many_seeds_go_in_one_task(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def size_of(n_left: int, n_workers: int, seconds: float | None) -> int:
        sizes.append(batch_size(n_left, n_workers, seconds))
        return sizes[-1]

    monkeypatch.setattr(cluster, "batch_size", size_of)
    got = run_jobs(jobs(300), cluster=address, task=fake_tasks.square)
    assert [o.summary for o in got] == [{"disbursed": s * s} for s in range(1, 301)]
    assert sum(sizes) == 300
    assert len(sizes) < 40


def test_a_failing_run_is_recorded_and_the_rest_go_on(address: str) -> None:
    got = run_jobs(jobs(5), cluster=address, task=fake_tasks.break_at_three)
    assert [o.seed for o in got if o.has_failed] == [3]
    assert "Traceback" in got[2].failure
    assert got[2].reason == "2012-01-05, lender ali, account loans: 1 fen too many"


def test_a_run_that_kills_its_workers_fails_alone(address: str) -> None:
    got = run_jobs(jobs(6), cluster=address, task=fake_tasks.die_at_three)
    assert [o.seed for o in got if o.has_failed] == [3]
    assert "died in the middle of the run, twice" in got[2].reason
    assert [o.summary for o in got if not o.has_failed] == [{"disbursed": s * s} for s in (1, 2, 4, 5, 6)]


def test_the_run_of_a_worker_that_is_killed_is_done_again(address: str, tmp_path: Path) -> None:
    note = tmp_path / "seed-1" / "pid"

    def kill() -> None:
        until = time.monotonic() + 30
        while not (note.exists() and note.read_text()):
            assert time.monotonic() < until
            time.sleep(0.02)
        os.kill(int(note.read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    got = run_jobs(jobs(5, tmp_path), cluster=address, task=fake_tasks.hang_once)
    killer.join()
    assert [o.summary for o in got] == [{"disbursed": s * s} for s in range(1, 6)]


def test_what_each_raises_comes_out_and_the_cluster_stays(address: str) -> None:
    def refuse(place: int, outcome: Outcome) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        run_jobs(jobs(9), cluster=address, task=fake_tasks.square, each=refuse)
    assert not run_jobs(jobs(1), cluster=address, task=fake_tasks.square)[0].has_failed


def test_workers_with_other_code_are_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.results import manifest

    monkeypatch.setattr(manifest, "code_version", lambda: "0.0.1+of-another-day")
    with pytest.raises(ClusterError, match=r"has lendsim .*, here is 0\.0\.1\+of-another-day; install the same on all"):
        run_jobs(jobs(2), cluster=address, task=fake_tasks.square)


def test_a_cluster_without_workers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "REACH_SECONDS", 1.0)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=50) as empty,
        pytest.raises(ClusterError, match="has no workers"),
    ):
        run_jobs(jobs(2), cluster=empty.scheduler_address, task=fake_tasks.square)


def test_a_cluster_that_ends_in_the_middle_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dying = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs=50, processes=False, protocol="tcp://"
    )
    address = dying.scheduler_address
    monkeypatch.setattr(cluster, "WAIT_SECONDS", 2.0)
    with pytest.raises(ClusterError, match="lost"):
        run_jobs(sleeps(50, tmp_path), cluster=address, task=fake_tasks.nap, each=lambda *_: dying.close())


SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what is started in the background
sys.path.insert(0, {tests!r})
import fake_tasks
from pathlib import Path
from sim.study.runner import Job, run_jobs
jobs = [Job("nap", None, seed, Path({out!r}) / str(seed)) for seed in range(1, 101)]
run_jobs(jobs, cluster={address!r}, task=fake_tasks.nap, each=lambda *told: print(*told, flush=True))
"""


def test_ctrl_c_cancels_what_is_in_flight_and_leaves_the_cluster(address: str, tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(tests=str(Path(__file__).parent), out=str(tmp_path), address=address)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    for _ in range(3):  # by now batches of several jobs are out
        assert program.stdout.readline()
    begun = time.monotonic()
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=30)
    assert time.monotonic() - begun < 10
    assert program.returncode != 0
    assert said.strip().endswith("KeyboardInterrupt")
    time.sleep(1.2)  # the workers end the run they are at
    done = len(list(tmp_path.glob("*/done")))
    assert done < 20
    time.sleep(1.2)
    assert len(list(tmp_path.glob("*/done"))) == done, "a cancelled batch goes on"
    assert not run_jobs(jobs(1), cluster=address, task=fake_tasks.square)[0].has_failed
