"""To whom a lender speaks, what brings merchants to it before they apply, and what that costs (facts A.1.8)."""

from __future__ import annotations

from pydantic import ValidationInfo, field_validator

from sim.core.quantities import Days, Id, Money, Parameters, Share, parameter, refuse


class Audience(Parameters):
    """The part of a split of all merchants to which a lender shows itself, for a trial of two strategies side by side.

    A merchant's place in a split, between 0 and 1, is drawn once by its id and the split's name. Lenders with parts of
    one split that do not overlap share no merchant.
    """

    split: Id = parameter(..., unit="name", source="the scenario", doc="Which split; one trial, one split.")
    at_least: Share = parameter(0.0, unit="share", source="facts C.11", doc="Where its part begins, included.")
    below: Share = parameter(1.0, unit="share", source="facts C.11", doc="Where its part ends, not included.")

    @field_validator("below")
    @classmethod
    def _after_the_beginning(cls, below: float, info: ValidationInfo) -> float:
        at_least = info.data.get("at_least")
        if at_least is not None and below <= at_least:
            raise refuse(f"the part from {at_least:g} to below {below:g} is empty", f"allowed: above {at_least:g}")
        return below

    @property
    def share(self) -> float:
        """Share of all merchants that the part has, in expectation."""
        return self.below - self.at_least


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
