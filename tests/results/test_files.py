"""The files of a run: harmed, edited or half written ones are found out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from paper_run import manifest, twelve_run, twelve_tables

from sim.errors import StoreError
from sim.results import files
from sim.results.files import FolderState
from sim.results.store import RunFolder, open_run


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _drop_row(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)


@pytest.mark.parametrize("name", ["daily.parquet", "loans.parquet", "scenario.yaml", "manifest.json"])
@pytest.mark.parametrize("harm", [_truncate, _flip, Path.unlink])
def test_a_harmed_file_is_found_out(tmp_path: Path, name: str, harm: Callable[[Path], None]) -> None:
    path = twelve_run().save(tmp_path / "run").path
    harm(path / name)
    with pytest.raises(StoreError) as caught:
        open_run(path)
    assert name in str(caught.value)


def test_a_lost_row_is_found_out_without_reading_everything(tmp_path: Path) -> None:
    path = twelve_run().save(tmp_path / "run").path
    _drop_row(path / "daily.parquet")
    with pytest.raises(StoreError, match=r"daily\.parquet"):
        open_run(path, verify=False)


def test_row_counts_are_compared(tmp_path: Path) -> None:
    path = twelve_run().save(tmp_path / "run").path
    file = path / "loans.parquet"
    written = {"rows": 13, "bytes": file.stat().st_size, "sha256": files.file_hash(file)}
    with pytest.raises(StoreError, match="has 12 rows, the manifest says 13"):
        files.verify_file(file, written)


def test_an_edited_manifest_is_found_out(tmp_path: Path) -> None:
    path = twelve_run().save(tmp_path / "run").path
    kept = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**kept, "seed": 8}))
    with pytest.raises(StoreError, match=r"manifest\.json: was changed after the run"):
        open_run(path)
    (path / "manifest.json").write_text(json.dumps({**kept, "schema_version": 99}))
    with pytest.raises(StoreError, match="schema version 99; this lendsim reads 1"):
        open_run(path)
    (path / "manifest.json").write_text("[1]")
    with pytest.raises(StoreError, match="was not written by lendsim"):
        open_run(path)


def test_what_is_no_run_says_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no such folder"):
        open_run(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="is empty"):
        open_run(tmp_path)
    folder = RunFolder(tmp_path / "half")
    folder.begin(manifest())
    with pytest.raises(StoreError, match="unfinished run; the command that began it resumes it"):
        open_run(tmp_path / "half")
    twelve_run().save(tmp_path / "many" / "seed-1")
    with pytest.raises(StoreError, match="open one of them, such as seed-1"):
        open_run(tmp_path / "many")
    (tmp_path / "many" / "seed-1" / "manifest.json").unlink()
    with pytest.raises(StoreError, match="is no run folder"):
        open_run(tmp_path / "many" / "seed-1")


def test_states_of_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "run"
    folder = RunFolder(path)
    assert folder.state is FolderState.ABSENT
    path.mkdir()
    assert folder.state is FolderState.EMPTY
    (path / ".unfinished.json.tmp").write_text("{")  # killed before its first word
    assert folder.state is FolderState.EMPTY
    assert folder.begin(manifest()) is None
    assert folder.state is FolderState.UNFINISHED
    assert sorted(os.listdir(path)) == [".lock", "unfinished.json"]
    folder.discard()
    assert folder.state is FolderState.EMPTY
    assert os.listdir(path) == []
    (path / "letter.txt").write_text("dear")
    assert folder.state is FolderState.FOREIGN
    assert RunFolder(path / "letter.txt").state is FolderState.FOREIGN


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_whole(tmp_path / "report.html", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match=r"report\.html: cannot be written: .*No space left"):
            files.write_whole(tmp_path / "report.html", b"new")
    assert (tmp_path / "report.html").read_bytes() == b"old"


def test_a_harmed_checkpoint_is_found_out(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(manifest())
    folder.save_checkpoint({"daily": twelve_tables()["daily"]}, {"merchant": {"wallet": np.arange(3)}}, {})
    folder.release()
    _flip(tmp_path / "run" / "segments" / "0001" / "daily.arrow")
    with pytest.raises(StoreError, match=r"segments/0001/daily\.arrow: was changed"):
        RunFolder(tmp_path / "run").begin(manifest())
