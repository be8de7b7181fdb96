"""Jobs on worker processes of this machine: the same outcomes on any number of them."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType

from sim.study.jobs import Code, Job, Outcome, Settle, Task, attempt, codes_of, failed, lost
from sim.study.pool import Pool

_settled_in = False


class Staff:
    """Worker processes that stay from one ``run_jobs`` to the next; starting one costs a second or two.

    Use it in a ``with`` block, or :meth:`dismiss` them. Without a call of ``run_jobs`` there are none.
    """

    def __init__(self) -> None:
        self._pool: Pool | None = None

    def __enter__(self) -> Staff:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.dismiss(at_once=kind is not None)

    def pool(self, workers: int, threads: int) -> Pool:
        """Return a pool of at least so many workers with just so many threads: the one there is, or a new one."""
        if self._pool is not None and (self._pool.workers < workers or self._pool.threads != threads):
            self.dismiss()
        if self._pool is None:
            self._pool = Pool(workers, threads)
        return self._pool

    def dismiss(self, *, at_once: bool = False) -> None:
        """End the workers, when what they are at is done or at once."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.end(at_once=at_once)


def spread(jobs: Sequence[Job], workers: int, task: Task, settle: Settle, staff: Staff) -> None:
    """Carry out the jobs on ``workers`` processes.

    No more jobs are handed out than there are workers, so that when a worker dies the suspects are few: each of them is
    tried again in a pool of its own, and the one that kills its worker twice has failed.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, and anything that ``settle`` raises, after every worker has been stopped.
    """
    waiting, codes = deque(range(len(jobs))), codes_of(jobs)
    threads = max(job.threads or 1 for job in jobs)
    while waiting:
        running: dict[Future[Outcome], int] = {}
        pool = staff.pool(workers, threads)
        try:
            while waiting or running:
                _hand_out(pool, workers, task, jobs, codes, waiting, running)
                ended = wait(running, return_when=FIRST_COMPLETED).done
                for future in sorted(ended, key=_is_broken):  # what is finished is kept, also when another died
                    outcome = _outcome(future, jobs[running[future]])
                    place = running.pop(future)
                    try:  # the worker is given its next job first: settling may write to a disk
                        _hand_out(pool, workers, task, jobs, codes, waiting, running)
                    finally:
                        settle(place, outcome)
            return
        except BrokenProcessPool:
            staff.dismiss(at_once=True)
        except BaseException:
            staff.dismiss(at_once=True)
            raise
        for place in sorted(running.values()):
            settle(place, _alone(task, jobs[place], codes[place]))


def work(task: Task, job: Job, code: Code) -> Outcome:
    """Carry out a job in a worker.

    What the first job loaded stays for good; it is taken out of sight of the garbage collector, which would else look
    through some hundred thousand objects of libraries after every run (a sixth of the time of a small one).
    """
    global _settled_in
    outcome = attempt(task, job, code)
    if not _settled_in:
        _settled_in = True
        gc.collect()
        gc.freeze()
    return outcome


def _hand_out(
    pool: Pool,
    workers: int,
    task: Task,
    jobs: Sequence[Job],
    codes: Sequence[Code],
    waiting: deque[int],
    running: dict[Future[Outcome], int],
) -> None:
    """Give every idle worker a job; one stays in ``waiting`` if the pool turns out to be broken."""
    while waiting and len(running) < workers:
        place = waiting[0]
        running[pool.executor.submit(work, task, jobs[place], codes[place])] = place
        waiting.popleft()


def _is_broken(future: Future[Outcome]) -> bool:
    return isinstance(future.exception(), BrokenProcessPool)


def _outcome(future: Future[Outcome], job: Job) -> Outcome:
    """Return what a job came to; one that could not be sent or sent back (not to be pickled) has failed."""
    error = future.exception()
    if isinstance(error, BrokenProcessPool):
        raise error
    return future.result() if error is None else failed(job, error)


def _alone(task: Task, job: Job, code: Code) -> Outcome:
    """Carry out a job in a process of its own, which may die of it."""
    with Pool(1, job.threads or 1) as pool:
        try:
            return pool.executor.submit(work, task, job, code).result()
        except BrokenProcessPool:
            codes = pool.deaths()
    ended = codes[0] if codes else 1
    how = f"was killed by signal {-ended}" if ended < 0 else f"ended with status {ended}"
    return lost(job, f"the worker process {how} in the middle of the run; was there enough memory?")
