"""How far the studies of a folder are, read from outside while they run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.errors import StoreError
from sim.results.manifest import code_version
from sim.study.records import LOCK, read_records
from sim.study.study import ANSWER, ASKED, head_of


@dataclass(frozen=True)
class Status:
    """One study: how many of its runs are done and have failed, and whether somebody works on it.

    ``runs`` is the number of runs of its design (for a search or a sequential comparison, the most); ``problem`` says
    what is wrong with its records.
    """

    folder: Path
    study: str
    kind: str
    runs: int
    done: int
    failed: int
    of_other_code: int
    is_running: bool
    is_finished: bool
    problem: str = ""

    @property
    def is_damaged(self) -> bool:
        """Whether its records cannot be trusted."""
        return bool(self.problem)

    @property
    def state(self) -> str:
        """In a word: damaged, running, finished, stopped, or of other code (the same command does it again)."""
        if self.problem:
            return "damaged"
        if self.is_running:
            return "running"
        if self.of_other_code and not self.done + self.failed:
            return "of other code"
        return "finished" if self.is_finished else "stopped"

    def row(self) -> dict[str, Any]:
        """Return the row of tables and JSON."""
        return {**vars(self), "folder": str(self.folder), "state": self.state}


def statuses(folder: str | Path) -> list[Status]:
    """The studies at or below a folder, by path."""
    return [_status(asked.parent) for asked in sorted(Path(folder).rglob(ASKED))]


def _status(folder: Path) -> Status:
    head, problem = head_of(folder / ASKED), ""
    try:
        latest = {record.key: record for record in read_records(folder)}
    except StoreError as error:
        latest, problem = {}, "" if not (folder / "records.jsonl").exists() else str(error)
    now = code_version()
    own = [record for record in latest.values() if record.code_version == now]
    return Status(
        folder, str(head.get("study", "")), str(head.get("kind", "")), int(head.get("runs", 0)),
        sum(record.summaries is not None for record in own), sum(record.summaries is None for record in own),
        len(latest) - len(own), _is_locked(folder / LOCK), (folder / ANSWER).exists(), problem,
    )  # fmt: skip


def _is_locked(lock: Path) -> bool:
    try:
        import fcntl
    except ImportError:
        return False
    try:
        handle = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False
