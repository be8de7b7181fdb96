"""The partner bank of joint lending: what part of each day's money is its own, and what it is guaranteed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mesa

from sim.core.money import PPM, round_half_up


class PartnerBank(mesa.Agent):  # type: ignore[misc]
    """A bank that has a fixed part of every joint loan of one lender, from its payout to its last recovery.

    Its part of each kind of flow, over all days so far and by product, is the whole so far times its share, rounded
    half up; a day's part is what that has grown by. So parts add up to the fen whatever the days, and what is left of
    its principal is never less than nothing, and nothing once all is paid or lost.

    Parameters
    ----------
    lender_id : str
        The lender that it lends with.
    terms : object
        With ``share`` (the lender's), ``products``, ``first_loss`` and ``losses`` of the scenario's ``joint_lending``.
    """

    def __init__(self, model: Any, lender_id: str, terms: Any) -> None:
        super().__init__(model)
        self.holder = f"partner of {lender_id}"  # no id has a space, so that no lender can be called so
        self._products, self._losses, self._first_loss = terms.products, terms.losses, terms.first_loss
        self.ppm = PPM - round(terms.share * PPM)  # its share, in millionths
        self.totals: dict[str, dict[str, int]] = {}  # the whole of each flow so far, by product
        self.guaranteed = 0  # fen that the guarantee has paid it so far, net of what it gave back

    def takes_part_in(self, product: str) -> bool:
        """Whether loans of a product are lent jointly."""
        return not self._products or product in self._products

    def part_of(self, product: str, flows: Mapping[str, int]) -> dict[str, int]:
        """Its part of a day's flows of one product, of the same kinds; fen, interest in any finer unit.

        Principal paid and principal written off are rounded together, so that the balance cannot fall below nothing.
        """
        if not self.takes_part_in(product):
            return dict.fromkeys(flows, 0)
        part = {kind: self._grow(product, kind, amount) for kind, amount in flows.items()}
        if {"principal_paid", "written_off"} <= flows.keys():
            paid, lost = flows["principal_paid"], flows["written_off"]
            gone = self._grow(product, "gone", paid + lost)
            part["written_off"] = min(max(part["written_off"], gone - paid), gone) if lost else 0
            part["principal_paid"] = gone - part["written_off"]
        return part

    def _grow(self, product: str, kind: str, amount: int) -> int:
        totals = self.totals.setdefault(product, {})
        before = totals.get(kind, 0)
        totals[kind] = before + amount
        return self._of(before + amount) - self._of(before)

    def _of(self, whole: int) -> int:
        return round_half_up(whole * self.ppm, PPM)

    def _total(self, kind: str) -> int:
        return sum(self._of(totals.get(kind, 0)) for totals in self.totals.values())

    def balance(self, product: str) -> int:
        """Fen of principal that it holds in a product."""
        totals = self.totals.get(product, {})
        return self._of(totals.get("paid_out", 0)) - self._of(totals.get("gone", 0))

    def limit(self) -> int:
        """Most that the guarantee pays in all: a share of what the partner has paid out so far."""
        return round(self._first_loss * PPM) * self._total("paid_out") // PPM if self.is_guaranteed else 0

    @property
    def is_guaranteed(self) -> bool:
        """Whether the lender bears the first losses of its part."""
        return bool(self._losses == "first_loss")

    def call(self, late_fen: Mapping[str, int]) -> int:
        """Fen that the guarantee pays today; less than nothing is what the partner gives back.

        What is paid in all is the partner's part of principal past the trigger and of principal lost for good, up to
        the limit: a late loan that is paid, or a recovery, is given back.

        Parameters
        ----------
        late_fen : mapping of str to int
            The whole balance past the trigger, by product.
        """
        late = sum(self._of(fen) for product, fen in late_fen.items() if self.takes_part_in(product))
        due = self._covered(late)
        paid, self.guaranteed = due - self.guaranteed, due
        return paid

    def guarantee_expected(self, loss_fen: int) -> int:
        """Fen that the guarantee has still to pay if it loses ``loss_fen`` of what it holds."""
        return max(self._covered(loss_fen) - self.guaranteed, 0)

    def _covered(self, fen: int) -> int:
        lost = self._total("written_off") - self._total("recovered")
        return min(max(fen + lost, 0), self.limit())
