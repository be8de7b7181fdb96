"""Signals that a lender can buy: what each costs, how far it is off, when it counts (facts A.1.7, A.1.8).

What they tell is the world's (`sim.world.signals`); a policy that declares one in its ``needs`` sees what was bought.
"""

from __future__ import annotations

from typing import Literal

from sim.core.quantities import Days, Money, Number, Parameters, parameter

SignalId = Literal["psychometric", "tax_sales", "declared_sales", "site_visit"]


class Signal(Parameters):
    """One signal: bought with an application, and anew for customers when it has aged."""

    cost: Money = parameter(
        "5 yuan", unit="yuan", low="0 yuan", high="100000 yuan", source="assumption", doc="Price of one reading."
    )
    noise: Number = parameter(
        0.3,
        unit="1",
        low=0.0,
        high=3.0,
        source="assumption; that signals have noise: facts A.1.8",
        doc="How far a reading is off: a standard deviation, of the logarithm but for the psychometric scale.",
    )
    delay: Days = parameter(
        "0 days",
        unit="days",
        low="0 days",
        high="365 days",
        source="assumption; that signals have a delay: facts A.1.8",
        doc="Time until a reading counts; above 0 it is bought with the first payout, and the first loan is decided "
        "without it. (A visit that an application waits for is approval: desk.)",
    )
    valid_for: Days = parameter(
        "180 days",
        unit="days",
        low="1 day",
        high="3650 days",
        source="assumption",
        doc="Time after which it is bought anew for a customer.",
    )
