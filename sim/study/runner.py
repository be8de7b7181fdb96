"""Many runs: the same results whatever the number of workers, and one that fails stops no other.

A job is one scenario under one seed. Jobs run in this process (one worker) or on spawned processes; what a run decides
depends on its scenario and seed alone, so how the jobs are spread changes nothing. A finished run found in its folder
is read, never repeated; an unfinished one goes on from its last checkpoint.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import StoreError
from sim.study.jobs import Job, Measures, Outcome, Task, attempt

if TYPE_CHECKING:
    from sim.engine.scenario import Scenario
    from sim.study.processes import Staff

__all__ = ["Job", "Measures", "Outcome", "Progress", "Task", "run_jobs"]

Progress = Callable[[int, int, int], None]
Each = Callable[[int, Outcome], None]


def run_jobs(
    jobs: Sequence[Job],
    *,
    workers: int | None = None,
    cluster: str | None = None,
    insecure: bool = False,
    staff: Staff | None = None,
    task: Task | None = None,
    each: Each | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Carry out every job, each once, and return their outcomes in the order of the jobs.

    Parameters
    ----------
    workers
        Processes; 1 means this process, None one for each core. Never more than there are jobs.
    cluster, insecure
        Address of a dask scheduler whose workers do the jobs instead, and leave to talk to another machine without
        TLS (:mod:`sim.study.cluster`).
    staff
        Worker processes that stay for the next call; else they end with this one.
    task
        What a job does; an ordinary run unless told otherwise. It must be importable by name.
    each
        Called here with a job's place and its outcome as soon as it is settled, in whatever order jobs end. What it
        raises stops the workers and comes out.
    progress
        Called with (done, all, failed) at the start and after every job (after ``each``).

    Raises
    ------
    ValueError
        When two jobs have one name and seed, or one folder: they would be the same run twice.
    ClusterError
        When the cluster is refused, not to be reached, or holds other code.
    KeyboardInterrupt
        On Ctrl-C, after every worker has been stopped. Finished runs stay finished.
    """
    _refuse_twins(jobs)
    if workers is not None and workers < 1:
        raise ValueError(f"{workers} workers; at least 1 is needed")
    if cluster is not None:
        from sim.study.addresses import read_address
        from sim.study.cluster import spread_over

        read_address(cluster, insecure=insecure)
    workers = min(workers or available_cores(), len(jobs))
    task = task or carry_out
    outcomes: dict[int, Outcome] = {}

    def settle(place: int, outcome: Outcome) -> None:
        outcomes[place] = outcome
        if each is not None:
            each(place, outcome)
        if progress is not None:
            progress(len(outcomes), len(jobs), sum(o.has_failed for o in outcomes.values()))

    if progress is not None:
        progress(0, len(jobs), 0)
    if cluster is not None:
        spread_over(cluster, jobs, task, settle, insecure=insecure)
    elif workers <= 1:
        for place, job in enumerate(jobs):
            settle(place, attempt(task, job))
    else:
        from sim.study.processes import Staff, spread

        with contextlib.nullcontext(staff) if staff is not None else Staff() as staff:
            spread(jobs, workers, task, settle, staff)
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
