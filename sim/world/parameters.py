"""Every parameter of the merchants' side, with unit, bounds, default and source; people are in `sim.world.behaviour`.

The defaults are the preset ``taobao_2012``: what a scenario gets when it says nothing. Sources name sections of the
fact sheet the model was built from (A: the reference lender; B: published evidence; C: definitions); "assumption" says
that nothing better is known.
"""

from __future__ import annotations

from sim.core.quantities import Days, Money, Number, Parameters, RateQ, Share, Text, parameter
from sim.world.behaviour import Borrowing, Character, Exits, Repayment
from sim.world.calendar import Season
from sim.world.decisions import Advertising, Elsewhere, Entrants, Promotions, Spells, Washing
from sim.world.population import Entry, Size


class Trade(Parameters):
    """What a shop earns, pays and waits for."""

    order_value: Money = parameter(
        "180 yuan", unit="yuan", low="1 yuan", high="100000 yuan", source="B.4 V46", doc="Median value of an order."
    )
    order_value_sigma: Number = parameter(
        0.6, unit="log", low=0.0, high=2.0, source="assumption", doc="Spread of order values between shops of one size."
    )
    order_value_noise: Number = parameter(
        0.0,
        unit="log",
        low=0.0,
        high=2.0,
        source="assumption: all orders of a shop are alike",
        doc="Spread of the values of single orders within a shop; a day's mean spreads less, the more orders it has.",
    )
    order_value_slope: Number = parameter(
        0.0,
        unit="1",
        low=-2.0,
        high=2.0,
        source="assumption; `lendsim fit` estimates it",
        doc="Exponent with which the value of an order goes with a shop's size: at 0 large shops have more orders, "
        "at 1 dearer ones.",
    )
    order_value_skew: Number = parameter(
        0.0,
        unit="1",
        low=-1.0,
        high=1.0,
        source="assumption: lognormal; `lendsim fit` estimates it",
        doc="Weight of an exponential in their logs, the rest normal: at -1 a few shops have far cheaper orders, at 1 "
        "far dearer ones.",
    )
    margin: Share = parameter(0.28, unit="share", source="assumption", doc="Mean gross margin on sales value.")
    margin_spread: Share = parameter(0.07, unit="share", source="assumption", doc="Its spread between shops.")
    fixed_cost_share: Share = parameter(
        0.40, unit="share", source="assumption", doc="Mean fixed cost as a share of gross profit at average sales."
    )
    fixed_cost_spread: Share = parameter(0.12, unit="share", source="assumption", doc="Its spread between shops.")
    lead: Days = parameter(
        "8 days",
        unit="days",
        low="2 days",
        high="120 days",
        source="C.12 (stock is bought 20 to 45 days before)",
        doc="Median time from buying stock to having it.",
    )
    cover: Days = parameter(
        "16 days",
        unit="days",
        low="1 day",
        high="365 days",
        source="assumption",
        doc="Median days of sales held in stock beyond the lead time.",
    )
    spread: Number = parameter(
        0.35, unit="log", low=0.0, high=1.5, source="assumption", doc="Spread of lead time and cover between shops."
    )
    growth: Number = parameter(
        0.15,
        unit="1/year",
        low=-0.9,
        high=5.0,
        source="assumption; platform growth 58 % a year is mostly new shops (B.4 V45)",
        doc="Mean own trend of demand.",
    )
    growth_spread: Number = parameter(
        0.27, unit="1/year", low=0.0, high=3.0, source="assumption", doc="Its spread between shops."
    )
    growth_pivot: Days = parameter(
        "0 days",
        unit="days",
        low="0 days",
        high="3650 days",
        source="assumption: they open with it; `lendsim fit` sets it",
        doc="Age at which shops have the size they were born with: by their own trend they come from below, or above.",
    )
    return_rate: Share = parameter(
        0.06, unit="share", source="assumption", doc="Mean share of shipped value sent back."
    )
    restocked: Share = parameter(0.7, unit="share", source="assumption", doc="Share of returned goods sold again.")
    off_platform: Share = parameter(
        0.12, unit="share", source="assumption", doc="Mean share of sales outside the platform, paid at once."
    )
    advertising: Share = parameter(0.02, unit="share", source="assumption", doc="Mean advertising over sales.")
    confirmation: Days = parameter(
        "9 days",
        unit="days",
        low="4 days",
        high="60 days",
        source="A.1.1 (7 to 14 days), B.4 V50",
        doc="Mean time from shipping to the buyer's confirmation.",
    )
    confirmation_cv: Number = parameter(
        0.5,
        unit="1",
        low=0.5,
        high=0.9,
        source="assumption: four stages alike",
        doc="Spread of that time over its mean: the more, the longer the first of four stages is than the others.",
    )


