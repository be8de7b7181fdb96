"""What a scenario may write about a lender's money: bank debt, rationing, partners, securities, credit insurance."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator, model_validator

from sim.core.quantities import DateQ, Days, Money, OfNetCapital, Parameters, RateQ, Share, Whole, parameter, refuse

ProductId = Literal[
    "order_loan", "revolving_line", "fixed_loan", "annuity", "equal_principal", "interest_only_bullet", "sales_share",
    "purchase_order", "warehouse", "joint_liability",
]  # fmt: skip
"""The product ids of the contract, as a type."""


class BankDebt(Parameters):
    """Money borrowed from banks."""

    cap: OfNetCapital = parameter(
        "0.5 of net capital",
        unit="of net capital",
        low=0.0,
        high=20.0,
        source="facts C.13: bank funding at most 50 % of net capital (2008)",
        doc="Most that banks lend, as a multiple of equity less losses.",
    )
    rate: RateQ = parameter(
        "7 %/year",
        unit="%/year",
        low="0 %/year",
        high="100 %/year",
        source="facts A.3 item 13 (funding at 7 % a year)",
        doc="Interest on what is drawn.",
    )
    headroom: Share = parameter(
        0.02,
        unit="share",
        source="assumption",
        doc="Share of the cap that is left undrawn, so that a loss does not break it.",
    )
    draw: Literal["when_short", "at_once"] = parameter(
        "when_short",
        unit="name",
        source="assumption",
        doc="Draw what a payout lacks, or every evening all that the cap and the banks allow.",
    )
    repay: Literal["idle_cash", "keep"] = parameter(
        "idle_cash",
        unit="name",
        source="assumption",
        doc="Repay out of all idle cash every evening, or keep the debt and repay only what is above the cap.",
    )

    @model_validator(mode="after")
    def _does_not_repay_what_it_draws(self) -> BankDebt:
        if self.draw == "at_once" and self.repay == "idle_cash":
            raise refuse("draw: at_once would be repaid the same evening", "write repay: keep beside it")
        return self


class Funding(Parameters):
    """Who is served first when money is short, and what is kept back for promises."""

    order: Literal["hashed", "score", "profit", "pro_rata"] = parameter(
        "hashed", unit="name", source="design rule 10", doc="Who goes first when money is short, or all a like part."
    )
    undrawn_reserve: Share = parameter(
        0.0, unit="share", source="design rule 10", doc="Share of undrawn limits that is kept ready (CCF)."
    )


class JointLending(Parameters):
    """A bank that puts up a part of every loan; the lender finds, serves and collects them all."""

    share: Share = parameter(
        0.3,
        unit="share",
        low=0.01,
        high=0.99,
        source="facts C.13: at least 30 % own share in joint loans (2020)",
        doc="The lender's own part of each loan; the partner has the rest.",
    )
    products: tuple[ProductId, ...] = parameter(
        (), unit="names", source="assumption", doc="Products that are lent jointly; all if none is named."
    )
    servicing_fee: RateQ = parameter(
        "2 %/year",
        unit="%/year",
        low="0 %/year",
        high="100 %/year",
        source="facts C.13 (interest by share less a service fee); the size is an assumption",
        doc="What the partner pays the lender a year, on the principal that it holds.",
    )
    fee_of_interest: Share = parameter(
        0.0,
        unit="share",
        source="assumption",
        doc="What the partner pays the lender besides, of the interest and penalties that it is paid.",
    )
    losses: Literal["by_share", "first_loss"] = parameter(
        "by_share", unit="name", source="facts C.13", doc="Each bears its part, or the lender guarantees the partner's."
    )
    first_loss: Share = parameter(
        0.05,
        unit="share",
        source="assumption",
        doc="Limit of the guarantee, of what the partner has paid out so far.",
    )
    trigger: Literal["dpd_31", "dpd_61", "dpd_90", "write_off"] = parameter(
        "dpd_90",
        unit="name",
        source="facts C.15: a guarantee has a trigger and a limit",
        doc="When the guarantee pays: the partner's part of principal so many days past due, or written off.",
    )

    @field_validator("products")
    @classmethod
    def _each_once(cls, products: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(products)


class Insurance(Parameters):
    """Credit insurance on one product: a premium on the lender's own principal, a share of its write-offs paid."""

    premium: RateQ = parameter(
        "2 %/year",
        unit="%/year",
        low="0 %/year",
        high="100 %/year",
        source="facts A.1.7 (insurance with a premium and a claim at default); the size is an assumption",
        doc="Premium on the insured principal.",
    )
    cover: Share = parameter(
        0.8,
        unit="share",
        source="assumption",
        doc="Share of written-off principal that the insurer pays; of recoveries it gets the same share.",
    )


class Securitisation(Parameters):
    """Asset-backed securities: pools of the lender's loans, sold to investors but for a junior piece."""

    issues: Whole = parameter(
        10, unit="issues", low=0, high=100, source="facts B.1 V20: 10 tranches", doc="How often securities are issued."
    )
    size: Money = parameter(
        "0.5 bn yuan",
        unit="yuan",
        low="1 yuan",
        high="100 bn yuan",
        source="facts B.1 V20: 0.2 to 0.5 bn each",
        doc="Loans in the pool of one issue; scaled with the market.",
    )
    first: DateQ | None = parameter(
        None, unit="date", source="the scenario", doc="Day from which the first is due; the first day if none."
    )
    every: Days = parameter(
        "30 days",
        unit="days",
        low="1 day",
        high="3650 days",
        source="assumption",
        doc="Time between issues; one waits until the lender has loans enough.",
    )
    junior: Share = parameter(
        0.1,
        unit="share",
        low=0.0,
        high=0.5,
        source="facts B.1 V20: the lender keeps 10 %",
        doc="Junior piece, which the lender keeps and which bears the first losses.",
    )
    rate: RateQ = parameter(
        "6 %/year",
        unit="%/year",
        low="0 %/year",
        high="100 %/year",
        source="facts B.1 V20: senior about 6 %",
        doc="Interest of the senior piece.",
    )
    revolving: Days = parameter(
        "360 days",
        unit="days",
        low="0 days",
        high="3650 days",
        source="facts B.1 V20: revolving purchase; its length is an assumption",
        doc="Time in which a pool buys new loans for those that are repaid; then it repays its investors.",
    )
    stop: Share = parameter(
        0.5,
        unit="share",
        source="assumption",
        doc="Share of the junior piece whose loss ends the revolving period early.",
    )
    products: tuple[ProductId, ...] = parameter(
        (), unit="names", source="assumption", doc="Products whose loans are sold; all if none is named."
    )

    @field_validator("products")
    @classmethod
    def _each_once(cls, products: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(products)


def each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names, or refuse them if one is there twice."""
    if len(set(names)) < len(names):
        raise refuse(f"{', '.join(names)} names one twice", "name each once")
    return names
