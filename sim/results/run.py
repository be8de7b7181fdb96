"""A finished run in the hand: its manifest, its scenario, its tables and its measures."""

from __future__ import annotations

import datetime
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sim.errors import StoreError
from sim.results.files import MANIFEST, SCENARIO, verify_file, why_no_run
from sim.results.manifest import read_manifest
from sim.results.tables import TableLike, as_arrow, in_order

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


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
    written_yaml
        The resolved scenario as it was saved; "" for a run that lives in memory.
    """

    manifest: Mapping[str, Any]
    path: Path | None = None
    written_yaml: str = ""
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
            written_yaml=scenario_yaml,
            sources={name: in_order(as_arrow(table), name) for name, table in tables.items()},
            resolved=scenario,
        )

    @cached_property
    def scenario_yaml(self) -> str:
        """The resolved scenario as it was (or will be) saved; written when it is first asked for."""
        return self.written_yaml or _dump_yaml(self.scenario)

    @cached_property
    def scenario(self) -> Mapping[str, Any]:
        """The resolved scenario as a nested mapping."""
        return self.resolved if self.resolved is not None else _load_yaml(self.written_yaml)

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
        frame: pd.DataFrame = self.table(name).to_pandas(date_as_object=False)
        return frame

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

    @cached_property
    def economics(self) -> dict[str, dict[str, dict[str, float | int | None]]]:
        """Unit economics by lender and product: what one loan earns, costs, loses and can bear; undefined is None."""
        from sim.results.economics.unit import unit_economics

        return {lender: unit_economics(self, lender) for lender in self.lenders}

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
        raise StoreError(f"{folder}: {why_no_run(folder)}")
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
    return Run(manifest=manifest, path=folder, written_yaml=scenario_yaml.decode(), sources=sources)


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
