"""Parameters of what shopkeepers decide or meet: advertising, promotions, price, rests; see `sim.world.parameters`."""

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
        doc="How much more a shop spends before and during a promotion it means to join, times 1 - 1/lift.",
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


class Promotions(Parameters):
    """What a promotion asks of those who join, and what it does afterwards and to the others."""

    discount: Share = parameter(
        0.1, unit="share", source="assumption", doc="Share of its price that a shop gives up while it takes part."
    )
    drawn_away: Share = parameter(
        0.1,
        unit="share",
        source="assumption",
        doc="Share of its demand that a shop loses to those who take part while it does not.",
    )
    least_stock: Share = parameter(
        0.3,
        unit="share",
        source="assumption; that special need is reviewed: A.1.1",
        doc="Share of the orders expected on the first day that a shop must have in stock on its eve to take part.",
    )
    brought_forward: Share = parameter(
        0.2,
        unit="share",
        source="assumption",
        doc="Share of a promotion's extra orders that are missing in the days after it.",
    )
    missing_for: Days = parameter(
        "14 days",
        unit="days",
        low="1 day",
        high="90 days",
        source="assumption",
        doc="Days over which they are missing, the first ones most.",
    )


class Entrants(Parameters):
    """How young shops cut their prices to build volume."""

    cut: Share = parameter(
        0.08,
        unit="share",
        source="assumption; that new sellers cut prices: B.4 V53",
        doc="Share of its price that a shop gives up on its first day, fading evenly; at most half of its margin.",
    )
    fades: Days = parameter(
        "180 days",
        unit="days",
        low="1 day",
        high="3650 days",
        source="assumption",
        doc="Age at which a shop asks its full price.",
    )
    elasticity: Number = parameter(
        0.8,
        unit="1",
        low=0.0,
        high=10.0,
        source="assumption; below one, as they sell more orders and earn less revenue: B.4 V53",
        doc="More orders over the share of the price that is given up.",
    )
    climb: Number = parameter(
        0.0,
        unit="log",
        low=0.0,
        high=5.0,
        source="assumption: shops open at their size; `lendsim fit` estimates it",
        doc="How far below its size, in logs, a shop opens: mean of an exponential spread between shops.",
    )
    climb_days: Days = parameter(
        "28 days", unit="days", low="1 day", high="365 days", source="assumption", doc="Days in which that gap closes."
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
    multihome: Share = parameter(
        0.5,
        unit="share",
        source="assumption; that a rival draws merchants and payments away: A.1.8",
        doc="Share of the orders that a rival marketplace draws away which the same shops serve there.",
    )
    back: Days = parameter(
        "60 days",
        unit="days",
        low="1 day",
        high="100 days",
        source="assumption",
        doc="Days without trouble after which one who had turned away altogether is back.",
    )


class Spells(Parameters):
    """Days on which a shop rests, and days on which it has a hot product."""

    rest: Number = parameter(
        0.004,
        unit="1/day",
        low=0.0,
        high=0.2,
        source="set so that the largest fifth of shops is without sales on some 2 % of days (data summaries: 2.2 %)",
        doc="Chance a day that a shop without orders begins to rest.",
    )
    orders_exponent: Number = parameter(
        0.5,
        unit="1",
        low=0.0,
        high=3.0,
        source="days without payments of offline shops, 4.0 to 2.2 % from the second to the fifth quintile of size",
        doc="How the chance falls with orders a day.",
    )
    rest_days: Days = parameter(
        "14 days",
        unit="days",
        low="1 day",
        high="60 days",
        source="closures of 7 days and more last 29 days, half of them 21 (data summaries); the rest: assumption",
        doc="Mean length of a rest, exponential.",
    )
    festival: Share = parameter(
        0.5,
        unit="share",
        source="assumption; 19 % of offline shops have no payment at the Spring Festival (data summaries)",
        doc="Chance that a shop without orders closes for the Spring Festival.",
    )
    festival_days: Days = parameter(
        "11 days",
        unit="days",
        low="7 days",
        high="60 days",
        source="assumption",
        doc="Mean length of that closure: 7 days, and an exponential time beyond.",
    )
    rest_sigma: Number = parameter(
        0.0,
        unit="log",
        low=0.0,
        high=3.0,
        source="assumption: shops of one size rest alike; `lendsim fit` estimates it",
        doc="Spread between shops of one size of the chance to rest.",
    )
    rest_level: Number = parameter(
        0.0,
        unit="share",
        low=0.0,
        high=0.5,
        source="assumption: nobody can order; `lendsim fit` estimates it",
        doc="Share of the usual demand that a shop at rest still meets.",
    )
    youth: Number = parameter(
        0.0,
        unit="1/day",
        low=0.0,
        high=0.5,
        source="assumption: new shops rest like others; `lendsim fit` estimates it",
        doc="Chance a day, over that, that a shop rests again as soon as it has opened.",
    )
    youth_days: Days = parameter(
        "5 days", unit="days", low="1 day", high="365 days", source="assumption", doc="Days in which that chance fades."
    )
    hot: Number = parameter(
        0.0005,
        unit="1/day",
        low=0.0,
        high=0.1,
        source="days above five times those around them: 0.1 % (data summaries); that there are hot products: A.1.1",
        doc="Chance a day that a product of a shop becomes hot.",
    )
    hot_days: Days = parameter(
        "4 days",
        unit="days",
        low="1 day",
        high="60 days",
        source="assumption; spikes last 1.7 days (data summaries)",
        doc="Mean days for which it stays so, exponential.",
    )
    hot_lift: Number = parameter(
        4.0, unit="1", low=1.0, high=100.0, source="assumption", doc="Factor on the shop's demand on these days."
    )
    hot_sigma: Number = parameter(
        0.0,
        unit="log",
        low=0.0,
        high=3.0,
        source="assumption: hot products come to all shops alike; `lendsim fit` estimates it",
        doc="Spread between shops of the chance of a hot product.",
    )
    hot_lift_sigma: Number = parameter(
        0.0, unit="log", low=0.0, high=2.0, source="the same", doc="Spread of that factor between hot products."
    )
    day_off: Number = parameter(
        0.0,
        unit="1/day",
        low=0.0,
        high=0.2,
        source="assumption: a rest is a spell; `lendsim fit` estimates it",
        doc="Chance that a shop is shut for a single day.",
    )
    slack: Number = parameter(
        0.0,
        unit="1/day",
        low=0.0,
        high=0.2,
        source="the same",
        doc="Chance of a single day with hardly any demand: rain, works, a machine that is down.",
    )


class Washing(Parameters):
    """How those who fake sales answer to what happens."""

    chase: Number = parameter(
        2.0,
        unit="1",
        low=1.0,
        high=2.5,
        source="assumption; that fakes are for reputation and limits: B.4 V56",
        doc="Fake orders over the habit to which a shop works up while it wants more money than it can get.",
    )
    chase_days: Days = parameter(
        "14 days", unit="days", low="1 day", high="100 days", source="assumption", doc="Days in which it does so."
    )
    before_review: Share = parameter(
        0.0,
        unit="share",
        source="assumption; that fakes are for limits: B.4 V56",
        doc="Share of those who fake that work up to chase before a lender's review is due; drawn once.",
    )
    review_days: Days = parameter(
        "10 days",
        unit="days",
        low="1 day",
        high="100 days",
        source="assumption",
        doc="Days before a review in which they do so, evenly; after it they fake as usual.",
    )
    quiet_days: Days = parameter(
        "90 days",
        unit="days",
        low="1 day",
        high="100 days",
        source="assumption; that few are found and many go on: B.4 V56",
        doc="Days after it was found out until it fakes as before; it begins with nothing.",
    )
    heard: Share = parameter(
        0.5,
        unit="share",
        source="assumption",
        doc="Share of its fakes that a shop leaves out when one of its trade and region was found out.",
    )
