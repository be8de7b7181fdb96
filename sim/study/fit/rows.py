"""The rows of a file: which are kept, which dropped and why, and when the whole is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim.errors import Issue, ScenarioError
from sim.study.moments.inputs import read_table


class Rows:
    """The rows of a file that are still of use, and the account of those that are not."""

    def __init__(self, file: str, frame: Any, names: Mapping[str, str], is_parquet: bool) -> None:
        self.file, self.names, self.n_read = file, names, len(frame)
        self.frame = frame.reset_index(drop=True)
        self.dropped: dict[str, int] = {}
        self.first: dict[str, int] = {}
        self.notes: list[str] = []
        self.place = ("row", 1) if is_parquet else ("line", 2)

    def need(self, *keys: str) -> None:
        """Refuse a file that lacks a column."""
        there = f"the file has: {', '.join(map(str, self.frame))}"
        missing = [key for key in keys if key not in self.names]
        if missing:
            raise ScenarioError(
                [Issue(self.file, 1, 1, key, "no such column", there, f"name it with --column {key}=COLUMN")
                 for key in missing]
            )  # fmt: skip

    def keep(self, table: Any, is_good: Any, reason: str) -> Any:
        """Return the rows that are good, and note how many are not."""
        good = np.asarray(is_good, bool)
        if not good.all():
            self.dropped[reason] = int((~good).sum())
            self.first[reason] = int(table.index[int(np.argmin(good))])
            table = table[good]
        return table

    def refuse_if_spoilt(self) -> None:
        """Refuse a file of which more than half of the rows cannot be used."""
        lost = sum(self.dropped.values())
        if 2 * lost > self.n_read:
            said = f"{lost:,} of {self.n_read:,} rows cannot be used"
            raise ScenarioError(
                [Issue(self.file, self.first[reason] + 2, 1, "", f"{said}; {n:,} of them: {reason}")
                 for reason, n in self.dropped.items()]
            )  # fmt: skip

    def account(self) -> list[str]:
        """Say what was dropped, with the place of the first row of each kind."""
        name, offset = self.place
        return [
            f"{n:,} rows dropped: {reason} (first in {name} {self.first[reason] + offset:,})"
            for reason, n in self.dropped.items()
        ]


def names_of(written: Any) -> Any:
    """Merchants' names, as text where they are not all numbers."""
    return written if written.dtype.kind in "iu" else written.where(written.isna(), written.astype(str).str.strip())


def read_values(path: Path, columns: Mapping[str, str]) -> Any:
    """Yuan of one order by merchant, as a pandas Series."""
    import pandas as pd

    frame, names = read_table(path, dict(columns))
    missing = [key for key in ("merchant", "value") if key not in names]
    if missing:
        there = f"the file has: {', '.join(map(str, frame.columns))}"
        raise ScenarioError(
            [Issue(str(path), 1, 1, key, "no such column", there, f"name it with --column {key}=COLUMN")
             for key in missing]
        )  # fmt: skip
    found = pd.to_numeric(frame[names["value"]], errors="coerce")
    found.index = pd.Index(names_of(frame[names["merchant"]]))
    found = found[np.isfinite(found) & (found > 0)]
    return found[~found.index.duplicated()]
