"""The funding bank: whether its money flows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import mesa


class Funder(mesa.Agent):  # type: ignore[misc]
    """The banks that lend to lenders; dated events of kind ``funding_freeze`` stop new draws.

    Debt already drawn is not called; it is repaid out of idle cash as always.
    """

    def __init__(self, model: Any, events: Mapping[str, Any]) -> None:
        super().__init__(model)
        self._freezes = [event for event in events.values() if event.kind == "funding_freeze"]

    def frozen_share(self, lender: str, today: date) -> float:
        """Share of the bank money for this lender that is frozen today, 0 to 1."""
        shares = [
            1.0 if event.size is None else float(event.size)
            for event in self._freezes
            if event.lender in (None, lender) and event.date <= today < event.date + timedelta(days=event.days)
        ]
        return max(shares, default=0.0)