class Demand(Parameters):
    """What moves demand."""

    volatility: Number = parameter(
        0.40,
        unit="log",
        low=0.0,
        high=2.0,
        source="weekly growth spread 0.40 of real shops (data summaries)",
        doc="Median standard deviation of the own, autocorrelated shock.",
    )
    volatility_sigma: Number = parameter(
        0.3, unit="log", low=0.0, high=1.5, source="assumption", doc="Spread of volatility between shops."
    )
    weekly_autocorrelation: Share = parameter(
        0.58,
        unit="1",
        source="real shops, weekly and detrended: 0.58 at lag 1, 0.33 at lag 2 (data summaries)",
        doc="Autocorrelation of the own shock one week apart.",
    )
    jumps: Number = parameter(
        4.0,
        unit="1/year",
        low=0.1,
        high=100.0,
        source="assumption; real shops leave their usual weeks some twice a year (data summaries)",
        doc="How often the own shock jumps, where it does.",
    )
    jump_share: Share = parameter(
        0.0,
        unit="share",
        source="assumption: it moves evenly; `lendsim fit` estimates it",
        doc="Share of the variance of the own shock that comes in jumps, which fade like the shock.",
    )
    daily_noise: Number = parameter(
        0.18,
        unit="log",
        low=0.0,
        high=1.0,
        source="daily variation beyond Poisson 0.185 (data summaries)",
        doc="Standard deviation of day-to-day noise.",
    )
    market_shock: Number = parameter(
        0.05,
        unit="log",
        low=0.0,
        high=1.0,
        source="3 % of monthly growth variance is common (data summaries)",
        doc="Standard deviation of the shock common to all shops.",
    )
    category_shock: Number = parameter(
        0.06, unit="log", low=0.0, high=1.0, source="the same", doc="Standard deviation of a category's common shock."
    )
    common_autocorrelation: Share = parameter(
        0.97, unit="1", source="assumption", doc="Autocorrelation of common shocks one day apart."
    )
    business_stealing: Share = parameter(
        0.5,
        unit="share",
        high=0.8,
        source="assumption; design rule 3",
        doc="Share of unmet demand that goes to rivals in stock of the same category.",
    )
    promotion_fit_sigma: Number = parameter(
        0.8, unit="log", low=0.0, high=2.0, source="assumption", doc="Spread of the gain from promotions between shops."
    )


class Cash(Parameters):
    """What owners keep, take and pay."""

    patience: Number = parameter(
        0.95,
        unit="1",
        low=0.05,
        high=10.0,
        source="assumption",
        doc="Median own capital an owner leaves in the shop, as a multiple of the working capital it needs.",
    )
    patience_sigma: Number = parameter(
        0.45, unit="log", low=0.0, high=2.0, source="assumption", doc="Spread of patience: who is short of capital."
    )
    owner_take: Share = parameter(
        0.05, unit="share/day", source="assumption; design rule 6", doc="Share of capital above that taken out a day."
    )
    reserve: Days = parameter(
        "5 days",
        unit="days",
        low="0 days",
        high="90 days",
        source="assumption",
        doc="Days of fixed cost kept back before stock is bought.",
    )
    stock_decay: Number = parameter(
        0.05,
        unit="1/month",
        low=0.0,
        high=1.0,
        source="assumption; design rule 5",
        doc="Value that unsold stock loses a month, times the category's own factor.",
    )
    salvage: Share = parameter(
        0.5, unit="share", source="assumption", doc="What stock brings at closing, as a share of its cost."
    )


