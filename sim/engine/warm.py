"""Compile every kernel into the cache, so that the first run of a fresh installation starts at once.

Run as ``python -m sim.engine.warm``.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

_SMALL = """
calendar: {start: 2011-01-01, days: 100}
merchants:
  number: 400
  borrowing: {habit_mean: 0.3}
  repayment: {forgets: 0.5, asks: 0.5}
lenders:
  ali:
    equity: 4 m yuan
    products:
      annuity: {term: 2 months, minimum: 300 yuan}
      joint_liability: {rate: 0.1 %/month, term: 2 months, minimum: 300 yuan}
    monitoring: {policy: signals, every: 1 day, collapse: 0.3}
    negotiation: {policy: fast, offer: forgiveness, response: 0 days, extension: 20 days}
    collection:
      steps: {sale: {action: sell, after: 5 days, share: 0.1}}
    desk: {mode: capacity, teams: {all: {staff: 2}}, work: {complaint: {minutes: 9}}}
"""


def warm() -> float:
    """Run a market of four hundred merchants in which all there is happens; returns the seconds it took."""
    from sim.engine.market import Market

    began = time.perf_counter()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "small.yaml"
        file.write_text(_SMALL, encoding="utf-8")
        Market(file).run_days(100)
    return time.perf_counter() - began


if __name__ == "__main__":
    print(f"kernels ready in {warm():.0f} s")
