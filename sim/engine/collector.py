"""What Mesa's data collector keeps of a market."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mesa

from sim.lenders.lender import Lender


def collector(lenders: list[Lender]) -> Any:
    """Mesa's data collector: the market's day, and the position of each lender, in yuan."""
    reporters: dict[str, Any] = {
        "merchant_sales": lambda market: int(market.room.sums.by_category[:, 1].sum()) / 100,
        "merchants_active": lambda market: int(market.room.sums.plan[:, 4].sum()),
    }
    for lender in lenders:
        for name in ("balance", "cash", "bank_debt", "equity"):
            reporters[f"{lender.lender_id}.{name}"] = _reporter(lender, f"{name}_fen")
    return mesa.DataCollector(model_reporters=reporters)


def _reporter(lender: Lender, attribute: str) -> Callable[[Any], float]:
    return lambda market: getattr(lender, attribute) / 100
