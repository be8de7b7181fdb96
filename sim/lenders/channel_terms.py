"""Acquisition channels: what brings merchants to a lender before they apply, and what it costs (facts A.1.8)."""

from __future__ import annotations

from sim.core.quantities import Days, Money, Parameters, Share, parameter


class Channel(Parameters):
    """One channel: views, of which some become registrations; who has registered sees the entry, as the invited do."""

    reach: Share = parameter(
        ..., unit="share", source="the scenario", doc="Share of all merchants that view it, each once."
    )
    registers: Share = parameter(
        0.04, unit="share", source="facts A.1.6: 4 % is judged low", doc="Share of them that register."
    )
    cost: Money = parameter(
        "1 yuan", unit="yuan", low="0 yuan", high="10000 yuan", source="assumption", doc="Cost of one view."
    )
    over: Days = parameter(
        "90 days",
        unit="days",
        low="1 day",
        high="3650 days",
        source="assumption",
        doc="Days over which it reaches them evenly, from the first day of the run, or of the shop if that is later.",
    )
