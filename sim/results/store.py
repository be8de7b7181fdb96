"""The only writer of run folders.

Everything is written beside under a temporary name, fsynced and renamed; ``manifest.json`` comes last and carries the
hash of every other file and of itself, so that a killed run leaves no readable half and an edited one is found out. A
run on its way keeps ``unfinished.json`` (whose run it is, and how far it came), ``segments/NNNN`` (rows that are
finished) and ``checkpoint/NNNN`` (the state to go on from); all three go when the manifest stands.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from sim.errors import StoreError
from sim.results.files import (
    FORMAT,
    LOCK,
    MANIFEST,
    SCENARIO,
    SCHEMA_VERSION,
    TEMPORARY,
    UNFINISHED,
    FolderState,
    beside,
    folder_state,
    labelled,
    read_json,
    remove,
    sync_folder,
    verify_file,
    write_bytes,
    write_json,
)
from sim.results.manifest import KEY, as_json, code_version, differences, manifest_hash, new_manifest, read_manifest
from sim.results.run import Run, open_run
from sim.results.tables import TableLike, as_arrow, read_arrow, seal_group, write_group, write_parquet

__all__ = ["KEY", "Checkpoint", "Run", "RunFolder", "code_version", "new_manifest", "open_run"]


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
        self._segments: dict[str, dict[str, Any]] = {}  # by number and table what is sealed; {} for what is not

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
        differing = differences(kept, as_json(manifest), parts)
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
        with labelled(self.path, "cannot be made ready"):
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
            write_json(self.path / UNFINISHED, {**head, **as_json(opening)})
        return None

    def add_segment(self, tables: Mapping[str, TableLike]) -> None:
        """Put finished rows onto the disk, so that memory need not hold them; a checkpoint makes them count.

        In the merged table they come before later ones.
        """
        self._kept()
        with labelled(self.path, "cannot write a segment"):
            name = f"{len(self._segments) + 1:04d}"
            write_group(self.path / "segments" / name, tables)
            self._segments[name] = {}

    def save_checkpoint(
        self, tables: Mapping[str, TableLike], state: Mapping[str, TableLike], progress: Mapping[str, Any]
    ) -> int:
        """Close a segment and keep the state to go on from; return the checkpoint's number (from 1).

        Parameters
        ----------
        tables
            Rows finished since the last segment, as in `add_segment`.
        state
            Everything a resumed run needs, as tables.
        progress
            Small things for JSON: the day, counters.
        """
        kept = self._kept()
        self.add_segment(tables)
        with labelled(self.path, "cannot write a checkpoint"):
            number = int(kept["checkpoint"]["number"]) + 1 if kept["checkpoint"] else 1
            folder = self.path / "checkpoint" / f"{number:04d}"
            write_group(folder, state, keeps_order=True)
            for name in (name for name, sealed in self._segments.items() if not sealed):
                self._segments[name] = seal_group(self.path / "segments" / name)
            kept["checkpoint"] = {
                "number": number, "segments": self._segments, "state": seal_group(folder), "progress": dict(progress)
            }  # fmt: skip
            write_json(self.path / UNFINISHED, kept)
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
        self._kept()
        with labelled(self.path, "cannot write the run"):
            whole: dict[str, dict[str, Any]] = {}
            groups = [self.path / "segments" / number for number in sorted(self._segments, key=int)]
            files = [path for group in groups for path in group.glob("*.arrow")]
            for name in sorted({*tables, *(path.stem for path in files)}):
                parts: list[pa.Table | Path] = [path for path in files if path.stem == name]
                parts += [as_arrow(tables[name])] if name in tables else []
                whole[name] = write_parquet(beside(self.path / f"{name}.parquet"), name, parts)
            write_bytes(beside(self.path / SCENARIO), scenario_yaml.encode())
            # All whole before the first gets its name: nobody reads one table of a run whose others are missing.
            for name in (*(f"{name}.parquet" for name in whole), SCENARIO):
                os.replace(beside(self.path / name), self.path / name)
            sync_folder(self.path)
            complete = as_json(
                {
                    **manifest,
                    "format": FORMAT,
                    "schema_version": SCHEMA_VERSION,
                    "status": "finished",
                    "tables": whole,
                    "scenario_sha256": hashlib.sha256(scenario_yaml.encode()).hexdigest(),
                }
            )
            write_json(self.path / MANIFEST, {**complete, "manifest_sha256": manifest_hash(complete)})
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
            with labelled(self.path, "cannot be cleared"):
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
        self._segments = dict(kept["segments"]) if kept else {}
        self._sweep(keep=int(kept["number"]) if kept else 0)
        if not kept:
            return None
        for number, segment in kept["segments"].items():
            for name, written in segment.items():
                verify_file(self.path / "segments" / number / f"{name}.arrow", written)
        folder = self.path / "checkpoint" / f"{int(kept['number']):04d}"
        for name, written in kept["state"].items():
            verify_file(folder / f"{name}.arrow", written)
        state = {name: pa.concat_tables(read_arrow(folder / f"{name}.arrow")) for name in kept["state"]}
        return Checkpoint(int(kept["number"]), kept["progress"], state)

    def _sweep(self, keep: int) -> None:
        """Remove temporary files, segments that no checkpoint counts and all states but that of `keep`."""
        for entry in list(self.path.iterdir()):
            if entry.name.endswith(TEMPORARY):
                remove(entry)
        for kind, stays in (("segments", set(self._segments)), ("checkpoint", {f"{keep:04d}"})):
            folder = self.path / kind
            if keep == 0:
                remove(folder)
            for entry in list(folder.iterdir()) if folder.is_dir() else []:
                if entry.name not in stays:
                    remove(entry)

    def _clear(self) -> None:
        self._segments = {}
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
