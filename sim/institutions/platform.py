"""The platform: what it takes of sales, and when its doors to the lenders are closed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import mesa
import numpy as np
import numpy.typing as npt


class Platform(mesa.Agent):  # type: ignore[misc]
    """The marketplace that merchants trade on and lenders lend through.

    Parameters
    ----------
    terms : object
        With ``commission_taobao``, ``commission_tmall`` and ``commission_b2b``, shares of confirmed sales.
    events : mapping of str to event
        Dated events; those of kind ``outage`` close the lenders' entries.
    """

    def __init__(self, model: Any, terms: Any, events: Mapping[str, Any]) -> None:
        super().__init__(model)
        self.terms = terms
        self._outages = [event for event in events.values() if event.kind == "outage"]

    def commission(self) -> npt.NDArray[np.float32]:
        """Share of confirmed sales it keeps, by platform code, (3,)."""
        terms = self.terms
        return np.array([terms.commission_taobao, terms.commission_tmall, terms.commission_b2b], np.float32)

    def shut_share(self, lender: str, today: date) -> float:
        """Share of merchants that cannot reach this lender's entry today, 0 to 1."""
        shares = [
            1.0 if event.size is None else float(event.size)
            for event in self._outages
            if event.lender in (None, lender) and event.date <= today < event.date + timedelta(days=event.days)
        ]
        return max(shares, default=0.0)
