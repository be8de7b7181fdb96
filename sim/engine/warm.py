"""Compile every kernel into the cache, so that the first run of a fresh installation starts at once.

Run as ``python -m sim.engine.warm``.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

_SMALL = """
calendar: {start: 2011-01-01, days: 3}
merchants: {number: 200}
lenders:
  ali: {equity: 1 m yuan, products: {order_loan: {}, revolving_line: {}}}
"""


def warm() -> float:
    """Run a market of two hundred merchants for three days; returns the seconds it took."""
    from sim.engine.market import Market

    began = time.perf_counter()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "small.yaml"
        file.write_text(_SMALL, encoding="utf-8")
        Market(file).run_days(3)
    return time.perf_counter() - began


if __name__ == "__main__":
    print(f"kernels ready in {warm():.0f} s")
