"""The credit insurer: what it pays on principal that is written off, and what of recoveries is its own."""

from __future__ import annotations

from typing import Any

import mesa

from sim.core.money import PPM, round_half_up

HOLDER = "credit insurer"  # no id has a space, so that no lender can be called so


class Insurer(mesa.Agent):  # type: ignore[misc]
    """An insurer that covers a share of what lenders lose on a product.

    A claim is due on the day of a write-off, at that day's cover. Of what is recovered later the same share is the
    insurer's (subrogation), until it has back what it paid. Shares of all days so far are rounded half up; a day's
    part is what that has grown by.

    Attributes
    ----------
    policies : dict
        Fen so far of each insured book, ``lender|product``: lost, recovered, paid in claims, given back.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.policies: dict[str, dict[str, int]] = {}

    def settle(self, lender: str, product: str, cover: float, lost_fen: int, recovered_fen: int) -> tuple[int, int]:
        """Claim to pay and recovery to receive today, fen, of principal that the lender lost and recovered today."""
        own = self.policies.setdefault(f"{lender}|{product}", dict.fromkeys(("lost", "recovered", "paid", "back"), 0))
        ppm = round(cover * PPM)
        claim = _part(own["lost"], lost_fen, ppm)
        back = min(_part(own["recovered"], recovered_fen, ppm), own["paid"] + claim - own["back"])
        for name, fen in (("lost", lost_fen), ("recovered", recovered_fen), ("paid", claim), ("back", back)):
            own[name] += fen
        return claim, back


def _part(before: int, amount: int, ppm: int) -> int:
    return round_half_up((before + amount) * ppm, PPM) - round_half_up(before * ppm, PPM)
