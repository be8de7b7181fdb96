"""The terms of the products a lender offers, as a scenario writes them."""

from __future__ import annotations

from collections.abc import Iterator

from sim.core.quantities import Money, Parameters, RateQ, Share, Switch, TermQ, parameter

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
"""All products of the contract; those that :class:`Products` has no field for are not yet available."""

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


class Products(Parameters):
    """What the lender offers, by product id; one that is absent is not offered."""

    order_loan: OrderLoan | None = None
    revolving_line: RevolvingLine | None = None

    def offered(self) -> Iterator[tuple[str, OrderLoan | RevolvingLine]]:
        """Yield (product id, terms) of every product that is enabled, in the order of the contract's ids."""
        for product_id, terms in (("order_loan", self.order_loan), ("revolving_line", self.revolving_line)):
            if terms is not None and terms.enabled:
                yield product_id, terms
