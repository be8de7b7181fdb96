"""The only writer of run folders.

Everything is written beside under a temporary name, fsynced and renamed; ``manifest.json`` comes last and carries the
hash of every other file and of itself, so that a killed run leaves no readable half and an edited one is found out. A
run on its way keeps ``unfinished.json`` (whose run it is, and how far it came), ``segments/NNNN`` (tables closed at
checkpoints) and ``checkpoint/NNNN`` (the state to go on from); all three go when the manifest stands.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sim.errors import StoreError
from sim.results.run import (
    FORMAT,
    LOCK,
    MANIFEST,
    SCENARIO,
    SCHEMA_VERSION,
    TEMPORARY,
    UNFINISHED,
    FolderState,
    Run,
    TableLike,
    as_arrow,
    file_hash,
    folder_state,
    in_order,
    manifest_hash,
    open_run,
    read_json,
    read_manifest,
    verify_file,
)

__all__ = ["Checkpoint", "FolderState", "Run", "RunFolder", "code_version", "new_manifest", "open_run", "write_whole"]

#: What makes two runs the same run.
KEY = ("scenario_hash", "seed", "code_version", "plug_ins")
LIBRARIES = ("numpy", "numba", "pyarrow", "pandas", "scipy", "mesa", "simpy", "pydantic")
_ROW_GROUP = 1 << 18


@functools.cache
def code_version() -> str:
    """Version and hash of the package's sources, as ``0.1.0+3f2a...``."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for source in sorted(path for path in root.rglob("*") if path.suffix in {".py", ".yaml", ".j2"}):
        digest.update(source.relative_to(root).as_posix().encode() + b"\0" + source.read_bytes() + b"\0")
    # By name: the root package is above this floor of the house, and only its number is wanted.
    return f"{importlib.import_module('sim').__version__}+{digest.hexdigest()[:16]}"


def library_versions() -> dict[str, str]:
    """Versions of Python, the kind of processor and the libraries that touch the numbers."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def new_manifest(
    *,
    scenario_hash: str,
    world_hash: str,
    seed: int,
    report_from: str,
    report_to: str,
    lenders: Iterable[str],
    plug_ins: Mapping[str, str] | None = None,
    provenance: Mapping[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return the manifest of a run about to start.

    Parameters
    ----------
    scenario_hash, world_hash
        Hash of the resolved scenario, and of it without lenders and institutions.
    report_from, report_to
        The report window, ISO dates, both inclusive.
    plug_ins
        Hash of the source of each user policy, by ``module:Class``.
    provenance
        Where each value of the scenario came from, by dotted path.
    more
        Anything else worth keeping that JSON can hold.
    """
    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "status": "unfinished",
        "scenario_hash": scenario_hash,
        "world_hash": world_hash,
        "seed": seed,
        "code_version": code_version(),
        "plug_ins": dict(plug_ins or {}),
        "libraries": library_versions(),
        "report_from": report_from,
        "report_to": report_to,
        "lenders": list(lenders),
        "provenance": dict(provenance or {}),
        **more,
    }


@dataclass(frozen=True)
class Checkpoint:
    """The last state that a killed run left: its number, how far it came, and the tables to go on from."""

    number: int
    progress: Mapping[str, Any]
    state: Mapping[str, pa.Table]


