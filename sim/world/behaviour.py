"""Parameters of what people do: honesty, borrowing, repaying, leaving; see `sim.world.parameters`."""

from __future__ import annotations

from sim.core.quantities import Days, Money, Number, Parameters, Share, parameter


class Character(Parameters):
    """Who is honest, and who fakes."""

    opportunists: Share = parameter(
        0.12, unit="share", source="assumption", doc="Merchants who weigh whether to repay."
    )
    fraudsters: Share = parameter(
        0.002, unit="share", source="assumption", doc="Merchants who plan to borrow and vanish."
    )
    washers: Share = parameter(0.17, unit="share", source="B.4 V55", doc="Merchants who fake sales.")
    wash_intensity: Share = parameter(
        0.04,
        unit="share",
        source="B.4 V55 (0.65 % of turnover)",
        doc="Mean faked sales of those over their true sales.",
    )
    overstated: Number = parameter(
        0.3,
        unit="share",
        low=0.0,
        high=5.0,
        source="assumption; that declared figures are off by integrity: facts A.1.8",
        doc="How much more an opportunist sells by what it declares; a fraudster twice as much more.",
    )
    fraud_delay: Days = parameter(
        "600 days",
        unit="days",
        low="30 days",
        high="3650 days",
        source="assumption",
        doc="A fraudster strikes at an even chance within this time of entering.",
    )


class Borrowing(Parameters):
    """When a merchant asks for money."""

    habit_shape: Number = parameter(
        0.07,
        unit="1",
        low=0.01,
        high=10.0,
        source="A.4 (first Beta parameter near 0.12: most never, a few nearly daily)",
        doc="First shape of the Beta spread of the daily chance to think of borrowing.",
    )
    habit_mean: Share = parameter(
        0.05, unit="1/day", source="A.3 item 8", doc="Mean daily chance to think of borrowing."
    )
    reliance: Share = parameter(
        0.6,
        unit="share",
        source="assumption",
        doc="Share of own capital that owners who borrow whenever they can take out of the shop.",
    )
    bother: Money = parameter(
        "15 yuan",
        unit="yuan",
        low="0 yuan",
        high="10000 yuan",
        source="assumption",
        doc="Median trouble of one application, in money.",
    )
    price_sensitivity: Number = parameter(
        1.5,
        unit="1",
        low=0.0,
        high=50.0,
        source="assumption; returns of small firms near 5 % a month, widely spread (B.2 V28)",
        doc="Median factor by which the gain must beat the price.",
    )
    spread: Number = parameter(
        0.8, unit="log", low=0.0, high=2.0, source="assumption", doc="Spread of bother and price sensitivity."
    )
    smallest: Money = parameter(
        "300 yuan",
        unit="yuan",
        low="1 yuan",
        high="1 m yuan",
        source="A.1.1 (a few hundred yuan)",
        doc="Smallest shortage for which a merchant asks; asked amounts are rounded to 100 yuan.",
    )
    idle_buffer: Days = parameter(
        "7 days",
        unit="days",
        low="0 days",
        high="180 days",
        source="assumption",
        doc="Days of sales kept before idle cash repays a loan early.",
    )
    diverters: Share = parameter(
        0.0, unit="share", source="assumption; that there are some: A.1.3", doc="Merchants who use loans otherwise."
    )
    diverted: Share = parameter(
        0.8, unit="share", source="assumption", doc="Share of a loan that they take out of the shop."
    )
    repay_ahead: Days = parameter(
        "150 days",
        unit="days",
        low="0 days",
        high="3650 days",
        source="A.3, A.4 T15 (credit loans last some 62 days)",
        doc="Days before the due date of a line from which a merchant pays it down day by day.",
    )


