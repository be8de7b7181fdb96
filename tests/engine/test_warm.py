"""Warming up: what the small market of `sim.engine.warm` must come to, lest a kernel is left for a user's first run."""

from __future__ import annotations

from pathlib import Path

import sim
from sim.engine.warm import _SMALL


def test_all_that_has_kernels_of_its_own_happens(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(_SMALL)
    run = sim.simulate(file, seed=1, threads=1)
    done = set(run.frame("actions")["action"])
    assert {"asks", "forgiveness", "settled", "sell"} <= done
    assert done & {"call", "recall", "misuse"}
    assert (run.loans["product"] == "joint_liability").any()
