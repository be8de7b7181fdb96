"""Many runs: the same results whatever the number of workers, and one that fails stops no other.

A job is one scenario under one seed. Jobs run in this process (one worker) or on spawned processes; what a run decides
depends on its scenario and seed alone, so how the jobs are spread changes nothing. A finished run found in its folder
is read, never repeated; an unfinished one goes on from its last checkpoint.
"""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import LendsimError, StoreError
from sim.study.pool import Pool
from sim.study.stats import Value

if TYPE_CHECKING:
    from sim.engine.scenario import Scenario

Measures = Mapping[str, Value]


@dataclass(frozen=True)
class Job:
    """One run to be done: a scenario under a seed, and the folder that keeps it (None: nothing is kept)."""

    name: str
    scenario: Scenario
    seed: int
    out: Path | None = None
    threads: int | None = 1
    checkpoint_every: int | None = None
    report: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a job: its measures, or what stopped it.

    Attributes
    ----------
    summary, summaries
        The measures of the first lender and those of each; None and empty for a run that failed.
    reason, failure
        What went wrong in words, and the whole traceback; both empty for a run that went well.
    """

    name: str
    seed: int
    summary: Measures | None
    summaries: Mapping[str, Measures]
    reason: str = ""
    failure: str = ""
    reused: bool = False
    path: Path | None = None
    seconds: float = 0.0

    @property
    def has_failed(self) -> bool:
        """True when there are no measures."""
        return self.summary is None


Task = Callable[[Job], Outcome]
Progress = Callable[[int, int, int], None]


def run_jobs(
    jobs: Sequence[Job], *, workers: int | None = None, task: Task | None = None, progress: Progress | None = None
) -> list[Outcome]:
    """Carry out every job, each once, and return their outcomes in the order of the jobs.

    Parameters
    ----------
    workers
        Processes; 1 means this process, None one for each core. Never more than there are jobs.
    task
        What a job does; an ordinary run unless told otherwise. It must be importable by name.
    progress
        Called with (done, all, failed) at the start and after every job.

    Raises
    ------
    ValueError
        When two jobs have one name and seed, or one folder: they would be the same run twice.
    KeyboardInterrupt
        On Ctrl-C, after every worker has been stopped. Finished runs stay finished.
    """
    _refuse_twins(jobs)
    if workers is not None and workers < 1:
        raise ValueError(f"{workers} workers; at least 1 is needed")
    workers = min(workers or available_cores(), len(jobs))
    task = task or carry_out
    outcomes: dict[int, Outcome] = {}

    def settle(place: int, outcome: Outcome) -> None:
        outcomes[place] = outcome
        if progress is not None:
            progress(len(outcomes), len(jobs), sum(o.has_failed for o in outcomes.values()))

    if progress is not None:
        progress(0, len(jobs), 0)
    if workers <= 1:
        for place, job in enumerate(jobs):
            settle(place, _attempt(task, job))
    else:
        _spread(jobs, workers, task, settle)
    return [outcomes[place] for place in range(len(jobs))]


def carry_out(job: Job) -> Outcome:
    """Run one job, or read it back when its folder already holds it (``simulate`` does either, or refuses)."""
    from sim.engine.run import simulate

    reused = is_finished(job.out)
    run = simulate(
        job.scenario,
        seed=job.seed,
        out=job.out,
        threads=job.threads,
        checkpoint_every=job.checkpoint_every,
        report=job.report,
    )
    return Outcome(job.name, job.seed, run.summary, run.summaries, reused=reused, path=job.out)


def refuse_used_folders(jobs: Iterable[Job]) -> None:
    """Look into every job's folder before the first begins, so that nothing is half done when one is another run's.

    Raises
    ------
    StoreError
        When a folder holds something else than the run that is to go there.
    """
    from sim.engine.run import manifest_of
    from sim.results.store import RunFolder

    refused: list[str] = []
    manifests: dict[str, dict[str, Any]] = {}
    for job in jobs:
        if job.out is None or not job.out.exists():
            continue
        manifest = manifests.setdefault(job.scenario.hash, manifest_of(job.scenario, job.seed))
        try:
            RunFolder(job.out).check({**manifest, "seed": job.seed})
        except StoreError as error:
            refused.append(str(error))
    if refused:
        more = f" ({len(refused) - 1} more folders are refused)" if len(refused) > 1 else ""
        raise StoreError(refused[0] + more)


def is_finished(path: Path | None) -> bool:
    """Say whether a folder holds a finished run, of whatever scenario."""
    from sim.results.files import FolderState, folder_state

    return path is not None and folder_state(path) is FolderState.FINISHED


def available_cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine_memory() -> int | None:
    """Return the bytes of memory this process may use: the machine's, or its container's; None where nobody says."""
    found = []
    with contextlib.suppress(OSError, ValueError, AttributeError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with contextlib.suppress(OSError, ValueError):  # "max" is no number
        found.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return min(found, default=None)


def workers_that_fit(scenarios: Iterable[Scenario], wanted: int) -> int:
    """Return as many workers as wanted, or fewer when that many runs would not fit into memory; at least one."""
    from sim.engine.estimate import estimate

    memory = machine_memory()
    largest = max((estimate(scenario).memory_bytes for scenario in scenarios), default=0)
    return wanted if memory is None or largest == 0 else max(1, min(wanted, int(memory // largest)))


def _refuse_twins(jobs: Sequence[Job]) -> None:
    seen: set[tuple[str, int] | Path] = set()
    for job in jobs:
        for mark in ((job.name, job.seed), job.out):
            if mark is None:
                continue
            if mark in seen:
                raise ValueError(f"the run {job.name!r} with seed {job.seed} is asked for twice")
            seen.add(mark)


def _attempt(task: Task, job: Job) -> Outcome:
    """Carry out a job; whatever it raises becomes part of the outcome, as text (not every error can be pickled)."""
    begun = time.monotonic()
    try:
        outcome = task(job)
    except Exception as error:
        outcome = _failed(job, error)
    return replace(outcome, seconds=time.monotonic() - begun)


def _failed(job: Job, error: Exception) -> Outcome:
    reason = str(error) if isinstance(error, LendsimError) else f"{type(error).__name__}: {error}"
    return Outcome(job.name, job.seed, None, {}, reason, "".join(traceback.format_exception(error)), path=job.out)


def _spread(jobs: Sequence[Job], workers: int, task: Task, settle: Callable[[int, Outcome], None]) -> None:
    """Carry out the jobs on ``workers`` processes.

    No more jobs are handed out than there are workers, so that when a worker dies the suspects are few: each of them is
    tried again in a pool of its own, and the one that kills its worker twice has failed.
    """
    waiting = deque(range(len(jobs)))
    threads = max(job.threads or 1 for job in jobs)
    while waiting:
        running: dict[Future[Outcome], int] = {}
        with Pool(workers, threads) as pool:
            try:
                while waiting or running:
                    while waiting and len(running) < workers:
                        running[pool.executor.submit(_attempt, task, jobs[waiting[0]])] = waiting[0]
                        waiting.popleft()
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        settle(running[future], future.result())
                        del running[future]
            except BrokenProcessPool:
                suspects = sorted(running.values())
            else:
                suspects = []
        for place in suspects:
            settle(place, _alone(task, jobs[place]))


def _alone(task: Task, job: Job) -> Outcome:
    """Carry out a job in a process of its own, which may die of it."""
    with Pool(1, job.threads or 1) as pool:
        try:
            return pool.executor.submit(_attempt, task, job).result()
        except BrokenProcessPool:
            codes = pool.deaths()
    code = codes[0] if codes else 1
    how = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
    reason = f"the worker process {how} in the middle of the run; was there enough memory?"
    return Outcome(job.name, job.seed, None, {}, reason, reason, path=job.out)
