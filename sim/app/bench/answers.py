"""How quickly lendsim answers: the help, a scenario read, ten mistakes refused, a built-in policy's decision.

CPU time, the quickest of some tries, since other work may share the machine. Run as ``python -m sim.app.bench.answers``
(part of ``make bench-check``).
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from sim.app.bench.measure import SCENARIO

TRIES = 3
N_JUDGED = 100_000
DEEP = "deep: " + "{a: " * 2000 + "1" + "}" * 2000
MISTAKES = f"""\
calendar: {{start: 2012-06-01, end: 2012-01-01}}
merchants:
  number: 1000000000
  demnd: {{volatility: 0.3}}
  size: {{median_daily_sales: -150 yuan}}
  trade: {{margin: .nan, margin_spread: 0.1}}
  trade: {{margin: 0.5}}
  exits: *who
  {DEEP}
lenders:
  ali:
    equity: 1.6 bn yuan
    products: {{order_loan: {{rate: 0.05}}}}
    scoring: {{policy: pionts}}
"""
HELP = "from sim.app.cli import app\napp(['--help'])"
READ = "from sim.engine.scenario import load\nload({path!r})"


def start(code: str) -> float:
    """CPU seconds of a fresh Python that runs ``code``, whatever way it ends."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def decision(kind: str, policy: str) -> float:
    """CPU seconds in which a built-in policy answers for N_JUDGED merchants."""
    from datetime import date

    import numpy as np

    from sim.core.merchants import View
    from sim.lenders.policy import Context, Product, decide, load_policy
    from sim.lenders.trial_merchants import ordinary

    made = load_policy(kind, policy)
    many = {name: np.resize(column, N_JUDGED) for name, column in ordinary(0).columns.items()}
    view = View(many, made.needs, np.arange(N_JUDGED), 1, 4383)
    product = Product("credit_line", 219_000, 365, 180)
    context = Context(date(2012, 1, 1), 4383, "ali", (product,), 10**12, 10**12)
    began = time.process_time()
    decide(made, kind, view, context)
    return time.process_time() - began


def answers(folder: Path) -> dict[str, tuple[Callable[[], float], float]]:
    """What is asked, how it is timed, and the seconds it may take."""
    from sim.lenders.policy import ANSWERING, BUILT_IN

    mistaken = folder / "mistaken.yaml"
    mistaken.write_text(MISTAKES)
    asked: dict[str, tuple[Callable[[], float], float]] = {
        "lendsim --help": (lambda: start(HELP), 0.5),
        "a fresh process reads base": (lambda: start(READ.format(path=str(SCENARIO))), 1.0),
        "a fresh process refuses ten mistakes": (lambda: start(READ.format(path=str(mistaken))), 1.0),
    }
    for kind in ANSWERING:
        for policy in BUILT_IN[kind]:  # five times what was measured; a search per merchant would not pass
            timed = (lambda kind=kind, policy=policy: decision(kind, policy)), N_JUDGED * 200e-9
            asked[f"{kind} {policy}, {N_JUDGED:,} merchants"] = timed
    return asked


def main() -> int:
    """Say how long each answer took; 1 if one took too long."""
    too_slow = 0
    with TemporaryDirectory() as folder:
        for words, (timed, allowed) in answers(Path(folder)).items():
            taken = min(timed() for _ in range(TRIES))
            too_slow += taken > allowed
            print(f"{words}: {taken:.3f} s; allowed {allowed:g} s{' TOO SLOW' if taken > allowed else ''}")
    return int(too_slow > 0)


if __name__ == "__main__":
    sys.exit(main())
