"""Tasks that stand in for a run; they lie in a module of their own so that spawned workers can import them."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from random import Random

from sim.errors import BooksError
from sim.study.runner import Job, Outcome


def square(job: Job) -> Outcome:
    return Outcome(job.name, job.seed, {"disbursed": job.seed**2}, {})


def who_am_i(job: Job) -> Outcome:
    main = sys.modules["__main__"]
    values = {
        "pid": os.getpid(),
        "main_has_file": int(hasattr(main, "__file__")),
        "numba_loaded": int("numba" in sys.modules),
        "numba_threads": int(os.environ.get("NUMBA_NUM_THREADS", "0")),
    }
    return Outcome(job.name, job.seed, values, {})


def break_at_three(job: Job) -> Outcome:
    if job.seed == 3:
        raise BooksError("2012-01-05, lender ali, account loans: 1 fen too many")
    return square(job)


def die_at_three(job: Job) -> Outcome:
    if job.seed == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(job)


def hang_once(job: Job) -> Outcome:
    """Seed 1 hangs the first time it is tried, with its process id in its folder, and not the second."""
    assert job.out is not None
    job.out.mkdir(parents=True, exist_ok=True)
    note = Path(job.out / "pid")
    if job.seed == 1 and not note.exists():
        note.write_text(str(os.getpid()))
        time.sleep(120)
    return square(job)


def nap(job: Job) -> Outcome:
    """Half a second, and a mark in the folder that it was done."""
    assert job.out is not None
    time.sleep(0.5)
    job.out.mkdir(parents=True, exist_ok=True)
    Path(job.out / "done").touch()
    return square(job)


def leave_at_three(job: Job) -> Outcome:
    if job.seed == 3:
        sys.exit("a policy that ends the program")
    return square(job)


def unsendable_at_three(job: Job) -> Outcome:
    """An outcome that cannot go from process to process: a lock is in it."""
    return Outcome(job.name, job.seed, {"lock": threading.Lock()}, {}) if job.seed == 3 else square(job)  # type: ignore[dict-item]


def sleep_long(job: Job) -> Outcome:
    assert job.out is not None
    job.out.mkdir(parents=True, exist_ok=True)
    Path(job.out / "pid").write_text(str(os.getpid()))
    time.sleep(120)
    return square(job)


def small_market(job: Job) -> Outcome:
    """Measures as a market might give them: the world's luck is common to all scenarios, the cut-off is not.

    A looser cut-off lends more and loses more. A scenario without lenders has the merchants' measures alone.
    """
    world, own = Random(job.seed), Random(f"{job.seed} {job.scenario.hash}")
    luck, slump = world.gauss(0, 0.1), world.gauss(0, 0.05)
    looseness = 0.0
    if job.scenario.lenders:
        looseness = 1 - job.scenario.lenders["ali"].scoring.cutoff

    def noisy(value: float, common: float = 1.0) -> float:
        return value * (1 + common * luck + own.gauss(0, 0.01))

    of_lender: dict[str, float | int | None] = {
        "disbursed": noisy(3e8 * looseness),
        "balance_growth": noisy(0.4 * looseness, 0.5),
        "balance_growth_of_equity": noisy(0.7 * looseness, 0.5),
        "customers": round(noisy(5000 * looseness)),
        "approval_rate": min(1.0, noisy(0.5 + looseness / 2, 0.1)),
        "yield_gross": noisy(0.19, 0.01),
        "yield_risk_adjusted": noisy(0.18 - 0.05 * looseness**2, 0.05),
        "roe": noisy(0.15 - 0.02 * looseness, 0.1),
        "raroc": noisy(0.9 - 0.2 * looseness, 0.1),
        "npl90": noisy(0.02 * looseness**2, -2),
        "ever90": noisy(0.004 * looseness**2, -2) if job.seed % 7 else None,
        "net_charge_off": noisy(0.01 * looseness**2, -2),
        "expected_loss_rate": noisy(0.02 * looseness**2, -2),
    }
    of_market: dict[str, float | int | None] = {
        "merchant_sales": noisy(2e9 * (1 + 0.05 * looseness), 2),
        "merchant_sales_growth": 0.1 + slump + 0.01 * looseness,
        "merchant_exits": round(noisy(800 - 30 * looseness)),
    }
    if not job.scenario.lenders:
        nothing: dict[str, float | int | None] = dict.fromkeys(of_lender)
        return Outcome(job.name, job.seed, nothing | of_market, {"": nothing | of_market})
    return Outcome(job.name, job.seed, of_lender | of_market, {"ali": of_lender | of_market})


def always_breaks(job: Job) -> Outcome:
    raise BooksError("1 fen too many, every time")


def lucky(job: Job) -> Outcome:
    """Lenders that are alike but for their luck, which hangs on their name: no difference is the strategy's.

    The worlds are common to all; some measures are skewed, one is a count, and what a name is lucky with in one it is
    lucky with in part in all.
    """
    from sim.study.compare import MEASURES

    world, own = Random(job.seed), Random(f"{job.name} {job.seed}")
    common, fortune = world.gauss(0, 1), own.gauss(0, 1)
    values: dict[str, float | int | None] = {}
    for i, name in enumerate(MEASURES):
        luck = own.expovariate(1) if i % 3 == 2 else own.gauss(0, 1)
        values[name] = 100 + 5 * common + (0.3 * fortune + luck)
    values["merchant_exits"] = round(values["merchant_exits"] or 0)
    return Outcome(job.name, job.seed, values, {"ali": values})
