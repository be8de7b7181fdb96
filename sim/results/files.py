"""The files of a run folder: what they are called, how one is written whole, and how an edited one is found out."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sim.errors import StoreError

FORMAT = "lendsim run"
SCHEMA_VERSION = 1
MANIFEST, UNFINISHED, SCENARIO, LOCK = "manifest.json", "unfinished.json", "scenario.yaml", ".lock"
#: What a file is called until it is whole: ``.NAME.tmp``.
TEMPORARY = ".tmp"


class FolderState(StrEnum):
    """What a folder holds, as seen by a run that would like to write there."""

    ABSENT = "absent"
    EMPTY = "empty"
    UNFINISHED = "unfinished"
    FINISHED = "finished"
    FOREIGN = "foreign"


def folder_state(path: Path) -> FolderState:
    """Say what a folder holds. Leftovers of a run killed before its first word count as nothing."""
    if not path.exists():
        return FolderState.ABSENT
    if not path.is_dir():
        return FolderState.FOREIGN
    names = {entry.name for entry in path.iterdir()}
    if MANIFEST in names:
        return FolderState.FINISHED
    if UNFINISHED in names:
        return FolderState.UNFINISHED
    ours = {name for name in names if name == LOCK or (name.startswith(".") and name.endswith(TEMPORARY))}
    return FolderState.FOREIGN if names - ours else FolderState.EMPTY


def why_no_run(folder: Path) -> str:
    """Say what stands in the way of opening a folder without a manifest, to follow its name and a colon."""
    state = folder_state(folder)
    if state is FolderState.UNFINISHED:
        return "holds an unfinished run; the command that began it resumes it"
    several = sorted(entry.name for entry in folder.glob("seed-*")) if folder.is_dir() else []
    if several:
        return f"holds {len(several)} runs; open one of them, such as {several[0]}"
    return {FolderState.ABSENT: "there is no such folder", FolderState.EMPTY: "is empty"}.get(
        state, f"is no run folder (it has no {MANIFEST})"
    )


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside, fsync it and give it its name: readers see the old one or the new one, never a half."""
    with labelled(path, "cannot be written"):
        write_bytes(beside(path), data)
        os.replace(beside(path), path)
        sync_folder(path.parent)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a mapping as JSON, whole or not at all; what JSON cannot hold raises."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_whole(path, text.encode() + b"\n")


def write_bytes(path: Path, data: bytes) -> None:
    """Write and fsync a file under the name given: `beside` first, if someone might read it."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def read_json(path: Path) -> dict[str, Any]:
    """Read a manifest or an ``unfinished.json`` of the schema version that this lendsim knows."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise StoreError(f"{path}: was not written by lendsim")
    if content.get("schema_version") != SCHEMA_VERSION:
        raise StoreError(
            f"{path}: has schema version {content.get('schema_version')!r}; this lendsim reads {SCHEMA_VERSION}"
        )
    return content


def verify_file(path: Path, written: Mapping[str, Any], *, content: bool = True) -> None:
    """Compare a table's file with what was written: ``bytes``, ``rows`` and, with `content`, ``sha256``."""
    if not path.is_file():
        raise StoreError(f"{path}: is missing")
    size = path.stat().st_size
    if size != written["bytes"]:
        raise StoreError(f"{path}: has {size} bytes, the run wrote {written['bytes']}: truncated or edited")
    if content and file_hash(path) != written["sha256"]:
        raise StoreError(f"{path}: was changed after the run (its hash is not the manifest's)")
    rows = count_rows(path)
    if rows != written["rows"]:
        raise StoreError(f"{path}: has {rows} rows, the manifest says {written['rows']}")


def count_rows(path: Path) -> int:
    """Rows of a parquet or an arrow file."""
    if path.suffix == ".parquet":
        with pq.ParquetFile(path) as file:
            return int(file.metadata.num_rows)
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as table:
        return sum(table.get_batch(place).num_rows for place in range(table.num_record_batches))


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def beside(path: Path) -> Path:
    """Return the name a file or folder has until it is whole."""
    return path.with_name(f".{path.name}{TEMPORARY}")


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Make renames in a folder outlive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def labelled(path: Path, problem: str) -> Iterator[None]:
    """Turn what the system or arrow complains of inside into a StoreError that names the path and the problem."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{path}: {problem}: {error}") from error
