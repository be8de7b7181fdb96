"""The guard on speed: a fixed small case against a calibration kernel that runs beside it.

A busy or a slower machine slows both, so that the ratio of what each takes in quiet moments stays; a change of the code
that makes the case dearer moves it. Run as ``python -m sim.app.bench.guard`` (``make bench-check``). After a change
that is worth its price, write the new ratio into RECORDED and say so in the changelog.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from sim.app.bench.measure import plan_for
from sim.core.draws import day_key
from sim.core.kernels import exp32, hash64, kernel, normal_pair

RECORDED = 2.9  # CPU time of the case over that of the calibration
ALLOWED = 1.25
MERCHANTS, WARM_UP, DAYS, REPEATS = 40_000, 20, 7, 24


@kernel
def calibrate(key: Any, ids: Any, out: Any) -> None:
    """What the engine's day is made of, on a column (n,) of float64: hashes, normals, exponentials, memory."""
    for j in range(ids.size):
        z, y = normal_pair(hash64(key, ids[j], 0))
        out[j] = 0.5 * out[j] + exp32(np.float32(0.1) * z) * y


def measured_ratio() -> float:
    """CPU time of a week of a small market over that of the calibration beside it, each at its quickest."""
    import numba

    from sim.engine.market import Market

    numba.set_num_threads(1)
    market = Market(plan_for(MERCHANTS, WARM_UP + DAYS * REPEATS), rng=1)
    market.run_days(WARM_UP)
    ids, out, key = np.arange(1 << 19), np.ones(1 << 19), day_key(1, "sales.shock", 1)  # 8 MB, as much as the market
    calibrate(key, ids, out)
    case, calibration = [], []
    for _ in range(REPEATS):
        before = time.process_time()
        for _ in range(DAYS):
            calibrate(key, ids, out)
        between = time.process_time()
        market.run_days(DAYS)
        case.append(time.process_time() - between)
        calibration.append(between - before)
    return min(case) / min(calibration)


def main() -> int:
    """Say what was found; 1 if the case has become too dear."""
    ratio = measured_ratio()
    change = ratio / RECORDED - 1.0
    print(f"the case costs {ratio:.3f} times the calibration; recorded: {RECORDED:.3f} ({change:+.0%})")
    if ratio > ALLOWED * RECORDED:
        print(f"that is more than {ALLOWED - 1.0:.0%} dearer", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
