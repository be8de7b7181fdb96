"""Worker processes that start clean, end with their parent, and can be stopped at once.

A spawned process first re-imports the ``__main__`` of its parent: a notebook, a script without a guard or a program
piped in on standard input would run twice, or fail. Here workers are started from an empty ``__main__`` instead.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection, context, process, resource_tracker
from types import ModuleType, TracebackType
from typing import Any

_starting = threading.Lock()


class _CleanProcess(context.SpawnProcess):
    """A spawned process that does not see the main module of its parent."""

    @staticmethod
    def _Popen(process_obj: process.BaseProcess) -> Any:
        with _starting:
            main = sys.modules["__main__"]
            sys.modules["__main__"] = ModuleType("__main__")
            try:
                with _deaf_to_ctrl_c():
                    return context.SpawnProcess._Popen(process_obj)
            finally:
                sys.modules["__main__"] = main


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """What is started here does not hear Ctrl-C, from its first moment on: else it would die of it with a traceback."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it would be started in here, and undo what is done here
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _CleanSpawn(context.SpawnContext):
    """The spawn context of one pool; it remembers what it started."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[_CleanProcess] = []

    def Process(self, *args: Any, **options: Any) -> _CleanProcess:  # type: ignore[override]
        worker = _CleanProcess(*args, **options)
        self.started.append(worker)
        return worker


class Pool:
    """A pool of spawned workers, each with ``threads`` compiled threads; use it in a ``with`` block, or end it.

    Leaving the block in good order waits for what is running; leaving it on an error or on Ctrl-C stops every worker.
    """

    def __init__(self, workers: int, threads: int = 1) -> None:
        self.workers, self.threads = workers, threads
        self._context = _CleanSpawn()
        self.executor = ProcessPoolExecutor(
            workers, mp_context=self._context, initializer=_begin_worker, initargs=(threads,)
        )

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(at_once=kind is not None)

    def end(self, *, at_once: bool = False) -> None:
        """Let the workers go, when what they are at is done or at once."""
        if at_once:
            for worker in self._context.started:
                if worker.pid is not None and worker.is_alive():
                    worker.terminate()
        self.executor.shutdown(wait=True, cancel_futures=at_once)

    def deaths(self) -> list[int]:
        """Return the exit codes of the workers that ended badly; a negative one is the signal that killed it."""
        self.executor.shutdown(wait=True)  # the pool's own thread waits for the workers too, and may be first to know
        for worker in self._context.started:
            worker.join(1)
        return [worker.exitcode for worker in self._context.started if worker.exitcode]


def _begin_worker(threads: int) -> None:
    """Make this worker one of several: its own threads, deaf to Ctrl-C (the parent decides), gone with its parent."""
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = process.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """Wait for the end of the parent: a worker waiting for work from a killed parent would otherwise stay for ever."""
    connection.wait([sentinel])
    os._exit(1)
