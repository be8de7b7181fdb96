"""Parameters of what shopkeepers decide about their trade: advertising, where they sell; see `sim.world.parameters`."""

from __future__ import annotations

from sim.core.quantities import Days, Number, Parameters, Share, parameter


class Advertising(Parameters):
    """What a shop spends to be seen, over its usual share of sales, and what that brings."""

    pull: Number = parameter(
        1.0,
        unit="1",
        low=0.0,
        high=3.0,
        source="Dorfman and Steiner (AER 1954): the share of sales that pays best is margin times elasticity; "
        "mean elasticity of brands 0.12 (Sethuraman, Tellis and Briesch, JMR 2011)",
        doc="Elasticity of demand to advertising at the usual level, over a shop's usual share of sales by its margin.",
    )
    run_up: Number = parameter(
        1.0,
        unit="1",
        low=0.0,
        high=10.0,
        source="assumption",
        doc="How much more a shop spends before and during a promotion, times 1 - 1/lift.",
    )
    before: Days = parameter(
        "10 days",
        unit="days",
        low="0 days",
        high="60 days",
        source="assumption",
        doc="Days before a promotion from which a shop spends more.",
    )
    short: Share = parameter(
        0.5, unit="share", source="assumption", doc="Share of it that a shop saves while it cannot pay what is due."
    )
    retreat: Share = parameter(
        0.8,
        unit="share",
        source="assumption; that who uses the money otherwise advertises less: A.1.3",
        doc="Share of it that an owner saves who has turned away from the platform altogether.",
    )


class Elsewhere(Parameters):
    """How owners in trouble move their sales off the platform, where nobody sweeps the wallet."""

    shifted: Share = parameter(
        0.4,
        unit="share",
        source="assumption; that the platform's hold on the money is what they evade: A.1.3",
        doc="Share of its sales on the platform that an owner moves elsewhere who has turned away altogether.",
    )
    honest: Share = parameter(
        0.25,
        unit="share",
        source="assumption",
        doc="How far an honest owner turns away, where the others do altogether.",
    )
    after: Days = parameter(
        "20 days",
        unit="days",
        low="1 day",
        high="100 days",
        source="assumption",
        doc="Days in trouble (a loan past due, or more due than it can pay) after which an owner has turned away.",
    )
    back: Days = parameter(
        "60 days",
        unit="days",
        low="1 day",
        high="100 days",
        source="assumption",
        doc="Days without trouble after which one who had turned away altogether is back.",
    )
