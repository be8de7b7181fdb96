"""What a study has found so far: one line a finished run, in a file that survives being cut anywhere.

Every line carries a hash of itself. The last one may be torn (a killed process, a full disk, a power cut) and is then
cut off: its run is done again. A damaged line before the last is no accident, and the file is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.errors import StoreError
from sim.results.files import sync_folder
from sim.study.stats import Value

RECORDS, LOCK = "records.jsonl", ".lock"
_MARK = 16  # hex digits of a line's hash
_NEWLINE = b"\n"


@dataclass(frozen=True)
class Record:
    """One run: its key, what it was, and what came out of it.

    Attributes
    ----------
    key
        Hash of resolved scenario, seed, code version, plug-ins and of what was measured.
    seed, scenario_hash, code_version
        Parts of the key, kept so that a person can read them.
    summaries
        Measures by lender, in the scenario's order; None for a run that failed.
    reason, failure
        What went wrong, in words and as a traceback.
    """

    key: str
    seed: int
    scenario_hash: str
    code_version: str
    summaries: Mapping[str, Mapping[str, Value]] | None
    reason: str = ""
    failure: str = ""

    def line(self) -> bytes:
        """Return the record as one line of the file, hash and line break included."""
        summaries = self.summaries
        if summaries is not None:
            summaries = {lender: {k: _plain(v) for k, v in own.items()} for lender, own in summaries.items()}
        content = {**vars(self), "summaries": summaries}
        text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()
        return _hash(text) + b" " + text + _NEWLINE


class Records:
    """The file of a study's records, open for one process at a time.

    Parameters
    ----------
    folder
        The study's folder; made if it is not there.

    Raises
    ------
    StoreError
        If another process is writing there, or a line before the last is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / RECORDS
        self._lock: int | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._take_lock(folder)
            found, self._size = _read(self.path)
            if self.path.exists() and self.path.stat().st_size > self._size:
                os.truncate(self.path, self._size)
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            sync_folder(folder)
        except OSError as error:
            self.close()
            raise StoreError(f"{self.path}: cannot be opened: {error.strerror or error}") from error
        except StoreError:
            self.close()
            raise
        self._kept = {record.key: record for record in found}

    @property
    def kept(self) -> Mapping[str, Record]:
        """All records by key; of a run done again after a failure, the latest."""
        return self._kept

    def add(self, record: Record) -> None:
        """Append a record and see it onto the disk.

        Raises
        ------
        StoreError
            If it cannot be written; what was recorded before is whole, and the file ends with it.
        """
        line = record.line()
        try:
            if os.write(self._file, line) != len(line):
                raise OSError(28, "No space left on device")
            os.fsync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):  # if not, the torn line is cut off when the file is opened again
                os.ftruncate(self._file, self._size)
            raise StoreError(
                f"{self.path}: cannot be written: {error.strerror or error}; the {len(self._kept)} runs recorded "
                "before are safe, and the same command goes on with them"
            ) from error
        self._size += len(line)
        self._kept[record.key] = record

    def close(self) -> None:
        """Let go of the file and the folder."""
        if hasattr(self, "_file"):
            os.close(self._file)
            del self._file
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_lock(self, folder: Path) -> None:
        try:
            import fcntl
        except ImportError:  # not on Windows, where two writers of one folder are the user's care
            return
        # The file stays: a lock on a file that another process has removed would be no lock.
        self._lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(f"{folder}: another process is working on this study") from None


def read_records(folder: Path) -> list[Record]:
    """Read the whole records of a folder without taking it, in the order in which the runs ended.

    Raises
    ------
    StoreError
        If there is no file of records, or a line before the last is damaged.
    """
    path = folder / RECORDS
    if not path.is_file():
        raise StoreError(f"{folder}: holds no study (it has no {RECORDS})")
    return _read(path)[0]


def _read(path: Path) -> tuple[list[Record], int]:
    """Return the records, and the bytes that they take; what follows those is a torn last line."""
    if not path.exists():
        return [], 0
    data = path.read_bytes()
    found: list[Record] = []
    size, number = 0, 0
    while size < len(data):
        end = data.find(_NEWLINE, size)
        number += 1
        record = _record(data[size:end]) if end >= 0 else None
        if record is None:
            if end >= 0 and end + 1 < len(data):
                raise StoreError(f"{path}:{number}: the line was changed or damaged (its hash does not fit)")
            break
        found.append(record)
        size = end + 1
    return found, size


def _record(line: bytes) -> Record | None:
    mark, _, text = line.partition(b" ")
    if len(mark) != _MARK or mark != _hash(text):
        return None
    content: dict[str, Any] = json.loads(text)
    return Record(**content)


def _hash(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:_MARK].encode()


def _plain(value: Value) -> Value:
    """A number that JSON holds, NumPy's own made Python's; one that is not finite is undefined."""
    if value is None or not math.isfinite(value):
        return None
    return int(value) if isinstance(value, int) or hasattr(value, "bit_count") else float(value)
