"""A finished run in the hand: its manifest, its scenario, its tables and its measures."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sim.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

FORMAT = "lendsim run"
SCHEMA_VERSION = 1
MANIFEST, UNFINISHED, SCENARIO, LOCK = "manifest.json", "unfinished.json", "scenario.yaml", ".lock"
#: What a file is called until it is whole: ``.NAME.tmp``.
TEMPORARY = ".tmp"
#: How tables are sorted. All but the tape go by date first, so that their segments follow one another.
ORDER = {
    "daily": ("date", "lender"),
    "loans": ("loan_id",),
    "loan_months": ("month_end", "loan_id"),
    "applications": ("date", "lender", "merchant_id", "product"),
    "merchants": ("merchant_id",),
}
#: What a table may be handed over as: an arrow table, a mapping of equally long numpy columns, or a pandas frame.
TableLike = Any


def as_arrow(table: TableLike) -> pa.Table:
    """Return any table as a plain arrow table.

    Dictionary columns become plain ones and schema metadata goes, so that two equal frames are stored as equal bytes
    whichever way they were built.

    Parameters
    ----------
    table
        ``pyarrow.Table``, mapping of column name to a numpy array (n,), or pandas DataFrame.
    """
    if not isinstance(table, pa.Table):
        is_columns = isinstance(table, Mapping)
        table = pa.table(dict(table)) if is_columns else pa.Table.from_pandas(table, preserve_index=False)
    plain = pa.schema([pa.field(column.name, _plain_type(column.type)) for column in table.schema])
    return table.replace_schema_metadata(None).cast(plain)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    return pa.string() if pa.types.is_large_string(kind) else kind


def in_order(table: pa.Table, name: str) -> pa.Table:
    """Return a table sorted as `ORDER` says; rows that tie stay as they came, a table in order is not copied."""
    keys = [_sort_key(table[column]) for column in ORDER.get(name, ()) if column in table.column_names]
    if not keys or table.num_rows < 2:
        return table
    is_tied, is_ordered = np.ones(table.num_rows - 1, dtype=bool), True
    for key in keys:
        is_ordered &= not bool((is_tied & (key[1:] < key[:-1])).any())
        is_tied &= key[1:] == key[:-1]
    return table if is_ordered else table.take(np.lexsort(keys[::-1]))


def _sort_key(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return whole numbers that sort as the column does; text by its characters."""
    if pa.types.is_string(column.type):
        coded = pc.dictionary_encode(column.combine_chunks())
        words = np.array(["", *coded.dictionary.to_pylist()], dtype=str)  # the first stands for a missing one
        ranks = np.argsort(np.argsort(words, kind="stable"))
        return np.asarray(ranks[whole_numbers(coded.indices, missing=-1) + 1], dtype=np.int64)
    return whole_numbers(column)


def whole_numbers(column: pa.ChunkedArray | pa.Array, missing: int = 0) -> NDArray[np.int64]:
    """Return a column of whole numbers, of yes and no, or of dates (as days since 1970-01-01) as int64, (n,)."""
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.date32()).cast(pa.int32())
    array = column.cast(pa.int64())
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    # By the buffers: `to_numpy` and `fill_null` would load pandas, which costs more than everything else here.
    rows = slice(array.offset, array.offset + len(array))
    valid, data = array.buffers()
    values = np.frombuffer(data or b"", dtype=np.int64)[rows]
    if array.null_count == 0:
        return values
    bits = np.unpackbits(np.frombuffer(valid, dtype=np.uint8), bitorder="little")
    return np.where(bits[rows] == 1, values, missing)


def is_text(column: pa.ChunkedArray, text: str) -> NDArray[np.bool_]:
    """Return which rows of a text column are this text, (n,)."""
    coded = pc.dictionary_encode(column.combine_chunks())
    words = coded.dictionary.to_pylist()
    return np.equal(whole_numbers(coded.indices, missing=-1), words.index(text) if text in words else -2)