class RunFolder:
    """A folder that holds, or will hold, one run.

    >>> folder = RunFolder("runs/base")                              # doctest: +SKIP
    >>> done = folder.finished(manifest)                             # doctest: +SKIP
    >>> checkpoint = folder.begin(manifest)                          # doctest: +SKIP
    >>> folder.save_checkpoint(closed_tables, state, {"day": 30})    # doctest: +SKIP
    >>> run = folder.finish(tables, scenario_yaml, manifest)         # doctest: +SKIP
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock: int | None = None
        self._is_begun = False

    @property
    def state(self) -> FolderState:
        """What the folder holds now."""
        return folder_state(self.path)

    def check(self, manifest: Mapping[str, Any]) -> None:
        """Refuse the folder if this manifest's run may not be written, resumed or shown here.

        Raises
        ------
        StoreError
            If it holds other files, another run, or the same run of other code (unfinished: or of other libraries).
        """
        state = self.state
        if state is FolderState.FOREIGN:
            what = "is a file" if self.path.is_file() else "holds files that are no run of lendsim"
            raise StoreError(f"{self.path}: {what}; choose an empty or a new folder")
        if state not in {FolderState.FINISHED, FolderState.UNFINISHED}:
            return
        kept = read_manifest(self.path) if state is FolderState.FINISHED else read_json(self.path / UNFINISHED)
        # A finished run may be shown whatever the libraries are now; going on with other ones could change its bits.
        parts = KEY if state is FolderState.FINISHED else (*KEY, "libraries")
        differing = _differences(kept, _as_json(manifest), parts)
        if differing:
            raise StoreError(
                f"{self.path}: holds another {state} run (differs in {'; '.join(differing)}); choose another folder"
            )

    def finished(self, manifest: Mapping[str, Any]) -> Run | None:
        """Return this manifest's run if the folder already holds it finished, None if it is still to be run.

        Raises
        ------
        StoreError
            As `check`; as `open_run` if what it holds cannot be trusted.
        """
        self.check(manifest)
        if self.state is not FolderState.FINISHED:
            return None
        run = open_run(self.path)
        if (self.path / UNFINISHED).exists():  # killed while clearing up, with the manifest already standing
            with contextlib.suppress(OSError):
                self._clear()
        return run

    def begin(self, manifest: Mapping[str, Any]) -> Checkpoint | None:
        """Take the folder for one run; return where to go on from, or None to start from the first day.

        Raises
        ------
        StoreError
            As `check`; also if the folder holds this run finished, or another process is writing it.
        """
        self._refuse_finished(manifest)
        with _labelled(self.path, "cannot be made ready"):
            self.path.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            # Between the first look and the lock another process may have come and gone.
            self._refuse_finished(manifest)
            self._is_begun = True
            if self.state is FolderState.UNFINISHED:
                return self._resume()
            self._sweep(keep=0)
            opening = {part: manifest.get(part) for part in (*KEY, "libraries")}
            head = {"format": FORMAT, "schema_version": SCHEMA_VERSION, "checkpoint": None}
            _write_json(self.path / UNFINISHED, {**head, **_as_json(opening)})
        return None

    def save_checkpoint(
        self, tables: Mapping[str, TableLike], state: Mapping[str, TableLike], progress: Mapping[str, Any]
    ) -> int:
        """Close a segment and keep the state to go on from; return the checkpoint's number (from 1).

        Parameters
        ----------
        tables
            Rows finished since the last checkpoint. In the merged table they come before later ones.
        state
            Everything a resumed run needs, as tables.
        progress
            Small things for JSON: the day, counters.
        """
        kept = self._kept()
        with _labelled(self.path, "cannot write a checkpoint"):
            earlier = kept["checkpoint"] or {"number": 0, "segments": {}}
            number = int(earlier["number"]) + 1
            name = f"{number:04d}"
            segments = {**earlier["segments"], name: _write_group(self.path / "segments" / name, tables)}
            files = _write_group(self.path / "checkpoint" / name, state, keeps_order=True)
            kept["checkpoint"] = {"number": number, "segments": segments, "state": files, "progress": dict(progress)}
            _write_json(self.path / UNFINISHED, kept)
            self._sweep(keep=number)
        return number

    def finish(self, tables: Mapping[str, TableLike], scenario_yaml: str, manifest: Mapping[str, Any]) -> Run:
        """Merge the segments with the last rows, write everything, the manifest last; return the run as read back.

        Parameters
        ----------
        tables
            Rows since the last checkpoint; for a table never put into a segment, all its rows.
        manifest
            As given to `begin`, with what became known since (time used, counts).
        """
        segments = (self._kept()["checkpoint"] or {"segments": {}})["segments"]
        with _labelled(self.path, "cannot write the run"):
            whole: dict[str, dict[str, Any]] = {}
            for name in sorted({*tables, *(name for segment in segments.values() for name in segment)}):
                parts: list[pa.Table | Path] = [
                    self.path / "segments" / number / f"{name}.parquet"
                    for number, segment in sorted(segments.items())
                    if name in segment
                ]
                parts += [as_arrow(tables[name])] if name in tables else []
                whole[name] = _write_parquet(_beside(self.path / f"{name}.parquet"), name, parts)
            _write_bytes(_beside(self.path / SCENARIO), scenario_yaml.encode())
            # All whole before the first gets its name: nobody reads one table of a run whose others are missing.
            for name in (*(f"{name}.parquet" for name in whole), SCENARIO):
                os.replace(_beside(self.path / name), self.path / name)
            _sync_folder(self.path)
            complete = _as_json(
                {
                    **manifest,
                    "format": FORMAT,
                    "schema_version": SCHEMA_VERSION,
                    "status": "finished",
                    "tables": whole,
                    "scenario_sha256": hashlib.sha256(scenario_yaml.encode()).hexdigest(),
                }
            )
            _write_json(self.path / MANIFEST, {**complete, "manifest_sha256": manifest_hash(complete)})
            self._clear()
        return open_run(self.path, verify=False)

    def release(self) -> None:
        """Let go of the folder without clearing it: what is unfinished can be resumed, here or elsewhere."""
        if self._lock is not None:
            (self.path / LOCK).unlink(missing_ok=True)
            os.close(self._lock)
        self._lock, self._is_begun = None, False

    def discard(self) -> None:
        """Throw away an unfinished run and everything it left. A finished run, and other files, stay."""
        if self.state is FolderState.UNFINISHED:
            with _labelled(self.path, "cannot be cleared"):
                self._clear()

    def _refuse_finished(self, manifest: Mapping[str, Any]) -> None:
        self.check(manifest)
        if self.state is FolderState.FINISHED:
            raise StoreError(f"{self.path}: this run is already finished here; open it with sim.open_run")

    def _kept(self) -> dict[str, Any]:
        if not self._is_begun or self.state is not FolderState.UNFINISHED:
            raise StoreError(f"{self.path}: begin the run before writing to it (the folder is {self.state})")
        return read_json(self.path / UNFINISHED)

    def _resume(self) -> Checkpoint | None:
        kept = read_json(self.path / UNFINISHED)["checkpoint"]
        self._sweep(keep=int(kept["number"]) if kept else 0)
        if not kept:
            return None
        for number, segment in kept["segments"].items():
            for name, written in segment.items():
                verify_file(self.path / "segments" / number / f"{name}.parquet", written)
        folder = self.path / "checkpoint" / f"{int(kept['number']):04d}"
        for name, written in kept["state"].items():
            verify_file(folder / f"{name}.parquet", written)
        state = {name: pq.ParquetFile(folder / f"{name}.parquet").read() for name in kept["state"]}
        return Checkpoint(int(kept["number"]), kept["progress"], state)

    def _sweep(self, keep: int) -> None:
        """Remove temporary files, segments past checkpoint `keep` and all states but that of `keep`."""
        for entry in list(self.path.iterdir()):
            if entry.name.endswith(TEMPORARY):
                _remove(entry)
        for kind, stays in (("segments", range(1, keep + 1)), ("checkpoint", range(keep, keep + 1))):
            folder = self.path / kind
            if keep == 0:
                _remove(folder)
            for entry in list(folder.iterdir()) if folder.is_dir() else []:
                if not entry.name.isdigit() or int(entry.name) not in stays:
                    _remove(entry)

    def _clear(self) -> None:
        self._sweep(keep=0)
        for name in (LOCK, UNFINISHED):
            (self.path / name).unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
        self._lock, self._is_begun = None, False

    def _take_lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # not on Windows, where two writers of one folder are the user's care
            return
        if self._lock is None:
            handle = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                # The lock goes with the process, also at kill -9: no stale lock can block a resume.
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(handle)
                raise StoreError(f"{self.path}: another process is writing this run") from None
            self._lock = handle


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside, fsync it and give it its name: readers see the old one or the new one, never a half."""
    with _labelled(path, "cannot be written"):
        _write_bytes(_beside(path), data)
        os.replace(_beside(path), path)
        _sync_folder(path.parent)


