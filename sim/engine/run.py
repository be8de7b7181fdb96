"""One run: a scenario and a seed go in, a finished run comes out; in memory or in a folder, resumable."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from sim.engine.scenario import Scenario, load
from sim.results.rows import merchant_table, plain
from sim.results.run import Run
from sim.results.store import RunFolder, new_manifest
from sim.world.diversion import diverts

Progress = Callable[[int, int, int], None]
HELD_BYTES = 8_000_000  # rows that a run holds in memory before it puts them onto the disk
COLLECTED = 50_000  # merchants from which on a finished market is collected at once: it takes a sixth of a second
PIECE = 1 << 15  # loans or merchants that are written at a time in the end


def simulate(
    scenario: Scenario | str | Path,
    seed: int = 1,
    out: str | Path | None = None,
    *,
    threads: int | None = None,
    checkpoint_every: int | None = None,
    progress: Progress | None = None,
    report: bool = False,
) -> Run:
    """Run a scenario once.

    Parameters
    ----------
    scenario : Scenario or path
        What to simulate.
    seed : int
        Seed of every draw; the same scenario and seed give the same run to the bit.
    out : path, optional
        Run folder. One that holds this run finished is opened; one that holds it unfinished is resumed; another run's
        is refused. Without it the run lives in memory.
    threads : int, optional
        Threads of the engine; any number gives the same bits. All cores, or one below 10,000 merchants, if not said.
    checkpoint_every : int, optional
        Days between checkpoints; an interrupt from the keyboard writes one in any case.
    progress : callable, optional
        Called every day with days done, days in all and the number of merchants.
    report : bool
        Write ``report.html`` into the folder.

    Raises
    ------
    ScenarioError, PolicyError, BooksError, StoreError
    """
    chosen = scenario if isinstance(scenario, Scenario) else load(scenario)
    manifest = manifest_of(chosen, seed)
    folder = RunFolder(out) if out is not None else None
    if folder is not None:
        done = folder.finished(manifest)
        if done is not None:
            return _with_report(done, report)
    checkpoint = folder.begin(manifest) if folder is not None else None

    from sim.engine import checkpoint as state
    from sim.engine.market import Market

    began_wall, began_cpu = time.perf_counter(), time.process_time()
    _use_threads(threads, chosen.n_merchants)
    market = Market(chosen, rng=seed)
    if checkpoint is not None:
        state.restore(market, checkpoint.state, checkpoint.progress)
    n_days, resumed_from = len(market.calendar), market.day_index

    def keep(market: Market) -> None:
        if folder is not None:
            folder.save_checkpoint(market.recorder.take(), *state.save(market))

    try:
        with _interrupts_wait() as interrupted:
            while market.running:
                market.step()
                if folder is not None and market.recorder.n_bytes > HELD_BYTES:
                    folder.add_segment(market.recorder.take())
                if progress is not None:
                    progress(market.day_index, n_days, market.merchants.n)
                if interrupted() and market.running:
                    keep(market)
                    raise KeyboardInterrupt
                if checkpoint_every and market.running and market.day_index % checkpoint_every == 0:
                    keep(market)
        notes, n_merchants = list(chosen.notes) + market.notes(), market.merchants.n
        rows = final_tables(market, folder)
        market.dispose()
        del market  # what is left to do is done without it, and in the room it took
        if n_merchants >= COLLECTED:
            gc.collect()
        used = {
            "wall_seconds": round(time.perf_counter() - began_wall, 3),
            "cpu_seconds": round(time.process_time() - began_cpu, 3),
            "resumed_from_day": resumed_from,
            "merchants": n_merchants,
            "days": n_days,
        }
        complete = manifest | {"time_used": used, "notes": notes}
        if folder is None:
            return Run.from_tables(rows, complete | {"status": "finished"}, chosen.resolved)
        return _with_report(folder.finish(rows, chosen.dump(), complete), report)
    finally:
        if folder is not None:
            folder.release()


@contextmanager
def _interrupts_wait() -> Iterator[Callable[[], bool]]:
    """Hold an interrupt from the keyboard back until the day is over; a second one is not held back.

    Gives a function that tells whether one came. Only the main thread can do this; elsewhere nothing is held back.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: object) -> None:
        came.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, before)


def manifest_of(scenario: Scenario, seed: int) -> dict[str, Any]:
    """The manifest of a run about to start."""
    from sim.lenders.plugins import plug_in_hashes

    calendar = scenario.calendar
    return new_manifest(
        scenario_hash=scenario.hash,
        world_hash=scenario.world_hash,
        seed=seed,
        report_from=str(calendar.report_from or calendar.start),
        report_to=str(calendar.report_to or calendar.last),
        lenders=list(scenario.lenders),
        plug_ins=plug_in_hashes(scenario.lenders.values(), scenario.folder),
        provenance=scenario.provenance,
        title=scenario.about.title or scenario.path.stem,
    )


def final_tables(market: Any, folder: RunFolder | None = None) -> dict[str, Any]:
    """What a run leaves since its last segment, by table; into segments of the folder, if there is one."""
    pieces: dict[str, list[Any]] = {}
    for tables in _last_pieces(market):
        if folder is not None:
            folder.add_segment(tables)
            continue
        for name, table in tables.items():
            pieces.setdefault(name, []).append(table)
    return {name: plain(pa.concat_tables(parts, promote_options="permissive")) for name, parts in pieces.items()}


def _last_pieces(market: Any) -> Iterator[dict[str, Any]]:
    """What a run leaves since its last segment, piece by piece: the rows recorded, open loans, all merchants."""
    yield market.recorder.take()
    book, merchants = market.book, market.merchants
    for start in range(0, book.n, PIECE):
        columns = {name: book[name][start : start + PIECE] for name in book.records.dtype.names}
        market.recorder.loans(columns)
        yield market.recorder.take()
    yield market.recorder.take(last=True)
    categories = list(market.plan_of_run.merchants.categories)
    who = diverts(merchants.merchant_id, market.plan_of_run.merchants.borrowing, market.seed_number)
    for start in range(0, merchants.n, PIECE):
        rows = slice(start, start + PIECE)
        yield {"merchants": merchant_table(merchants, categories, market.shop_names(), who, rows)}


def _with_report(run: Run, wanted: bool) -> Run:
    """Write the report beside a finished run, if wanted and not there."""
    if wanted and run.path is not None and not (Path(run.path) / "report.html").exists():
        from sim.results.report import write_report

        write_report(run)
    return run


def _use_threads(threads: int | None, n_merchants: int) -> None:
    """Set the number of threads of the compiled loops; two cost more than they bring below 10,000 merchants."""
    import numba

    most = int(getattr(numba.config, "NUMBA_NUM_THREADS", 1))
    cores = min(os.cpu_count() or 1, most)
    wished = threads if threads is not None else (cores if n_merchants >= 10_000 else 1)
    numba.set_num_threads(max(1, min(wished, most)))
