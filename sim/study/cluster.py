"""Jobs on the workers of a dask cluster: the same outcomes as on this machine, many seeds a task.

Every worker is given one batch of jobs at a time and no worker is given another's, so that when one dies it is known
what it was at: those jobs are tried again one by one, and one that kills its worker twice has failed. A cluster is only
used, never started or shut down. Runs without a folder send back their measures and leave nothing behind; with a folder
they write there, so that it must lie on a disk that all workers share.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any, TypeAlias

from sim.study.addresses import Address, ClusterError, read_address
from sim.study.jobs import Code, Job, Outcome, Settle, Task, attempt, codes_of, failed, lost

Client: TypeAlias = Any  # of dask, which is loaded only when it is used, and is typed only in parts
Future: TypeAlias = Any
REACH_SECONDS = 5.0  # to find the scheduler
LOOK_SECONDS = 0.5  # between two looks at who is there
WAIT_SECONDS = 60.0  # for workers to come (back) when there are none
GATHER_SECONDS = 10.0  # for outcomes to come over the line
BATCH_SECONDS = 3.0  # of work in one task: a message costs some 10 ms
BATCH_MOST = 200
_one_at_a_time = threading.Lock()


def spread_over(address: str, jobs: Sequence[Job], task: Task, settle: Settle, *, insecure: bool = False) -> None:
    """Carry out the jobs on the workers of the cluster whose scheduler listens at ``address``.

    Raises
    ------
    ClusterError
        Before anything begins: when the address is refused, dask is missing, nobody answers, no worker is there, or one
        has other code. Later: when the cluster is lost.
    KeyboardInterrupt
        On Ctrl-C, and anything that ``settle`` raises, after what was in flight has been cancelled. A worker still ends
        the run it is at.
    """
    with _client(read_address(address, insecure=insecure)) as client:
        if jobs:
            _Crew(client, address, jobs, task, settle).work()


class _Crew:
    """The workers of a cluster, what each is at, and what is still to be done."""

    def __init__(self, client: Client, address: str, jobs: Sequence[Job], task: Task, settle: Settle) -> None:
        self.client, self.address, self.jobs, self.task, self.settle = client, address, jobs, task, settle
        self.codes = codes_of(jobs)
        self.waiting = deque(range(len(jobs)))
        self.suspects: deque[int] = deque()  # each was in a batch whose worker died; tried alone
        self.tried_alone: set[int] = set()
        self.running: dict[Future, tuple[str, list[int]]] = {}
        self.workers: set[str] = set()
        self.unfit: set[str] = set()  # came later, with other code: never given work
        self.recent: deque[float] = deque(maxlen=50)  # seconds of the last runs
        self.has_begun = False
        self.looked = self.seen = time.monotonic()

    def work(self) -> None:
        """Carry out every job."""
        try:
            self.client.wait_for_workers(1, timeout=REACH_SECONDS)
        except TimeoutError:
            raise ClusterError(f"{self.address}: the scheduler has no workers; start some, then begin again") from None
        self._look_around()
        try:
            while self.waiting or self.suspects or self.running:
                self._hand_out()
                self._settle_ended()
                if time.monotonic() - self.looked > LOOK_SECONDS:
                    self._look_around()
        finally:
            with contextlib.suppress(Exception):  # the cluster may be what was lost
                self.client.cancel(list(self.running), force=True)

    def _hand_out(self) -> None:
        """Give a batch to every idle worker; a suspect goes alone, before all others."""
        busy = {worker for worker, _ in self.running.values()}
        for worker in sorted(self.workers - busy):
            if self.suspects:
                batch = [self.suspects.popleft()]
                self.tried_alone.update(batch)
            elif self.waiting:
                size = batch_size(len(self.waiting), len(self.workers), median(self.recent) if self.recent else None)
                batch = [self.waiting.popleft() for _ in range(size)]
            else:
                return
            work = [(self.jobs[place], self.codes[place]) for place in batch]
            sent = self.client.submit(
                carry_out_batch, self.task, work, workers=[worker], allow_other_workers=False, pure=False, retries=0
            )
            self.running[sent] = (worker, batch)

    def _settle_ended(self) -> None:
        """Wait a moment for batches to end, and settle what they came to."""
        if not self.running:
            time.sleep(LOOK_SECONDS / 5)
            return
        with contextlib.suppress(TimeoutError, _dask().CancelledError):  # what was lost is found out below
            _dask().wait(list(self.running), timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED")
        ended = []
        for future in [future for future in self.running if future.done()]:
            outcomes = self._outcomes(future)
            worker, batch = self.running.pop(future)
            if outcomes is None:
                self._present()  # else it was not the worker that was lost, but all of them
                self._suspect(worker, batch)
            else:
                ended += list(zip(batch, outcomes, strict=False))
                self.waiting.extendleft(reversed(batch[len(outcomes) :]))  # it took itself for cancelled
        self._hand_out()  # nobody waits while the rest is settled
        for place, outcome in ended:
            self.recent.append(outcome.seconds)
            self.settle(place, outcome)

    def _outcomes(self, future: Future) -> list[Outcome] | None:
        """Return what a batch came to; None if its worker was lost before it could tell."""
        _, batch = self.running[future]
        try:
            return list(future.result(timeout=GATHER_SECONDS))
        except (_dask().KilledWorker, _dask().CancelledError, TimeoutError, OSError):
            return None
        except Exception as error:
            return [failed(self.jobs[place], error) for place in batch]  # the task is not to be found there, say

    def _suspect(self, worker: str, batch: list[int]) -> None:
        """Note that a worker was lost with a batch: each job of it is tried alone, one that was alone has failed."""
        self.workers.discard(worker)
        for place in batch:
            if place in self.tried_alone:
                self.settle(place, lost(self.jobs[place], _DIED.format(worker=worker)))
            else:
                self.suspects.append(place)

    def _look_around(self) -> None:
        """See which workers are there: those gone lost their batch, new ones are looked at before they work."""
        there = self._present()
        self.looked = time.monotonic()
        for future, (worker, batch) in list(self.running.items()):
            if worker not in there and not (future.done() and future.status == "finished"):
                del self.running[future]
                self.client.cancel([future], force=True)
                self._suspect(worker, batch)
        self.workers &= there
        new = there - self.workers - self.unfit
        if new:
            self.workers |= self._that_do_the_same(new)
            self.has_begun = True
        if self.workers:
            self.seen = self.looked
        elif self.looked - self.seen > WAIT_SECONDS:
            raise ClusterError(f"{self.address}: all workers were lost, and none came back in {WAIT_SECONDS:.0f} s")

    def _present(self) -> set[str]:
        try:
            there: set[str] = set(self.client.nthreads())
        except Exception as error:
            raise ClusterError(f"{self.address}: the scheduler was lost ({_words(error)})") from error
        return there

    def _that_do_the_same(self, new: set[str]) -> set[str]:
        """Return those of the new workers that have the same code; others would make the study a mix.

        Raises
        ------
        ClusterError
            When one of those that are there at the start has no lendsim, or another version of it.
        """
        said = self.client.run(look_at_worker, workers=sorted(new), on_error="return")
        same = {worker for worker, version in said.items() if version == self.codes[0].version}
        for worker, version in sorted(said.items()):
            if worker in same or (isinstance(version, Exception) and not isinstance(version, ImportError)):
                continue  # an error: it is just leaving, and looked at again if it stays
            self.unfit.add(worker)
            has = f"cannot load lendsim ({version})" if isinstance(version, ImportError) else f"has lendsim {version}"
            if not self.has_begun:
                raise ClusterError(
                    f"{self.address}: the worker {worker} {has}, here is {self.codes[0].version}; "
                    "install the same on all and start the workers anew"
                )
        return same


_DIED = "the worker {worker} died in the middle of the run, twice; was there enough memory?"


def batch_size(n_left: int, n_workers: int, seconds: float | None) -> int:
    """Return how many jobs go into the next task.

    About ``BATCH_SECONDS`` of work, so that messages cost little and outcomes come steadily, but never more than half
    of a worker's share of what is left, so that all end together. One, as long as nobody knows how long a run takes.

    Examples
    --------
    >>> [batch_size(n, 2, 0.25) for n in (400, 20, 3)]
    [12, 5, 1]
    """
    if seconds is None:
        return 1
    return max(1, min(n_left // (2 * n_workers), BATCH_MOST, int(BATCH_SECONDS / max(seconds, 1e-9))))


def look_at_worker() -> str:
    """On a worker: make its compiled code use one thread, as long as it is not loaded, and say its version."""
    if "numba" not in sys.modules:
        os.environ["NUMBA_NUM_THREADS"] = "1"
    from sim.results.manifest import code_version

    return code_version()


def carry_out_batch(task: Task, work: Sequence[tuple[Job, Code]]) -> list[Outcome]:
    """On a worker: carry out some jobs, one after the other also where a worker has several threads.

    The compiled kernels of one process are not for two threads at a time. A cancelled batch ends with the job it is at.
    """
    outcomes: list[Outcome] = []
    for job, code in work:
        if outcomes and _is_cancelled():
            break
        with _one_at_a_time:
            outcomes.append(attempt(task, job, code))
    return outcomes


def _is_cancelled() -> bool:
    """Say whether nobody waits for this batch any more (its client has gone, or said so)."""
    try:
        worker = _dask().get_worker()
        key = worker.get_current_task()
        state = worker.state.tasks.get(key)
        return state is None or bool(state.state == "cancelled")
    except (AttributeError, ValueError):
        return False


@contextlib.contextmanager
def _client(address: Address) -> Iterator[Client]:
    """Talk to a scheduler; leave it as it was found."""
    try:
        dask = _dask()
    except ImportError as error:
        raise ClusterError("a cluster needs dask: pip install 'lendsim[study]'") from error
    security: Any = None
    if address.scheme == "tls":
        security = _certificates(address, dask.Security())
    _knock(address, security or dask.Security())
    try:
        client = dask.Client(str(address), timeout=REACH_SECONDS, set_as_default=False, security=security)
    except (OSError, ValueError, RuntimeError) as error:
        raise ClusterError(f"{address}: no scheduler of dask answers ({_words(error)})") from error
    try:
        with client.as_current():  # dask's wait() asks for it
            yield client
    finally:
        with contextlib.suppress(Exception):
            client.close(timeout=REACH_SECONDS)


def _certificates(address: Address, security: Any) -> Any:
    """Return the certificates of dask's configuration, tried.

    Raises
    ------
    ClusterError
        When there are none, or they cannot be read.
    """
    try:
        context = security.get_connection_args("client")["ssl_context"]
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ClusterError(f"{address}: the certificates of dask's configuration cannot be read ({error})") from error
    if context is None:
        raise ClusterError(
            f"{address}: tls needs certificates; set distributed.comm.tls.ca-file, .client.cert and .client.key in "
            "dask's configuration (or DASK_DISTRIBUTED__COMM__TLS__CA_FILE and so on in the environment)"
        )
    return security


def _knock(address: Address, security: Any) -> None:
    """Ask who listens there: dask's own client would wait for ever where something else does, and never answers.

    Raises
    ------
    ClusterError
        When nobody says in time that it is a scheduler.
    """

    async def ask() -> Any:
        at = _dask().rpc(str(address), connection_args=security.get_connection_args("client"))
        try:
            return await asyncio.wait_for(at.identity(), REACH_SECONDS)
        finally:
            await at.close_rpc()

    with ThreadPoolExecutor(1) as thread:  # a notebook has a loop of its own in this one
        try:
            who = thread.submit(lambda: asyncio.run(ask())).result()
        except Exception as error:
            said = f"none in {REACH_SECONDS:.0f} s" if isinstance(error, TimeoutError) else _words(error)
            raise ClusterError(f"{address}: no scheduler of dask answers ({said}); is one running there?") from error
    kind = who.get("type") if isinstance(who, dict) else who
    if kind != "Scheduler":
        raise ClusterError(f"{address}: that is no scheduler of dask but {kind!r}")


def _dask() -> Any:
    return importlib.import_module("distributed")


def _words(error: BaseException) -> str:
    first = str(error).strip().splitlines()
    return first[0] if first else type(error).__name__
