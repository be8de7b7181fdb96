"""The same scenario and seed give the same run to the bit: twice, in any order of days and on any number of threads."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from small import ROUGH, SCENARIOS, TABLES, assert_equal_frames, scenario

import sim
from sim.engine.day.tiles import CUT, Cut
from sim.engine.market import Market
from sim.results.run import Run

# Five chunks, the last one short: 4 whole ones and a tile that is not full.
LARGE: dict[str, Any] = {
    "merchants.number": 20_000,
    "calendar": {"start": "2012-03-10", "days": 30},
    "lenders.ali.equity": "10 m yuan",
    "lenders.rival": {"equity": "2 m yuan", "products": {"annuity": {}, "sales_share": {}}},
}


@pytest.fixture(autouse=True)
def _threads_stay_as_they_were() -> Any:
    before = numba.get_num_threads()
    yield
    numba.set_num_threads(before)


@pytest.fixture(scope="module")
def on_one_thread() -> Run:
    return sim.simulate(scenario(LARGE), seed=5, threads=1)


@pytest.mark.parametrize("changes", [{}, ROUGH], ids=["tiny", "rough"])
def test_twice_the_same(changes: dict[str, Any]) -> None:
    plan = scenario(changes)
    one, two = (sim.simulate(plan, seed=5, threads=1) for _ in range(2))
    assert_equal_frames(one, two)
    assert all(len(getattr(one, name)) > 0 for name in TABLES)


def test_one_and_two_threads(on_one_thread: Run) -> None:
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("numba was started with one thread")
    plan = scenario(LARGE)
    assert plan.n_merchants > 4 * CUT.chunk
    assert_equal_frames(on_one_thread, sim.simulate(plan, seed=5, threads=2))
    assert numba.get_num_threads() == 2
    assert all(len(getattr(on_one_thread, name)) > 0 for name in TABLES)
    assert set(on_one_thread.loans["lender"]) == {"ali", "rival"}


# Of the loans, applications and merchants of forty days of the scenario `tiny`: Python 3.11 with NumPy 2.4 and Python
# 3.12 with NumPy 2.5 give these. A change of a rule gives others: record them, and say **Regression** in the changelog.
RECORDED = {"loans": "da5b97d4cd5062b4", "applications": "fedf45033bd4b313", "merchants": "94aac994c61481c3"}


def test_another_python_gives_the_recorded_run() -> None:
    run = sim.simulate(scenario({"calendar.days": 40}), seed=5, threads=1)
    found = {}
    for name in RECORDED:
        digest = hashlib.sha256()
        for column in run.table(name).to_pydict().values():
            digest.update(repr(column).encode())
        found[name] = digest.hexdigest()[:16]
    assert found == RECORDED


@pytest.mark.parametrize(
    "cut", [Cut(64, 64), Cut(500, 1500), Cut(512, 4096), Cut(1024, 32768), Cut(32768, 32768)], ids=str
)
def test_any_cut_into_tiles_and_chunks(on_one_thread: Run, cut: Cut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Market, "cut", cut)
    assert_equal_frames(on_one_thread, sim.simulate(scenario(LARGE), seed=5, threads=1))


def test_more_threads_than_cores(on_one_thread: Run, tmp_path: Path) -> None:
    """Eight threads, in a process of their own, since numba fixes their greatest number when it starts."""
    code = (
        "import sys, sim, numba\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from small import scenario\n"
        "from test_same_bits import LARGE\n"
        "sim.simulate(scenario(LARGE), seed=5, threads=8, out=sys.argv[2])\n"
        "print(numba.get_num_threads())"
    )
    words = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "run")]
    eight = os.environ | {"NUMBA_NUM_THREADS": "8"}
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, env=eight)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["8"]
    assert_equal_frames(on_one_thread, sim.open_run(tmp_path / "run"))


def test_another_seed_gives_another_run(on_one_thread: Run) -> None:
    other = sim.simulate(scenario(LARGE), seed=6, threads=1)
    with pytest.raises(AssertionError):
        assert_equal_frames(on_one_thread, other)


def test_the_last_bit_of_one_number_counts(on_one_thread: Run) -> None:
    """What compares two runs is strict: one unit in the last place of one merchant's luck is a difference."""
    again = sim.simulate(scenario(LARGE), seed=5, threads=1)
    luck = again.merchants["luck"].to_numpy(copy=True)
    again.merchants["luck"] = np.where(np.arange(luck.size) == 7, np.nextafter(luck, np.inf), luck)
    with pytest.raises(AssertionError):
        assert_equal_frames(on_one_thread, again)


def test_two_markets_step_by_step_side_by_side_do_not_touch_each_other() -> None:
    plan = scenario({"merchants.number": 400, "calendar.days": 40})
    alone, beside, other = Market(plan, rng=1), Market(plan, rng=1), Market(plan, rng=2)
    alone.run_days(40)
    while beside.running:
        beside.step()
        other.step()
    ours, theirs = alone.merchants.columns(), beside.merchants.columns()
    assert all(ours[name].tobytes() == theirs[name].tobytes() for name in ours)
    assert alone.book.records[: alone.book.n].tobytes() == beside.book.records[: beside.book.n].tobytes()
    assert alone.books.state() == beside.books.state()


def test_no_global_generator_is_used_or_left_changed() -> None:
    plan = scenario({"merchants.number": 300, "calendar.days": 20})
    runs = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        before = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
        runs.append(sim.simulate(plan, seed=1, threads=1))
        assert np.array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
        assert before[1] == random.getstate()
    assert_equal_frames(*runs)


def test_another_process_gives_the_same_run(tmp_path: Path) -> None:
    """Hashes of text differ between processes; results do not."""
    out = tmp_path / "run"
    words = [str(SCENARIOS / "tiny.yaml"), "--out", str(out), "--no-report", "--seed", "5"]
    command = [sys.executable, "-m", "sim.app.cli", "run", *words, "--set", "calendar.days=40"]
    elsewhere = os.environ | {"PYTHONHASHSEED": "17"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=elsewhere)
    assert done.returncode == 0, done.stderr
    here = sim.simulate(scenario({"calendar.days": 40}), seed=5, out=tmp_path / "here", threads=1)
    assert_equal_frames(sim.open_run(out), here)
