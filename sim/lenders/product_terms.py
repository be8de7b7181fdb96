"""The terms of the products a lender offers, as a scenario writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import field_validator

from sim.core.money import Term
from sim.core.quantities import DayCount, Days, Money, Parameters, RateQ, Share, Switch, TermQ, Whole, parameter, refuse

PRODUCT_IDS = (
    "order_loan",
    "revolving_line",
    "fixed_loan",
    "annuity",
    "equal_principal",
    "interest_only_bullet",
    "sales_share",
    "purchase_order",
    "warehouse",
    "joint_liability",
)
"""All products of the contract, in its order."""

JOINT_CAP = "1 m yuan"
MOST_OWED = "20 m yuan"  # bound of any joint cap: what one borrower owes a lender is kept in 32 bits of fen
"""Facts A.1.1: at most a million yuan for one borrower, over all products."""


class Product(Parameters):
    """The terms that every product has."""

    rate: RateQ
    term: TermQ
    minimum: Money = parameter(
        "100 yuan",
        unit="yuan",
        low="0.01 yuan",
        high="100 m yuan",
        source="facts A.1.1: a few hundred yuan is the least seen",
        doc="Smallest loan.",
    )
    maximum: Money = parameter(
        JOINT_CAP, unit="yuan", low="0.01 yuan", high="100 m yuan", source="facts A.1.1", doc="Largest loan."
    )
    grace: DayCount = parameter(
        0, unit="days", low=0, high=60, source="assumption", doc="Days after a due date that cost no penalty."
    )
    payout_fee: Share = parameter(
        0.0, unit="share", source="assumption", doc="Fee taken out of the payout, as a share of the principal."
    )
    enabled: Switch = parameter(
        True, unit="true or false", source="assumption", doc="Whether new loans of this product are made."
    )


class OrderLoan(Product):
    """An advance on orders that are shipped and not yet confirmed, swept at confirmation."""

    rate: RateQ = parameter(
        "0.05 %/day",
        unit="%/day",
        low="0 %/year",
        high="1000 %/year",
        source="facts A.1.1: 0.05 % a day on order loans",
        doc="List price, simple interest.",
    )
    term: TermQ = parameter(
        "30 days", unit="days", low="1 day", high="90 days", source="facts A.1.1: 30 days", doc="Latest due date."
    )
    advance: Share = parameter(
        0.9, unit="share", source="assumption", doc="Loan as a share of the value of the pledged orders."
    )


class RevolvingLine(Product):
    """A line to draw and repay at any time; what is not drawn costs nothing."""

    rate: RateQ = parameter(
        "0.06 %/day",
        unit="%/day",
        low="0 %/year",
        high="1000 %/year",
        source="facts A.1.1: 0.06 % a day on credit loans",
        doc="List price, simple interest.",
    )
    term: TermQ = parameter(
        "6 months",
        unit="months",
        low="1 day",
        high="60 months",
        source="facts A.1.1: 6 months",
        doc="Term of one draw.",
    )


class Instalments(Product):
    """A loan that is repaid month by month."""

    term: TermQ = parameter(
        "12 months",
        unit="months",
        low="1 month",
        high="60 months",
        source="facts A.1.1: 3, 6, 9 or 12 instalments",
        doc="Time to the last instalment, whole months.",
    )
    prepayment: Literal["shorter", "smaller"] = parameter(
        "shorter",
        unit="name",
        source="assumption; that paying early is free: facts A.1.1",
        doc="What paying early changes: fewer instalments, or smaller ones.",
    )

    @field_validator("term")
    @classmethod
    def _whole_months(cls, term: Term) -> Term:
        if term.unit != "months":
            raise refuse(f"a term of {term.count} days", "whole months, such as '3 months'")
        return term


class FixedLoan(Instalments):
    """A loan paid out in one lump, its interest paid monthly by the day, its principal at the end (facts A.1.1)."""

    rate: RateQ = parameter(
        "0.05 %/day",
        unit="%/day",
        low="0 %/year",
        high="1000 %/year",
        source="facts A.1.1: 0.05 % a day on fixed loans",
        doc="List price, simple interest.",
    )
    minimum: Money = parameter(
        "50,000 yuan", unit="yuan", low="0.01 yuan", high="100 m yuan", source="facts A.1.1", doc="Smallest loan."
    )
    least_share: Share = parameter(
        0.2, unit="share", source="facts A.1.1: at least 20 % of the grant", doc="Least share of the limit that it is."
    )


    bundle: Switch = parameter(
        False,
        unit="true or false",
        source="facts A.1.1: Ali's loan is a fixed loan with a line beside it, under one grant",
        doc="Whether the revolving line is open only to those who have a fixed loan.",
    )


class MonthlyLoan(Instalments):
    """A loan whose month costs a twelfth of the yearly rate."""

    rate: RateQ = parameter(
        "1.5 %/month",
        unit="%/month",
        low="0 %/year",
        high="1000 %/year",
        source="facts C.2: the vectors' 1.5 % a month",
        doc="List price, on the balance.",
    )


class JointLiability(MonthlyLoan):
    """A loan by equal instalments to each member of a group that answers for all its members (facts A.1.1)."""

    members: Whole = parameter(
        3, unit="merchants", low=3, high=20, source="facts A.1.1: three or more", doc="Least members of a group."
    )
    peer_sanction: Money = parameter(
        "500 yuan",
        unit="yuan",
        low="0 yuan",
        high="1 m yuan",
        source="assumption; that peers punish: facts B.3, V32",
        doc="What not paying costs a member with its peers.",
    )
    matching: Literal["neighbours", "chosen"] = parameter(
        "neighbours",
        unit="name",
        source="facts C.12 (Ghatak): the safe choose the safe",
        doc="Who joins whom: merchants of a region as they come, or those who choose each other.",
    )
    hold_after: Days = parameter(
        "30 days",
        unit="days past due",
        low="1 day",
        high="3650 days",
        source="assumption; that all answer: facts A.1.1, C.12 (Besley and Coate)",
        doc="Days a member is late from which no member gets credit.",
    )


class SalesShare(Product):
    """Money now for a share of the coming days' sales, until principal and a fixed fee are paid (facts C.2)."""

    rate: RateQ = parameter(
        "0 %/year", unit="%/year", low="0 %/year", high="0 %/year", source="facts C.2", doc="None; see fee."
    )
    term: TermQ = parameter(
        "12 months", unit="days", low="30 days", high="60 months", source="assumption", doc="When the rest falls due."
    )
    fee: Share = parameter(
        0.1, unit="share", source="assumption; facts C.2's vector has 14 %", doc="Price, as a share of the principal."
    )
    share: Share = parameter(
        0.14, unit="share", source="facts C.2", doc="Share of the sales on the platform that is paid every day."
    )
    minimum_every: Days = parameter(
        "60 days",
        unit="days",
        low="7 days",
        high="365 days",
        source="assumption; that there may be a least payment: facts C.2",
        doc="After every so many days the least payment is counted.",
    )
    minimum_share: Share = parameter(
        0.0, unit="share", source="assumption", doc="Share of principal and fee that must be paid in each of them."
    )