class FolderState(StrEnum):
    """What a folder holds, as seen by a run that would like to write there."""

    ABSENT = "absent"
    EMPTY = "empty"
    UNFINISHED = "unfinished"
    FINISHED = "finished"
    FOREIGN = "foreign"


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """One finished run.

    Made by ``sim.simulate`` (tables in memory) or ``sim.open_run`` (tables read when first asked for).

    Attributes
    ----------
    manifest
        Who made the run from what: hashes, seed, versions, row counts, time used.
    path
        The run folder, or None for a run that lives in memory only.
    scenario_yaml
        The resolved scenario as it was (or will be) saved.
    """

    manifest: Mapping[str, Any]
    path: Path | None = None
    scenario_yaml: str = ""
    sources: Mapping[str, pa.Table | Path] = field(default_factory=dict)
    resolved: Mapping[str, Any] | None = None

    @classmethod
    def from_tables(
        cls,
        tables: Mapping[str, TableLike],
        manifest: Mapping[str, Any],
        scenario: Mapping[str, Any],
        *,
        scenario_yaml: str = "",
    ) -> Run:
        """Make a run of finished tables held in memory."""
        return cls(
            manifest=dict(manifest),
            scenario_yaml=scenario_yaml or _dump_yaml(scenario),
            sources={name: in_order(as_arrow(table), name) for name, table in tables.items()},
            resolved=scenario,
        )

    @cached_property
    def scenario(self) -> Mapping[str, Any]:
        """The resolved scenario as a nested mapping."""
        return self.resolved if self.resolved is not None else _load_yaml(self.scenario_yaml)

    @property
    def lenders(self) -> tuple[str, ...]:
        """Ids of the lenders, in the scenario's order; ``()`` in a world without credit."""
        named = self.manifest.get("lenders")
        if named is None:
            named = sorted(pc.unique(self.table("daily", ["lender"])["lender"]).to_pylist())
        return tuple(str(lender) for lender in named if lender)

    @cached_property
    def days(self) -> tuple[datetime.date, datetime.date]:
        """First and last simulated day."""
        dates = pc.min_max(self.table("daily", ["date"])["date"].cast(pa.date32()))
        first, last = dates["min"].as_py(), dates["max"].as_py()
        if first is None:
            raise StoreError(f"{self.path or 'run in memory'}: the table daily is empty")
        return first, last

    @cached_property
    def window(self) -> tuple[datetime.date, datetime.date]:
        """First and last day of the report window, both inclusive."""
        first, last = self.days
        calendar = self.scenario.get("calendar") or {}
        start = self.manifest.get("report_from") or calendar.get("report_from") or first
        end = self.manifest.get("report_to") or calendar.get("report_to") or last
        return as_date(start), as_date(end)

    def table(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """Return a table, or some of its columns, as arrow.

        Raises
        ------
        StoreError
            If the run has no such table or column.
        """
        source = self.sources.get(name)
        where = f"{self.path or 'run in memory'}"
        if source is None:
            raise StoreError(f"{where}: this run has no table {name!r}; it has {', '.join(sorted(self.sources))}")
        try:
            if isinstance(source, pa.Table):
                return source if columns is None else source.select(columns)
            # ParquetFile, not read_table: the latter would take a folder called `seed=1` for a partition column.
            with pq.ParquetFile(source) as file:
                lacking = set(columns or ()) - set(file.schema_arrow.names)
                if lacking:
                    raise KeyError(", ".join(sorted(lacking)))
                return file.read(columns=columns)
        except (OSError, pa.ArrowInvalid, KeyError) as error:
            raise StoreError(f"{where}: cannot read {name}: {error}") from error

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table as pandas: dates as datetime64, missing dates as NaT."""
        return self.table(name).to_pandas(date_as_object=False)

    @cached_property
    def daily(self) -> pd.DataFrame:
        """One row per day and lender (lender "" in a world without credit)."""
        return self.frame("daily")

    @cached_property
    def loans(self) -> pd.DataFrame:
        """The loan tape: one row a loan."""
        return self.frame("loans")

    @cached_property
    def loan_months(self) -> pd.DataFrame:
        """Month-end panel: one row per month end and loan then open."""
        return self.frame("loan_months")

    @cached_property
    def applications(self) -> pd.DataFrame:
        """One row an application, with the decision, its reasons and what the policy saw."""
        return self.frame("applications")

    @cached_property
    def merchants(self) -> pd.DataFrame:
        """One row a merchant, the hidden truth included."""
        return self.frame("merchants")

    @cached_property
    def summaries(self) -> dict[str, dict[str, float | int | None]]:
        """Every measure by lender; in a world without credit the one key is ""."""
        from sim.results import metrics

        return {lender: metrics.measure_all(self, lender) for lender in self.lenders or ("",)}

    @property
    def summary(self) -> dict[str, float | int | None]:
        """Every measure of the one lender (of the first, if there are several); an undefined one is None."""
        return next(iter(self.summaries.values()))

    def plot(self) -> Figure:
        """Draw the headline: balance, lending, days past due and merchants' sales."""
        from sim.results import plots

        return plots.headline_figure(self)

    def save(self, path: str | Path) -> Run:
        """Write the run to a folder and return it as read back."""
        from sim.results import store

        folder = store.RunFolder(path)
        if folder.begin(self.manifest) is not None:  # a killed run's half is of no use to one that is whole
            folder.discard()
            folder.begin(self.manifest)
        return folder.finish({name: self.table(name) for name in self.sources}, self.scenario_yaml, self.manifest)

    def __repr__(self) -> str:
        title = (self.scenario.get("about") or {}).get("title", "a run")
        first, last = self.days
        who = ", ".join(self.lenders) or "no lender"
        seed = self.manifest.get("seed")
        return f"<Run {title!r}: {first} to {last}, {who}, seed {seed}, {self.path or 'in memory'}>"


def as_date(value: datetime.date | str) -> datetime.date:
    """Return a date, also of an ISO text."""
    if isinstance(value, datetime.datetime):
        return value.date()
    return value if isinstance(value, datetime.date) else datetime.date.fromisoformat(str(value))


def open_run(path: str | Path, *, verify: bool = True) -> Run:
    """Open a finished run.

    Parameters
    ----------
    verify
        Read every file and compare its hash with the manifest's (about a second a gigabyte). Without it only the
        presence, size and row count of each file are compared.

    Raises
    ------
    StoreError
        If the folder holds no finished run, a file of it is missing, truncated or edited, or another schema version.
    """
    folder = Path(path)
    if not (folder / MANIFEST).is_file():
        raise StoreError(f"{folder}: {_why_no_run(folder)}")
    try:
        manifest = read_manifest(folder)
        for name, written in manifest["tables"].items():
            verify_file(folder / f"{name}.parquet", written, content=verify)
        scenario_yaml = (folder / SCENARIO).read_bytes()
    except (OSError, pa.ArrowException, KeyError) as error:
        raise StoreError(f"{folder}: cannot be read: {error}") from error
    if hashlib.sha256(scenario_yaml).hexdigest() != manifest["scenario_sha256"]:
        raise StoreError(f"{folder / SCENARIO}: was changed after the run (its hash is not the manifest's)")
    sources = {name: folder / f"{name}.parquet" for name in manifest["tables"]}
    return Run(manifest=manifest, path=folder, scenario_yaml=scenario_yaml.decode(), sources=sources)


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


def _why_no_run(folder: Path) -> str:
    state = folder_state(folder)
    if state is FolderState.UNFINISHED:
        return "holds an unfinished run; the command that began it resumes it"
    several = sorted(entry.name for entry in folder.glob("seed-*")) if folder.is_dir() else []
    if several:
        return f"holds {len(several)} runs; open one of them, such as {several[0]}"
    return {FolderState.ABSENT: "there is no such folder", FolderState.EMPTY: "is empty"}.get(
        state, f"is no run folder (it has no {MANIFEST})"
    )


def _load_yaml(text: str) -> Mapping[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        loaded = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise StoreError(f"scenario.yaml of the run cannot be read: {error}") from error
    return loaded if isinstance(loaded, Mapping) else {}


def _dump_yaml(scenario: Mapping[str, Any]) -> str:
    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    text = io.StringIO()
    writer.dump(dict(scenario), text)
    return text.getvalue()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a finished run and check it against its own hash."""
    manifest = read_json(folder / MANIFEST)
    if manifest.pop("manifest_sha256", None) != manifest_hash(manifest):
        raise StoreError(f"{folder / MANIFEST}: was changed after the run (its own hash does not fit)")
    return manifest


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


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """Hash of a manifest without its own hash; the same before writing and after reading."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def verify_file(path: Path, written: Mapping[str, Any], *, content: bool = True) -> None:
    """Compare a table's file with what was written: ``bytes``, ``rows`` and, with `content`, ``sha256``."""
    if not path.is_file():
        raise StoreError(f"{path}: is missing")
    size = path.stat().st_size
    if size != written["bytes"]:
        raise StoreError(f"{path}: has {size} bytes, the run wrote {written['bytes']}: truncated or edited")
    if content and file_hash(path) != written["sha256"]:
        raise StoreError(f"{path}: was changed after the run (its hash is not the manifest's)")
    with pq.ParquetFile(path) as file:
        rows = file.metadata.num_rows
    if rows != written["rows"]:
        raise StoreError(f"{path}: has {rows} rows, the manifest says {written['rows']}")


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
