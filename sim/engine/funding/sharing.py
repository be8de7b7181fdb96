"""All that concerns one lender's loans and other people's money: who puts it up, holds them, bears their losses.

A lender without any such arrangement has no `Sharing`, and nothing here is run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.clock import day_number
from sim.core.loanbook import PRODUCTS, REVOLVING_LINE
from sim.core.money import PPM
from sim.engine.books import GRAINS_PER_FEN, Account, Books
from sim.engine.day.loan import T_FORGIVEN, T_PRINCIPAL, T_WRITTEN
from sim.engine.funding.parts import BUCKETS, LATE, buckets_of, expected_loss, flows_of, less, owe, pass_on, pay_owed
from sim.engine.funding.securities import Seller, close_day, expected_of, issue_if_due
from sim.engine.settle import free_to_lend
from sim.institutions.insurer import HOLDER as INSURER
from sim.institutions.insurer import Insurer
from sim.institutions.partner import PartnerBank
from sim.institutions.vehicle import Vehicle
from sim.lenders.funding_terms import Insurance
from sim.lenders.lender import Lender

Ints = npt.NDArray[np.int64]


class Sharing:
    """How the loans of one lender are shared.

    Parameters
    ----------
    lender_id : str
        The lender.
    partner : PartnerBank, optional
        Who lends with it.
    insurer : Insurer, optional
        Who insures what is its own.
    vehicle : Vehicle, optional
        What holds the pools of its securities.
    begin : int
        Day number from which securities are due if the scenario names no date.

    Attributes
    ----------
    whole : dict of str to int
        Fen of principal outstanding by product, whoever holds it.
    today : Counter
        What happened today, by column of `daily` without its ``_fen``.
    """

    def __init__(
        self,
        lender_id: str,
        partner: PartnerBank | None = None,
        insurer: Insurer | None = None,
        vehicle: Vehicle | None = None,
        begin: int = 0,
    ) -> None:
        self.lender_id, self.partner, self.insurer, self.vehicle = lender_id, partner, insurer, vehicle
        self.begin = begin
        self.whole: dict[str, int] = dict.fromkeys(PRODUCTS, 0)
        self.today: Counter[str] = Counter()
        self._buckets: dict[str, list[int]] = {}
        self._passed_on = 0

    # ------------------------------------------------------------------------------------------------ who holds what

    @property
    def holders(self) -> list[str]:
        """Everybody beside the lender who holds a part of its loans."""
        pools = [pool.holder for pool in self.vehicle.pools] if self.vehicle else []
        return [*([self.partner.holder] if self.partner else []), *pools]

    def held(self, books: Books) -> dict[Account, int]:
        """What others hold of the loans and their interest, grains, by the lender's account that it is missing from."""
        return {
            (self.lender_id, account): sum(books.balances[holder, account] for holder in self.holders)
            for account in ("loans", "interest_receivable")
        }

    def held_fen(self, books: Books) -> int:
        """Fen of the lender's principal that others hold."""
        return sum(books.balances[holder, "loans"] for holder in self.holders) // GRAINS_PER_FEN

    def own_balance(self, product: str) -> int:
        """Fen of principal of a product that the lender holds itself."""
        return self._after_partner(product) - (self.vehicle.balance(product) if self.vehicle else 0)

    def _after_partner(self, product: str) -> int:
        """Fen of principal of a product that is the lender's or its pools'."""
        return self.whole[product] - (self.partner.balance(product) if self.partner else 0)

    def own_ppm(self, product: str) -> int:
        """The lender's own part of a new loan of a product, in millionths."""
        return PPM - self.partner.ppm if self.partner and self.partner.takes_part_in(product) else PPM

    # ------------------------------------------------------------------------------------------------------- the day

    def repay(self, books: Books, lender: Lender, rows: Sequence[Sequence[int]]) -> None:
        """Pass on the parts of what the lender has just booked as its own; ``rows`` are REPAY_TOTALS by product."""
        self.today.clear()
        fees = premium = 0
        partners_fen = books.fen(self.partner.holder, "loans") if self.partner else 0  # this morning
        for product, row in zip(PRODUCTS, rows, strict=True):
            flows = flows_of(row)
            self._buckets[product] = buckets_of(row)
            insured_fen, morning_fen = self.own_balance(product), self._after_partner(product)
            if not any(flows.values()) and not insured_fen:
                continue
            if self.partner:
                part = self.partner.part_of(product, flows)
                pass_on(books, self.lender_id, self.partner.holder, part)
                self._note_passed(part)
                fees += part["interest_paid"] + part["suspended_paid"] + part["penalty_paid"] - part["refunded"]
                flows = less(flows, part)
            for pool in self.vehicle.open_pools if self.vehicle else ():
                # of what the pools before it have left, so that rounding never leaves anybody less than nothing
                held, part = pool.loans.get(product, 0), pool.part_of(product, flows, morning_fen)
                morning_fen -= held
                pass_on(books, self.lender_id, pool.holder, part)
                self._note_passed(part)
                flows = less(flows, part)
            if self.insurer and product in lender.spec.insurance:
                forgiven, written = int(row[T_FORGIVEN]), int(row[T_WRITTEN])
                flows["written_off"] -= flows["written_off"] * forgiven // max(written, 1)  # a gift is no claim
                premium += self._insure(books, product, lender.spec.insurance[product], insured_fen, flows)
            self.whole[product] -= int(row[T_PRINCIPAL]) + int(row[T_WRITTEN])
        if self.insurer:
            self._pay_premium(books, premium)
        if self.partner:
            self._pay_for_service(books, lender, partners_fen, fees)

    def _note_passed(self, part: Mapping[str, int]) -> None:
        self.today["passed_loss"] += part["written_off"] - part["recovered"]
        self.today["passed_penalty"] += part["penalty_paid"]

    def _pay_for_service(self, books: Books, lender: Lender, held_fen: int, interest_fen: int) -> None:
        """The partner's fees: on the principal that it held this morning, and on the interest that it was paid."""
        assert self.partner is not None
        terms, bank = lender.spec.joint_lending, self.partner.holder
        assert terms is not None
        rate = terms.servicing_fee
        fee = held_fen * rate.ppm_year * (GRAINS_PER_FEN // (rate.days_in_year * PPM))
        fee += interest_fen * round(terms.fee_of_interest * PPM) * (GRAINS_PER_FEN // PPM)
        owe(books, bank, self.lender_id, "servicing_fee", fee)
        paid = pay_owed(books, (bank, "money"), (self.lender_id, "cash"), "servicing_fee")
        self.today["servicing_fee"] = paid

    def _insure(self, books: Books, product: str, terms: Insurance, insured_fen: int, own: Mapping[str, int]) -> int:
        """Settle claims and the insurer's part of recoveries of one product; returns the day's premium, grains."""
        assert self.insurer is not None
        cash, money = (self.lender_id, "cash"), (INSURER, "money")
        claim, back = self.insurer.settle(self.lender_id, product, terms.cover, own["written_off"], own["recovered"])
        books.transfer(money, cash, claim, "claims", "claims")
        books.transfer(cash, money, back, "claims", "claims")
        self.today["claims"] += claim - back
        return insured_fen * terms.premium.ppm_year * (GRAINS_PER_FEN // (terms.premium.days_in_year * PPM))

    def _pay_premium(self, books: Books, premium: int) -> None:
        """The premium of a night on what was insured then, paid as far as this morning's cash reaches."""
        name = self.lender_id
        before = books.fen(name, "premium")
        owe(books, name, INSURER, "premium", premium)
        self.today["premium"] = books.fen(name, "premium") - before
        pay_owed(books, (name, "cash"), (INSURER, "money"), "premium", books.fen(name, "cash"))

    def fund(self, books: Books, amounts: Ints) -> None:
        """Others put up their part of loans about to be paid out; ``amounts`` (len(PRODUCTS),) is the whole, fen."""
        for product, fen in zip(PRODUCTS, amounts.tolist(), strict=True):
            if not fen:
                continue
            self.whole[product] += fen
            self._buckets[product][0] += fen
            if self.partner:
                part = self.partner.part_of(product, {"paid_out": fen})["paid_out"]
                bank = self.partner.holder
                books.transfer((bank, "money"), (self.lender_id, "cash"), part, "loans", "loans")

    def own_need(self, product: npt.NDArray[np.int8], granted_fen: Ints) -> Ints:
        """Fen of its own that the lender needs to pay out what was granted, (n,), rounded up."""
        own = np.array([self.own_ppm(name) for name in PRODUCTS], np.int64)
        return np.asarray(-(-granted_fen * own[product] // PPM), np.int64)

    def close(self, books: Books, lender: Lender, today: int, most_securities: float | None = None) -> bool:
        """The evening: pools are settled and issued, guarantees called and paid as far as cash reaches.

        Returns whether the rules held an issue of securities back.

        Parameters
        ----------
        today : int
            Day number.
        most_securities : float, optional
            Securities that the rules allow, as a multiple of net capital.
        """
        name, is_held_back = self.lender_id, False
        if self.vehicle:
            seller = Seller(name, self.own_balance, self.today)
            close_day(books, self.vehicle, seller, today)
            terms = lender.spec.securitisation
            if terms is not None:
                begin = self.begin if terms.first is None else day_number(terms.first)
                net = max(books.equity_fen(name), 0)
                most = None if most_securities is None else int(net * most_securities)
                is_held_back = issue_if_due(books, self.vehicle, seller, terms, begin, today, most)
        if self.partner and lender.spec.joint_lending:
            late = {product: self._late(product, lender.spec.joint_lending.trigger) for product in PRODUCTS}
            called, bank = self.partner.call(late), self.partner.holder
            owe(books, name, bank, "guarantee", called * GRAINS_PER_FEN)
            pay_owed(books, (name, "cash"), (bank, "money"), "guarantee", books.fen(name, "cash"))
            self._return_guarantee(books)
            self.today["guarantee"] = called
        return is_held_back

    def _return_guarantee(self, books: Books) -> None:
        assert self.partner is not None
        name, bank = self.lender_id, self.partner.holder
        back = max(-books.owed_fen(name, "guarantee_payable"), 0)
        books.transfer((bank, "money"), (name, "cash"), back, "guarantee_receivable", "guarantee_payable")

    def _late(self, product: str, trigger: str) -> int:
        return sum(self._buckets.get(product, _NONE)[BUCKETS.index(bucket)] for bucket in LATE[trigger])

    # ------------------------------------------------------------------------------------------------------ allowance

    def allowance(self, lender: Lender) -> int:
        """Fen that the lender sets aside for what it bears itself of expected losses.

        Of each product its own part of the principal, less what is insured; of the partner's what the guarantee would
        have to pay; of its pools' what their junior pieces would lose.
        """
        wanted = partners = 0
        losses = {
            product: expected_loss(lender.spec.provisions, self._buckets.get(product, _NONE)) for product in self.whole
        }
        for product, whole in self.whole.items():
            expected = losses[product]
            if not whole or not expected:
                continue
            own = expected * self.own_balance(product) // whole
            if product in lender.spec.insurance:
                own = own * (PPM - round(lender.spec.insurance[product].cover * PPM)) // PPM
            wanted += own
            if self.partner:
                partners += expected * self.partner.balance(product) // whole
        if self.partner:
            wanted += self.partner.guarantee_expected(partners)
        if self.vehicle:
            wanted += expected_of(self.vehicle, losses, self.whole)
        return wanted

    def allowance_factor(self) -> float:
        """Allowance on a yuan of the lender's own in a new loan, over that on a loan which is all its own."""
        if self.partner is None or not self.partner.is_guaranteed:
            return 1.0
        return float(PPM / (PPM - self.partner.ppm))

    def free_to_lend(self, books: Books, lender: Lender, freeze: float, undrawn_fen: int) -> int:
        """Fen of its own that the lender has free for new loans; see `sim.engine.settle.free_to_lend`."""
        undrawn = undrawn_fen * self.own_ppm(PRODUCTS[REVOLVING_LINE]) // PPM
        return free_to_lend(books, lender, freeze, undrawn, self.allowance_factor())

    # ------------------------------------------------------------------------------------------------------- the record

    def row(self, books: Books) -> dict[str, int]:
        """Columns of `daily` that an arrangement fills."""
        accounts = [(holder, name) for holder in self.holders for name in ("interest_income", "refunds")]
        passed = -sum(books.balances[account] for account in accounts) // GRAINS_PER_FEN
        today = {f"{name}_fen": amount for name, amount in self.today.items()}
        today["passed_on_fen"], self._passed_on = passed - self._passed_on, passed
        held = books.fen(self.partner.holder, "loans") if self.partner else 0
        pools = self.vehicle.open_pools if self.vehicle else []
        return today | {
            "partner_balance_fen": held,
            "pool_balance_fen": sum(pool.principal for pool in pools),
            "senior_notes_fen": sum(pool.senior for pool in pools),
            "junior_notes_fen": sum(pool.book for pool in pools),
        }

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps between two days."""
        kept: dict[str, Any] = {"whole": self.whole, "passed_on": self._passed_on}
        if self.partner:
            kept["partner"] = {"totals": self.partner.totals, "guaranteed": self.partner.guaranteed}
        if self.vehicle:
            kept["vehicle"] = self.vehicle.state()
        if self.insurer:
            kept["insurer"] = {key: own for key, own in self.insurer.policies.items() if self._is_mine(key)}
        return kept

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Become what `state` gave."""
        self.whole.update(kept["whole"])
        self._passed_on = kept["passed_on"]
        if self.partner:
            self.partner.totals, self.partner.guaranteed = kept["partner"]["totals"], kept["partner"]["guaranteed"]
        if self.vehicle:
            self.vehicle.restore(kept["vehicle"])
        if self.insurer:
            self.insurer.policies.update(kept["insurer"])

    def _is_mine(self, key: str) -> bool:
        return key.startswith(f"{self.lender_id}|")


_NONE = [0] * len(BUCKETS)
