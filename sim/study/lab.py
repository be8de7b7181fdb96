"""The laboratory: scenarios under seeds, each run once; what is finished stays in a folder and is read back.

Everything in lendsim that needs many runs asks the laboratory for them. A run's key says what it is (resolved scenario,
seed, code, plug-ins), so that asking for the same run again reads it, and changed code never passes for the old. A
search that decides by what it has seen therefore goes on where it was killed by simply being done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from sim.errors import StoreError
from sim.study.processes import Staff
from sim.study.records import Record, Records
from sim.study.runner import Job, Outcome, Progress, Task, available_cores, run_jobs, workers_that_fit

if TYPE_CHECKING:
    from sim.engine.scenario import Scenario

Runs = dict[tuple[str, int], Outcome]


class Lab:
    """Runs scenarios under seeds.

    Parameters
    ----------
    out
        The folder that keeps what was measured; without it nothing outlives the laboratory.
    workers
        Processes; None takes one for each core, as far as the memory goes. No result depends on it.
    cluster, insecure
        Address of a dask scheduler in place of processes; see :mod:`sim.study.cluster`.
    progress
        Called with (done, all, failed), those read back counted as done.
    task
        What a run is measured by; every measure of the run unless told otherwise. Importable by name, or a
        ``functools.partial`` of such a function.
    mark
        What the task measures with beyond the scenario, as text: it becomes part of each run's key.

    Raises
    ------
    StoreError
        If the folder is another process's, or its records are damaged.
    """

    def __init__(
        self,
        out: str | Path | None = None,
        *,
        workers: int | None = None,
        cluster: str | None = None,
        insecure: bool = False,
        progress: Progress | None = None,
        task: Task | None = None,
        mark: str = "",
    ) -> None:
        self._workers, self._cluster, self._insecure = workers, cluster, insecure
        self._progress, self._task = progress, task
        self._mark = f"{_name_of(task)} {mark}" if task is not None or mark else ""
        self._records = None if out is None else Records(Path(out))
        self._found: dict[str, Record] = {}
        self._staff = Staff()
        self.n_reused = 0
        self.n_done = 0

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(at_once=kind is not None)

    def close(self, *, at_once: bool = False) -> None:
        """Let the workers go, when what they are at is done or at once, and let go of the folder."""
        self._staff.dismiss(at_once=at_once)
        if self._records is not None:
            self._records.close()

    @property
    def kept(self) -> Mapping[str, Record]:
        """Records by key: those of the folder, or of this laboratory if it has none."""
        return self._found if self._records is None else self._records.kept

    @property
    def n_of_other_code(self) -> int:
        """Records of the folder that another version of the code made; they are kept, labelled and never used."""
        from sim.results.manifest import code_version

        return sum(record.code_version != code_version() for record in self.kept.values())

    def measure(self, scenarios: Mapping[str, Scenario], seeds: Sequence[int]) -> Runs:
        """Run every scenario under every seed; outcomes by (name, seed), in that order.

        A run that failed before is tried again. Equal scenarios under two names are run once.

        Raises
        ------
        ValueError
            If a seed is given twice.
        StoreError
            If a record cannot be written.
        """
        return self.measure_pairs(scenarios, [(name, seed) for name in scenarios for seed in seeds])

    def measure_pairs(self, scenarios: Mapping[str, Scenario], pairs: Sequence[tuple[str, int]]) -> Runs:
        """Run some scenarios under some seeds, as `measure` does."""
        if len(set(pairs)) < len(pairs):
            name, seed = next(pair for pair in pairs if pairs.count(pair) > 1)
            raise ValueError(f"the run {name!r} with seed {seed} is asked for twice; every world counts once")
        keys = self._keys(scenarios, pairs)
        wanted: dict[str, tuple[str, int]] = {}
        for pair in pairs:
            record = self.kept.get(keys[pair])
            if record is None or record.summaries is None:
                wanted.setdefault(keys[pair], pair)
        reused = {key for key in keys.values() if key not in wanted}
        self.n_reused += len(reused)
        if wanted:
            self._carry_out(scenarios, wanted, len(reused))
        return {pair: self._outcome(pair, keys[pair], keys[pair] in reused) for pair in pairs}

    def _keys(self, scenarios: Mapping[str, Scenario], pairs: Sequence[tuple[str, int]]) -> dict[tuple[str, int], str]:
        parts = {name: _key_parts(scenarios[name]) for name in dict.fromkeys(name for name, _ in pairs)}
        return {(name, seed): _key(parts[name], seed, self._mark) for name, seed in pairs}

    def _carry_out(self, scenarios: Mapping[str, Scenario], wanted: Mapping[str, tuple[str, int]], n_read: int) -> None:
        from sim.results.manifest import code_version

        keys = list(wanted)
        jobs = [Job(name, scenarios[name], seed) for name, seed in wanted.values()]

        def keep(place: int, outcome: Outcome) -> None:
            job, summaries = jobs[place], outcome.summaries or {"": outcome.summary or {}}
            if outcome.is_of_other_code:
                raise StoreError(outcome.reason)
            self.n_done += 1
            self._add(
                Record(
                    keys[place], job.seed, job.scenario.hash, code_version(),
                    None if outcome.has_failed else summaries, outcome.reason, outcome.failure,
                )
            )  # fmt: skip

        asked, told = None, self._progress
        if self._cluster is None:
            used = {job.name: job.scenario for job in jobs}
            asked = self._workers or workers_that_fit(used.values(), min(available_cores(), len(jobs)))
        run_jobs(
            jobs,
            workers=asked,
            task=self._task,
            progress=None if told is None else lambda done, n, failed: told(done + n_read, n + n_read, failed),
            each=keep,
            cluster=self._cluster,
            insecure=self._insecure,
            staff=self._staff,
        )

    def _add(self, record: Record) -> None:
        if self._records is None:
            self._found[record.key] = record
        else:
            self._records.add(record)

    def _outcome(self, pair: tuple[str, int], key: str, is_read: bool) -> Outcome:
        record, (name, seed) = self.kept[key], pair
        if record.summaries is None:
            return Outcome(name, seed, None, {}, record.reason, record.failure)
        return Outcome(name, seed, next(iter(record.summaries.values())), record.summaries, reused=is_read)


def _key_parts(scenario: Scenario) -> list[str]:
    from sim.engine.run import manifest_of

    manifest = manifest_of(scenario, 0)
    return [
        str(manifest["scenario_hash"]),
        str(manifest["code_version"]),
        json.dumps(manifest["plug_ins"], sort_keys=True),
    ]


def _key(parts: Sequence[str], seed: int, mark: str) -> str:
    return hashlib.sha256(json.dumps([*parts, seed, mark]).encode()).hexdigest()[:32]


def _name_of(task: Callable[..., object] | None) -> str:
    inner = task.func if isinstance(task, partial) else task
    return "" if inner is None else f"{inner.__module__}.{inner.__qualname__}"
