"""A study from its plan to its answer: run what is missing, work out what was asked, write it down.

In the study's folder lie ``study.yaml`` (what was asked), ``records.jsonl`` (one line a finished run, from which a
killed study goes on), and when it is done ``runs.parquet`` (one row a run and lender, with the factors),
``study.json``, the pictures and the page, ``study.html``.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from sim.errors import StoreError
from sim.results.files import sync_folder, write_whole
from sim.study import designs
from sim.study.findings import Findings, Measured, Sheet
from sim.study.lab import Lab
from sim.study.plan import Plan, read_plan
from sim.study.runner import Outcome, Progress, Task
from sim.study.sheets import sheet_of
from sim.study.study_checks import SEARCHES

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

RUNS, ANSWER, PAGE, ASKED = "runs.parquet", "study.json", "study.html", "study.yaml"
Analyse = Callable[[Plan, Measured], Findings]


@dataclass(frozen=True)
class Study:
    """A study that is done.

    Attributes
    ----------
    plan
        What was asked.
    measured
        The runs of its points or arms.
    findings
        The answer.
    notes
        What a reader should know besides.
    seconds, n_reused
        Time it took, and the runs that were read back.
    """

    plan: Plan
    measured: Measured
    findings: Findings
    notes: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)
    n_reused: int = field(default=0, compare=False)
    path: Path | None = field(default=None, compare=False)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The findings, one plain mapping each."""
        return [dict(row) for row in self.findings.rows]

    @property
    def sheet(self) -> Sheet | None:
        """The findings as a table for people."""
        return self.findings.sheet or sheet_of(self.rows)

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The runs that failed; their worlds are left out."""
        return self.measured.failures

    def verdict(self) -> str:
        """The answer in words."""
        return "\n\n".join(self.findings.sentences)

    def table(self) -> pa.Table:
        """One row a run and lender: ``point``, the factors, ``seed, lender, error`` and every measure."""
        return runs_table(self.plan, self.measured)

    def runs(self) -> pd.DataFrame:
        """Return `table` as a pandas frame."""
        frame: pd.DataFrame = self.table().to_pandas()
        return frame

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, one object for JSON; what may vary when it is done again is in ``about_run``."""
        plan = self.plan
        return {
            "rows": self.rows,
            "summary": {
                "study": plan.name,
                "kind": plan.file.kind,
                "title": plan.file.about.title,
                "question": plan.file.about.question,
                "verdict": self.verdict(),
                "points": len(self.measured.points),
                "seeds": list(self.measured.seeds),
                "measures": list(plan.measures),
                "notes": list(self.notes),
                "failed": [{"point": o.name, "seed": o.seed, "error": o.reason} for o in self.failures],
                **self.findings.more,
            },
            "about_run": {
                "seconds": round(self.seconds, 3),
                "reused": self.n_reused,
                "folder": None if self.path is None else str(self.path),
            },
        }

    def save(self, folder: str | Path) -> Path:
        """Write table, JSON, pictures and page into a folder; return the path of the page."""
        from sim.study.study_page import write_page

        return write_page(self, Path(folder))


def run_study(
    plan: Plan | str | Path,
    out: str | Path | None = None,
    *,
    workers: int | None = None,
    cluster: str | None = None,
    insecure: bool = False,
    progress: Progress | None = None,
) -> Study:
    """Run a study, or go on with one that was stopped; the same study gives the same answer to the bit.

    Parameters
    ----------
    plan
        A plan, or the path of a study file.
    out
        The study's folder; without it nothing is kept.
    workers
        Processes; None takes one for each core, as far as the memory goes. No result depends on it.
    cluster, insecure
        Address of a dask scheduler in place of processes; see :mod:`sim.study.cluster`.
    progress
        Called with (done, all, failed).

    Raises
    ------
    ScenarioError
        When the study file or a scenario is refused.
    StoreError
        When the folder is another study's or another process's, or cannot be written.
    """
    begun = time.monotonic()
    if not isinstance(plan, Plan):
        plan = read_plan(plan)
    folder = None if out is None else Path(out)
    if folder is not None:
        begin(plan, folder)
    task, mark = _task_of(plan)
    with Lab(
        folder, workers=workers, cluster=cluster, insecure=insecure, progress=progress, task=task, mark=mark
    ) as lab:
        measured, findings = _answer(plan, lab)
        notes = _notes(plan, measured, lab)
        study = Study(plan, measured, findings, notes, time.monotonic() - begun, lab.n_reused, folder)
        if folder is not None and len(measured.failures) < max(len(measured.outcomes), 1):
            study.save(folder)
    return study