def _as_json(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what JSON will give back of it: dates as text, tuples as lists, keys as text."""
    plain: dict[str, Any] = json.loads(json.dumps(content, default=str, allow_nan=False))
    return plain


def _differences(kept: Mapping[str, Any], wanted: Mapping[str, Any], parts: Iterable[str]) -> list[str]:
    told = {"scenario_hash": "scenario", "code_version": "version of the code", "plug_ins": "user policies"}
    found = []
    for part in parts:
        there, here = kept.get(part), wanted.get(part)
        if isinstance(there, dict) and isinstance(here, dict):
            names = sorted(name for name in {*there, *here} if there.get(name) != here.get(name))
            there, here = ({name: side.get(name) for name in names} for side in (there, here))
        if there != here:
            found.append(f"{told.get(part, part)}: {there} there, {here} here")
    return found


def _write_group(
    folder: Path, tables: Mapping[str, TableLike], *, keeps_order: bool = False
) -> dict[str, dict[str, Any]]:
    """Write tables into a folder that gets its name when it is whole; a state's rows stay where they are."""
    beside = _beside(folder)
    _remove(beside)
    _remove(folder)
    beside.mkdir(parents=True)
    written = {
        name: _write_parquet(beside / f"{name}.parquet", "" if keeps_order else name, [as_arrow(table)])
        for name, table in tables.items()
    }
    _sync_folder(beside)
    os.replace(beside, folder)
    _sync_folder(folder.parent)
    return written


def _write_parquet(path: Path, name: str, parts: list[pa.Table | Path]) -> dict[str, Any]:
    schemas = [part.schema if isinstance(part, pa.Table) else pq.read_schema(part) for part in parts]
    schema = _common_schema(name, schemas)
    rows = 0
    if name == "loans" and len(parts) > 1:
        # A loan is written when it ends: only the whole tape can be put into its order.
        parts = [pa.concat_tables([batch.cast(schema) for part in parts for batch in _batches(part)])]
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for piece in _rechunk(parts, schema, name):
            writer.write_table(piece, row_group_size=_ROW_GROUP)
            rows += piece.num_rows
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return {"rows": rows, "bytes": path.stat().st_size, "sha256": file_hash(path)}


def _common_schema(name: str, schemas: list[pa.Schema]) -> pa.Schema:
    """One schema for all parts; a column still without a value (type null) takes its type from the others."""
    first = schemas[0]
    for other in schemas[1:]:
        if other.names != first.names:
            odd = sorted(set(other.names) ^ set(first.names)) or "their order"
            raise StoreError(f"table {name}: the columns changed between two checkpoints: {odd}")
    known: list[pa.Field] = []
    for position, column in enumerate(first.names):
        kinds = {schema.types[position] for schema in schemas} - {pa.null()}
        if len(kinds) > 1:
            raise StoreError(f"table {name}: column {column} changed its type: {', '.join(sorted(map(str, kinds)))}")
        known.append(pa.field(column, kinds.pop() if kinds else pa.null()))
    return pa.schema(known)


def _rechunk(parts: list[pa.Table | Path], schema: pa.Schema, name: str) -> Iterator[pa.Table]:
    """Yield the rows of all parts, sorted, in pieces of one size, so that bytes do not tell where checkpoints were."""
    waiting = schema.empty_table()
    for part in parts:
        for batch in [in_order(part, name)] if isinstance(part, pa.Table) else _batches(part):
            waiting = pa.concat_tables([waiting, batch.cast(schema)])
            while waiting.num_rows >= _ROW_GROUP:
                yield waiting.slice(0, _ROW_GROUP).combine_chunks()
                waiting = waiting.slice(_ROW_GROUP)
    if waiting.num_rows:
        yield waiting.combine_chunks()


def _batches(part: pa.Table | Path) -> Iterator[pa.Table]:
    if isinstance(part, pa.Table):
        yield part
        return
    with pq.ParquetFile(part) as file:
        for batch in file.iter_batches(_ROW_GROUP):
            yield pa.Table.from_batches([batch])


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_whole(path, text.encode() + b"\n")


def _write_bytes(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}{TEMPORARY}")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync_folder(path: Path) -> None:
    """Make renames in a folder outlive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _labelled(path: Path, problem: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{path}: {problem}: {error}") from error