class Repayment(Parameters):
    """Ability and willingness to repay."""

    shop_value: Days = parameter(
        "120 days",
        unit="days",
        low="0 days",
        high="3650 days",
        source="assumption; C.12",
        doc="Days of gross profit that keeping the shop is worth to an opportunist.",
    )
    credit_value: Share = parameter(
        0.2, unit="share", source="assumption; C.12", doc="Worth of a yuan of limit that would be lost."
    )
    sanction: Money = parameter(
        "500 yuan",
        unit="yuan",
        low="0 yuan",
        high="1 m yuan",
        source="assumption; C.12",
        doc="Other cost of defaulting.",
    )
    hardship: Share = parameter(
        0.5,
        unit="share/day",
        source="assumption",
        doc="Share of its money that a willing merchant pays when it cannot pay all that is due.",
    )
    forgets: Share = parameter(
        0.04,
        unit="share",
        source="set so that with reminders some 8 points more of half-year loans are never late: B.3 V36, 7 to 9 %",
        doc="Chance to forget a due date without a reminder before it.",
    )
    reminded: Share = parameter(
        0.6, unit="share", source="assumption; see forgets", doc="Share of forgetting that one reminder takes away."
    )
    forgotten_for: Days = parameter(
        "5 days",
        unit="days",
        low="1 day",
        high="90 days",
        source="assumption; a few days, and V36 has two late days a month fewer",
        doc="Mean days until one who forgot remembers of its own accord.",
    )
    encouraged: Share = parameter(
        0.1,
        unit="share",
        source="assumption; the sign: B.3 V38",
        doc="Share of what is due that a reminder in a positive tone adds to the worth of paying.",
    )
    threatened: Share = parameter(
        0.1, unit="share", source="assumption; it does not last: B.3 V38", doc="The same of a threat, on its first day."
    )
    shamed: Money = parameter(
        "2000 yuan",
        unit="yuan",
        low="0 yuan",
        high="1 m yuan",
        source="assumption; that it can halve default: B.3 V39",
        doc="What it costs a debtor that its contacts are told.",
    )
    close_ties: Share = parameter(
        0.3, unit="share", source="assumption; weak ties fade: B.3 V39", doc="Share of that which does not fade."
    )
    sued: Share = parameter(
        0.3, unit="share", source="assumption", doc="Share of what is due that a lawsuit adds to the worth of paying."
    )
    asks: Share = parameter(
        0.15, unit="1/day", source="assumption", doc="Chance a day that a late borrower who cannot pay asks for relief."
    )
    copies: Share = parameter(
        0.5,
        unit="share",
        source="assumption; that relief has a price: design rule 13",
        doc="Chance, over that, of one who could pay, where everybody who asked before got relief.",
    )
    impatience: Share = parameter(
        0.05, unit="1/day", source="assumption", doc="Chance a day that one who waits for an answer gives up."
    )
    complains: Share = parameter(
        0.3, unit="share", source="assumption", doc="Of those who gave up or were refused: who complains, stays away."
    )
    word_of_mouth: Number = parameter(
        1.0,
        unit="1",
        low=0.0,
        high=20.0,
        source="assumption; the sign: facts A.1.3, 004",
        doc="How much more bother a loan is with a lender of whom nobody speaks well.",
    )
    evades: Share = parameter(
        0.7,
        unit="share",
        source="assumption; that identity matters: B.3 V35",
        doc="Defaulters who can borrow again under another name where borrowers are not identified.",
    )
    recovered_unable: Number = parameter(
        0.0015,
        unit="share/day",
        low=0.0,
        high=1.0,
        source="assumption",
        doc="Share of written-off principal that unable borrowers pay back a day.",
    )
    recovered_unwilling: Number = parameter(
        0.0008, unit="share/day", low=0.0, high=1.0, source="assumption", doc="The same for unwilling borrowers."
    )


class Exits(Parameters):
    """Who leaves the market."""

    hazard: Number = parameter(
        0.0074,
        unit="1/day",
        low=0.0,
        high=0.5,
        source="silent next quarter: 49 % with 1 order, 4 % with 11 to 20 (data summaries)",
        doc="Daily chance to leave of an old shop with one order a quarter.",
    )
    orders_exponent: Number = parameter(
        0.85, unit="1", low=0.0, high=3.0, source="the same", doc="How the chance falls with orders a quarter."
    )
    youth: Number = parameter(
        1.0,
        unit="1",
        low=0.0,
        high=10.0,
        source="assumption",
        doc="Extra chance of a new shop, fading with half a year.",
    )
    ruin_days: Days = parameter(
        "30 days",
        unit="days",
        low="1 day",
        high="365 days",
        source="assumption",
        doc="Days of unpaid fixed cost at which a shop is likely to give up.",
    )
    ruin_hazard: Number = parameter(
        0.05, unit="1/day", low=0.0, high=1.0, source="assumption", doc="Daily chance to give up then."
    )
    returns: Share = parameter(0.15, unit="share", source="assumption", doc="Share of leavers that come back.")
    away: Days = parameter(
        "120 days",
        unit="days",
        low="31 days",
        high="1000 days",
        source="assumption",
        doc="Longest time for which they are away; the shortest is 30 days, and all between are alike.",
    )