class Category(Parameters):
    """One trade."""

    share: Share = parameter(..., unit="share", source="B.4 V49", doc="Share of merchants.")
    q1: Number = parameter(0.91, unit="1", low=0.1, high=5.0, source="B.4 V48", doc="Sales index, January to March.")
    q2: Number = parameter(0.96, unit="1", low=0.1, high=5.0, source="B.4 V48", doc="Sales index, April to June.")
    q3: Number = parameter(0.94, unit="1", low=0.1, high=5.0, source="B.4 V48", doc="Sales index, July to September.")
    q4: Number = parameter(1.19, unit="1", low=0.1, high=5.0, source="B.4 V48", doc="Sales index, October to December.")
    decay: Number = parameter(1.0, unit="1", low=0.0, high=10.0, source="assumption", doc="Factor on stock decay.")


CATEGORIES: dict[str, Category] = {
    "clothing": Category(share=0.30, q1=0.85, q2=0.98, q3=0.87, q4=1.30, decay=1.5),
    "electronics": Category(share=0.19, q1=0.95, q2=0.95, q3=0.97, q4=1.13, decay=1.3),
    "home": Category(share=0.16, q1=0.88, q2=1.00, q3=0.97, q4=1.15, decay=0.6),
    "beauty": Category(share=0.10, q1=0.96, q2=0.97, q3=0.94, q4=1.13, decay=0.7),
    "food": Category(share=0.10, q1=1.10, q2=0.90, q3=0.90, q4=1.10, decay=2.0),
    "children": Category(share=0.08, q1=0.90, q2=1.00, q3=0.95, q4=1.15, decay=0.8),
    "other": Category(share=0.07, q1=0.94, q2=0.97, q3=0.96, q4=1.13, decay=0.8),
}
"""The trades of Taobao; shares of clothing and electronics are those of 2012 (B.4 V49), the others an assumption."""


class MerchantParameters(Parameters):
    """The merchants' side of a scenario, beside their number, preset and orders."""

    entry: Entry = Entry()
    size: Size = Size()
    trade: Trade = Trade()
    demand: Demand = Demand()
    season: Season = Season()
    cash: Cash = Cash()
    character: Character = Character()
    borrowing: Borrowing = Borrowing()
    repayment: Repayment = Repayment()
    exits: Exits = Exits()
    advertising: Advertising = Advertising()
    promotions: Promotions = Promotions()
    entrants: Entrants = Entrants()
    spells: Spells = Spells()
    washing: Washing = Washing()
    elsewhere: Elsewhere = Elsewhere()
    categories: dict[Text, Category] = CATEGORIES


class Platform(Parameters):
    """What the marketplace takes and how it is mixed."""

    taobao: Share = parameter(0.90, unit="share", source="assumption", doc="Share of merchants on Taobao.")
    tmall: Share = parameter(0.06, unit="share", source="assumption", doc="Share on Tmall; the rest is B2B.")
    commission_taobao: Share = parameter(0.0, unit="share", source="assumption", doc="Commission on confirmed sales.")
    commission_tmall: Share = parameter(0.03, unit="share", source="assumption", doc="The same on Tmall.")
    commission_b2b: Share = parameter(0.0, unit="share", source="assumption", doc="The same on the B2B platform.")
    regions: Number = parameter(
        31, unit="count", low=1, high=100, source="assumption", doc="Number of regions merchants are spread over."
    )


class OutsideMoney(Parameters):
    """The dear, capped money that is always there: family and informal lenders."""

    rate: RateQ = parameter(
        "3 %/month",
        unit="%/month",
        low="0 %/year",
        high="120 %/year",
        source="assumption; design rule 4",
        doc="Its price.",
    )
    cap: Days = parameter(
        "5 days",
        unit="days",
        low="0 days",
        high="365 days",
        source="assumption",
        doc="The most a merchant can owe outside, in days of its sales.",
    )
    take: Share = parameter(
        0.05, unit="share/day", source="assumption", doc="Share of a shortage that is covered outside a day."
    )


class Institutions(Parameters):
    """The other players of a scenario."""

    platform: Platform = Platform()
    outside_money: OutsideMoney = OutsideMoney()
