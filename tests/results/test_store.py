"""Run folders: whole or not at all, resumed where they were left, refused when they cannot be trusted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from paper_run import manifest, scenario, twelve_run, twelve_tables

from sim.errors import StoreError
from sim.results import store, tables
from sim.results.files import FolderState
from sim.results.run import Run
from sim.results.store import RunFolder, open_run

TABLES = ("applications", "daily", "loan_months", "loans", "merchants")


class Killed(BaseException):
    """Stands for kill -9: nothing below may catch it."""


def cut(tables: dict[str, pa.Table], first: str, last: str) -> dict[str, pa.Table]:
    """Return the rows of a stretch of days; a loan comes when it is closed."""
    found = {}
    for name, column in (("daily", "date"), ("loan_months", "month_end"), ("loans", "closed")):
        dates = np.array([str(date or "9999-12-31") for date in tables[name][column].to_pylist()])
        found[name] = tables[name].filter(pa.array((dates >= first) & (dates <= last)))
    return found


def write_in_three(folder: RunFolder) -> Run:
    """Write the twelve loans with two checkpoints, from wherever the folder stands."""
    tables = twelve_tables()
    checkpoint = folder.begin(manifest())
    step = checkpoint.number if checkpoint else 0
    if checkpoint:
        assert checkpoint.progress == {"day": 30 * step}
        # Named as a table that is sorted when it is a result: the rows of a state are places in arrays.
        assert checkpoint.state["merchants"].to_pydict() == {"merchant_id": [9, 7, 8], "wallet": [step, 2, 3]}
    spans = [("0000-00-00", "2012-03-15"), ("2012-03-16", "2012-06-02"), ("2012-06-03", "9999-99-99")]
    for number, (first, last) in list(enumerate(spans, start=1))[step:2]:
        state = {"merchants": {"merchant_id": np.array([9, 7, 8]), "wallet": np.array([number, 2, 3])}}
        assert folder.save_checkpoint(cut(tables, first, last), state, {"day": 30 * number}) == number
    rest = cut(tables, *spans[2]) | {name: tables[name] for name in ("applications", "merchants")}
    return folder.finish(rest, "about: {title: Twelve loans}\n", manifest(time_used={"wall_seconds": 3.25}))


def let_go(folder: RunFolder) -> None:
    """Do what the system does to the lock of a killed process."""
    if folder._lock is not None:
        os.close(folder._lock)
        folder._lock = None


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_comes_back_as_it_went(tmp_path: Path) -> None:
    before = twelve_run()
    after = before.save(tmp_path / "new" / "run")
    assert sorted(path.name for path in after.path.iterdir()) == sorted(
        [f"{name}.parquet" for name in TABLES] + ["manifest.json", "scenario.yaml"]
    )
    again = open_run(tmp_path / "new" / "run")
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(before, name), getattr(again, name))
    assert again.summary == before.summary
    assert again.scenario == scenario()
    assert again.manifest["status"] == "finished"
    assert again.manifest["tables"]["loans"]["rows"] == 12
    assert "seed 7" in repr(again)


def test_frames_have_dates_and_missing_ones(tmp_path: Path) -> None:
    loans = twelve_run().save(tmp_path / "run").loans
    assert str(loans["opened"].dtype).startswith("datetime64")
    assert loans["closed"].isna().sum() == 1  # loan 8 outlives the run
    assert loans["restructured"].dtype == bool
    assert twelve_run().daily["balance_fen"].dtype == np.int64


def test_the_manifest_says_who_made_it(tmp_path: Path) -> None:
    made = Run.from_tables(twelve_tables(), manifest(code_version=store.code_version()), scenario())
    kept = made.save(tmp_path / "run").manifest
    assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{16}", kept["code_version"])
    assert {"python", "numpy", "pyarrow"} <= set(kept["libraries"])
    assert kept["scenario_hash"] == "5ce0"
    assert kept["world_hash"] == "3041d"
    assert kept["plug_ins"] == {}
    assert kept["report_from"] == "2012-02-01"


def test_checkpoints_do_not_show_in_the_finished_run(tmp_path: Path) -> None:
    whole = twelve_run().save(tmp_path / "whole").path
    parts = write_in_three(RunFolder(tmp_path / "parts")).path
    for name in TABLES:
        assert (whole / f"{name}.parquet").read_bytes() == (parts / f"{name}.parquet").read_bytes(), name
    assert not any((parts / name).exists() for name in ("segments", "checkpoint", "unfinished.json", ".lock"))


def test_big_tables_are_merged_in_equal_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_ROW_GROUP", 50)
    whole = twelve_run().save(tmp_path / "whole").path
    parts = write_in_three(RunFolder(tmp_path / "parts")).path
    assert pq.ParquetFile(whole / "daily.parquet").num_row_groups == 6
    assert (whole / "daily.parquet").read_bytes() == (parts / "daily.parquet").read_bytes()


@pytest.mark.parametrize("kind", ["replace", "fsync"])
def test_a_run_killed_anywhere_is_no_run_and_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    wanted = bytes_of(write_in_three(RunFolder(tmp_path / "wanted")).path)
    original = getattr(os, kind)
    for n_steps in range(0, 400, {"replace": 1, "fsync": 3}[kind]):
        path = tmp_path / f"killed-{n_steps}"
        left = n_steps

        def step(*arguments: object) -> object:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return original(*arguments)

        folder = RunFolder(path)
        with monkeypatch.context() as patch:
            patch.setattr(os, kind, step)
            try:
                write_in_three(folder)
                is_killed = False
            except Killed:
                is_killed = True
        let_go(folder)
        if not is_killed:
            break
        if RunFolder(path).state is FolderState.FINISHED:
            resumed = RunFolder(path).finished(manifest())
        else:
            with pytest.raises(StoreError):
                open_run(path)
            names = {name.name for name in path.glob("*.parquet")}
            assert not names or names <= {f"{name}.parquet" for name in TABLES}
            resumed = write_in_three(RunFolder(path))
        assert resumed is not None
        assert bytes_of(path) == wanted, f"killed before {kind} {n_steps}"
    assert n_steps > 8
    assert not is_killed


def test_a_process_killed_outright_leaves_a_resumable_folder(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[1]); import paper_run as p; "
        "from sim.results.store import RunFolder; folder = RunFolder(sys.argv[2]); folder.begin(p.manifest()); "
        "folder.save_checkpoint({}, {'merchant': {'wallet': [1, 2, 3]}}, {'day': 30}); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    here = str(Path(__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code, here, str(tmp_path / "run")], check=False)
    assert done.returncode == -9
    checkpoint = RunFolder(tmp_path / "run").begin(manifest())
    assert checkpoint is not None
    assert checkpoint.number == 1


def test_other_peoples_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match="no run of lendsim"):
        RunFolder(tmp_path).begin(manifest())
    with pytest.raises(StoreError, match="is a file"):
        RunFolder(tmp_path / "letter.txt").begin(manifest())
    with pytest.raises(StoreError, match="begin the run before"):
        RunFolder(tmp_path / "new").finish({}, "", manifest())
    assert os.listdir(tmp_path) == ["letter.txt"]


@pytest.mark.parametrize(
    ("change", "told"),
    [({"seed": 8}, "seed: 7 there, 8 here"), ({"scenario_hash": "x"}, "scenario: 5ce0 there, x here"),
     ({"code_version": "9"}, "version of the code: 0.1.0+test there, 9 here"),
     ({"plug_ins": {"m:C": "1"}}, "user policies: {'m:C': None} there, {'m:C': '1'} here")],
)  # fmt: skip
@pytest.mark.parametrize("is_finished", [True, False])
def test_another_runs_folder_is_refused(tmp_path: Path, change: dict, told: str, is_finished: bool) -> None:
    if is_finished:
        twelve_run().save(tmp_path / "run")
    else:
        folder = RunFolder(tmp_path / "run")
        folder.begin(manifest())
        let_go(folder)
    before = bytes_of(tmp_path / "run")
    for attempt in (RunFolder(tmp_path / "run").begin, RunFolder(tmp_path / "run").finished):
        with pytest.raises(StoreError) as caught:
            attempt({**manifest(), **change})
        assert told in str(caught.value)
        assert str(tmp_path / "run") in str(caught.value)
    assert bytes_of(tmp_path / "run") == before


def test_going_on_with_other_libraries_is_refused_but_looking_is_not(tmp_path: Path) -> None:
    other = {**manifest(), "libraries": {**manifest()["libraries"], "numpy": "0.1"}}
    folder = RunFolder(tmp_path / "half")
    folder.begin(manifest())
    let_go(folder)
    with pytest.raises(StoreError, match=r"libraries: {'numpy': '.*'} there, {'numpy': '0.1'} here"):
        RunFolder(tmp_path / "half").begin(other)
    twelve_run().save(tmp_path / "whole")
    assert RunFolder(tmp_path / "whole").finished(other) is not None


def test_a_finished_run_is_shown_not_run_again(tmp_path: Path) -> None:
    assert RunFolder(tmp_path / "run").finished(manifest()) is None
    twelve_run().save(tmp_path / "run")
    found = RunFolder(tmp_path / "run").finished(manifest())
    assert found is not None
    assert found.summary == twelve_run().summary
    with pytest.raises(StoreError, match="already finished"):
        twelve_run().save(tmp_path / "run")


def test_two_writers_of_one_folder(tmp_path: Path) -> None:
    first = RunFolder(tmp_path / "run")
    first.begin(manifest())
    with pytest.raises(StoreError, match="another process is writing"):
        RunFolder(tmp_path / "run").begin(manifest())
    first.discard()
    assert RunFolder(tmp_path / "run").begin(manifest()) is None


def test_a_whole_run_takes_over_a_killed_half(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(manifest())
    folder.save_checkpoint(cut(twelve_tables(), "0000", "2012-04-01"), {}, {})
    let_go(folder)
    assert twelve_run().save(tmp_path / "run").daily.shape[0] == 274


def test_a_folder_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made ready"):
        RunFolder(tmp_path / "file" / "run").begin(manifest())
