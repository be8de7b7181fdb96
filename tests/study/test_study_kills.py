"""A study killed with -9 at random moments goes on with the same command, and ends with the same answer to the bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from sim.study.records import read_records
from sim.study.study import ANSWER, RUNS

TINY = Path(__file__).parents[2] / "scenarios" / "tiny.yaml"
FILE = f"""\
kind: sweep
scenario: {TINY}
scale: 0.2
set: {{calendar.days: 40}}
levers: {{cutoff: {{key: lenders.ali.scoring.cutoff, values: [0.3, 0.5, 0.7, 0.8]}}}}
seeds: 12
measures: [disbursed, npl30]
"""
WORKERS = 2


def command(folder: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "sim.app.cli", "study", str(folder / "study.yaml"), "--out", str(out), *more]


def answer(out: Path) -> tuple[bytes, bytes]:
    return (out / RUNS).read_bytes(), (out / ANSWER).read_bytes()


def kill_and_go_on(folder: Path, n: int, *more: str, longest: float) -> None:
    """Kill the command ``n`` times at moments drawn over its life, let it end, and compare with one never killed."""
    (folder / "study.yaml").write_text(FILE)
    subprocess.run(command(folder, folder / "whole", *more), check=True, capture_output=True, timeout=300)
    expected, moments, out = answer(folder / "whole"), Random(7), folder / "killed"
    kills, begun = 0, 0
    while kills < n:
        begun += 1
        process = subprocess.Popen(
            command(folder, out, *more), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        try:
            process.wait(longest * moments.random())
        except subprocess.TimeoutExpired:
            before = set(finished(out))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            assert before <= set(finished(out)), "a recorded run was lost"
            continue
        assert process.returncode == 0, process.stderr.read().decode() if process.stderr else ""
        assert answer(out) == expected
        if kills < n:  # it was quicker than the kill: another life
            out = folder / f"killed-{begun}"
    done = subprocess.run([*command(folder, out, *more), "--json"], check=True, capture_output=True, timeout=300)
    assert answer(out) == expected
    assert json.loads(done.stdout)["summary"]["failed"] == []
    records = read_records(out)
    assert len({record.key for record in records}) == len(records) == 48, "a recorded run was done again"


def finished(out: Path) -> list[str]:
    return [record.key for record in read_records(out)] if (out / "records.jsonl").exists() else []


def test_killed_three_times(tmp_path: Path) -> None:
    kill_and_go_on(tmp_path, 3, "--workers", str(WORKERS), longest=8.0)


@pytest.mark.slow
def test_killed_fifty_times(tmp_path: Path) -> None:
    kill_and_go_on(tmp_path, 50, "--workers", str(WORKERS), longest=8.0)


def test_interrupted_it_ends_at_once_and_cleanly(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(FILE)
    begin = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    begin += "from sim.app.cli import main; sys.argv = ['lendsim', *sys.argv[1:]]; main()"
    arguments = command(tmp_path, tmp_path / "out")[3:]
    process = subprocess.Popen(
        [sys.executable, "-c", begin, *arguments], stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not finished(tmp_path / "out") and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    told = process.communicate(timeout=20)[1].decode()
    assert process.returncode == 130
    assert "the same command goes on with it" in told
    assert "Traceback" not in told
    assert len(finished(tmp_path / "out")) < 48


@pytest.mark.slow
def test_killed_ten_times_on_dask(tmp_path: Path) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        kill_and_go_on(tmp_path, 10, "--cluster", cluster.scheduler_address, longest=10.0)
    alone = tmp_path / "alone"
    subprocess.run(command(tmp_path, alone, "--workers", "2"), check=True, capture_output=True, timeout=300)
    assert answer(alone) == answer(tmp_path / "whole")