def begin(plan: Plan, folder: Path) -> None:
    """Make the folder ready and write down what is asked, or refuse a folder that holds another study.

    Raises
    ------
    StoreError
        If it holds another study or other files.
    """
    asked = folder / ASKED
    if asked.exists():
        there = head_of(asked)
        if there.get("hash") != plan.hash:
            raise StoreError(f"{folder}: holds another study, {there.get('study')}; choose another folder")
        return
    try:
        if folder.exists() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise StoreError(f"{folder}: holds files that are no study of lendsim; choose an empty or a new folder")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made ready: {error.strerror or error}") from error
    head = {"study": plan.name, "kind": plan.file.kind, "hash": plan.hash, "runs": plan.n_runs}
    lines = [f"# {json.dumps(head)}", *_as_yaml(plan, folder)]
    write_whole(asked, ("\n".join(lines) + "\n").encode())
    sync_folder(folder)


def head_of(asked: Path) -> dict[str, Any]:
    """What the first line of ``study.yaml`` says; empty where it was changed by hand."""
    try:
        found = json.loads(asked.read_text().partition("\n")[0].lstrip("# "))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _as_yaml(plan: Plan, folder: Path) -> list[str]:
    """The study as a file of its folder: what it names lies elsewhere from there."""
    import io

    from ruamel.yaml import YAML

    writer: Any = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # the first arm is the base
    text = io.StringIO()
    said = plan.file.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    if isinstance(said.get("seeds"), tuple):
        said["seeds"] = list(said["seeds"])
    said.pop("out", None)

    def from_here(path: str) -> str:
        return path if Path(path).is_absolute() else os.path.relpath(plan.path.parent / path, folder)

    for part in (said, *said.get("arms", {}).values()):
        part.update({key: from_here(part[key]) for key in ("scenario", "targets") if key in part})
    writer.dump(said, text)
    return text.getvalue().splitlines()


def _answer(plan: Plan, lab: Lab) -> tuple[Measured, Findings]:
    """Run the points of a plan and analyse them; a search runs its own."""
    from sim.study import kinds

    return kinds.answer_of(plan)(plan, lab)


def _task_of(plan: Plan) -> tuple[Task | None, str]:
    """What runs are measured by: a search may look at figures that are no measures."""
    if plan.file.kind not in SEARCHES:
        return None, ""
    from sim.study.search_plans import task_of

    return task_of(plan)


def _notes(plan: Plan, measured: Measured, lab: Lab) -> tuple[str, ...]:
    design = plan.file.design
    notes = list(filter(None, [designs.advice(design.kind, design.points or 0)]))
    failed = len(measured.failures)
    if failed:
        notes.append(
            f"{failed} of {len(measured.outcomes)} runs failed; they are left out. The same command tries them again."
        )
    if lab.n_of_other_code:
        notes.append(f"{lab.n_of_other_code} records of the folder are of other code; they are kept and not used.")
    return tuple(notes)


def runs_table(plan: Plan, measured: Measured) -> pa.Table:
    """One row a run and lender, in the order of the design: point, factors, seed, lender, error, every measure."""
    from sim.results.metrics import BY_NAME

    cells: list[tuple[str, int, str, str, Mapping[str, Any]]] = []
    for point in measured.points:
        for seed in measured.seeds:
            outcome = measured.outcomes[point, seed]
            told = outcome.summaries or {"": {}}
            cells += [(point, seed, lender, outcome.reason, own) for lender, own in told.items()]
    columns: dict[str, Any] = {"point": pa.array([cell[0] for cell in cells], pa.string())}
    for factor in plan.factors:
        values = [plan.points.get(cell[0], {}).get(factor.name) for cell in cells]
        is_number = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        columns[factor.name] = pa.array(values, pa.float64()) if is_number else pa.array([str(v) for v in values])
    columns["seed"] = pa.array([cell[1] for cell in cells], pa.int64())
    columns["lender"] = pa.array([cell[2] for cell in cells], pa.string())
    columns["error"] = pa.array([cell[3] or None for cell in cells], pa.string())
    for name in BY_NAME:
        values = [cell[4].get(name) for cell in cells]
        columns[name] = pa.array([None if v is None else float(v) for v in values], pa.float64())
    return pa.table(columns)


def connect(folder: str | Path = "runs/studies") -> duckdb.DuckDBPyConnection:
    """Open DuckDB with a view ``runs`` over the tables of all finished studies below a folder.

    The view has a row for each run and lender of each study, with the study's folder in the column ``filename``;
    factors that a study does not have are missing.

    Raises
    ------
    StoreError
        If there is no finished study below the folder.
    """
    import duckdb

    files = sorted(str(path) for path in Path(folder).rglob(RUNS))
    if not files:
        raise StoreError(f"{folder}: there is no finished study in it")
    connection = duckdb.connect()
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    connection.execute(
        f"create view runs as select * from read_parquet([{listed}], union_by_name = true, filename = true)"
    )
    return connection
