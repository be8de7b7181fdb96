"""Collection: what happens as a payment falls due and is not made. The engine reads the ladder; it asks it nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sim.lenders.policy import parameter


@dataclass(frozen=True)
class Ladder:
    """Steps by days past due: a reminder, then a sweep of what comes into the merchant's wallet.

    Penalty interest and write-off are terms of the lender, not of the ladder.
    """

    kind: ClassVar[str] = "collection"

    remind_before: int = parameter(
        "3 days",
        unit="days",
        low="0 days",
        high="30 days",
        source="assumption; that reminders act: facts B.3, V36",
        doc="Days before the due date on which a merchant is reminded; 0 means no reminder before it.",
    )
    remind_from: int = parameter(
        "1 day",
        unit="days",
        low="1 day",
        high="3650 days",
        source="assumption; that reminders act: facts B.3, V36",
        doc="Days past due from which a merchant in arrears is reminded.",
    )
    sweep_from: int = parameter(
        "3 days",
        unit="days",
        low="0 days",
        high="3650 days",
        source="assumption; that the wallet is swept: facts A.1.3",
        doc="Days past due from which the merchant's platform receipts are swept.",
    )
    sweep_share: float = parameter(
        0.8,
        unit="share",
        low=0,
        high=1,
        source="assumption; below 1 so that a shop in arrears can go on selling",
        doc="Share of what is in the wallet that a sweep takes, up to what is overdue.",
    )
