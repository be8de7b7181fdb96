"""lendsim: a laboratory for lending strategies. The whole of its Python face is here.

>>> import sim
>>> run = sim.simulate(sim.load("scenarios/tiny.yaml"), seed=1)   # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Loaded at first use, so that importing `sim` costs nothing.
_FACADE = {
    "load": "sim.engine.scenario",
    "simulate": "sim.engine.run",
    "Market": "sim.engine.market",
    "open_run": "sim.results.store",
    "compare": "sim.study.compare",
    "run_study": "sim.study.study",
    "check_policy": "sim.lenders.check",
}
__all__ = ["Market", "check_policy", "compare", "load", "open_run", "run_study", "simulate"]

if TYPE_CHECKING:
    from sim.engine.market import Market
    from sim.engine.run import simulate
    from sim.engine.scenario import load
    from sim.lenders.check import check_policy
    from sim.results.store import open_run
    from sim.study.compare import compare
    from sim.study.study import run_study


def __getattr__(name: str) -> Any:
    if name in _FACADE:
        return getattr(importlib.import_module(_FACADE[name]), name)
    raise AttributeError(f"module 'sim' has no attribute {name!r}")
