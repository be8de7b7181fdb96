"""Tasks that stand in for a run; they lie in a module of their own so that spawned workers can import them."""

from __future__ import annotations

import os
import signal
import sys
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