class PurchaseOrder(Product):
    """An advance on orders not yet shipped, to buy their goods; a share of the sales that follow repays it.

    There is no order book: the orders accepted over a lead time are the shop's mean demand in it.
    """

    rate: RateQ = parameter(
        "0.05 %/day", unit="%/day", low="0 %/year", high="1000 %/year", source="assumption", doc="List price."
    )
    term: TermQ = parameter(
        "60 days", unit="days", low="7 days", high="360 days", source="assumption", doc="When the rest falls due."
    )
    advance: Share = parameter(0.5, unit="share", source="assumption", doc="Loan as a share of the orders' value.")
    sweep: Share = parameter(
        0.3, unit="share", source="assumption", doc="Share of the sales on the platform that repays it every day."
    )


class Warehouse(Product):
    """A loan on stock, released as it sells: what the stock no longer covers is paid at once (facts A.1.7)."""

    rate: RateQ = parameter(
        "0.05 %/day", unit="%/day", low="0 %/year", high="1000 %/year", source="assumption", doc="List price."
    )
    term: TermQ = parameter(
        "90 days", unit="days", low="7 days", high="360 days", source="assumption", doc="When the rest falls due."
    )
    haircut: Share = parameter(
        0.4, unit="share", source="assumption; that there is one: facts A.1.7", doc="Taken off the stock's cost."
    )
    sell_after: Days = parameter(
        "30 days", unit="days past due", low="1 day", high="360 days", source="assumption", doc="Sale of the pledge."
    )
    sale_discount: Share = parameter(
        0.3, unit="share", source="assumption", doc="Share of its cost that pledged stock loses when it is sold."
    )


AnyProduct = OrderLoan | RevolvingLine | FixedLoan | MonthlyLoan | SalesShare | PurchaseOrder | Warehouse


class Products(Parameters):
    """What the lender offers, by product id; one that is absent is not offered."""

    order_loan: OrderLoan | None = None
    revolving_line: RevolvingLine | None = None
    fixed_loan: FixedLoan | None = None
    annuity: MonthlyLoan | None = None
    equal_principal: MonthlyLoan | None = None
    interest_only_bullet: MonthlyLoan | None = None
    sales_share: SalesShare | None = None
    purchase_order: PurchaseOrder | None = None
    warehouse: Warehouse | None = None
    joint_liability: JointLiability | None = None

    def offered(self) -> Iterator[tuple[str, AnyProduct]]:
        """Yield (product id, terms) of every product that is enabled, in the order of the contract's ids."""
        for product_id in PRODUCT_IDS:
            terms = getattr(self, product_id)
            if terms is not None and terms.enabled:
                yield product_id, terms
