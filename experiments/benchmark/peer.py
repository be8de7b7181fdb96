"""The peer: the market of lendsim as a Mesa user would write it, one agent object a merchant, in plain Python.

It ports the main rules of the engine one to one, reads the parameters of a lendsim scenario, and begins with the
engine's own merchants, calendar and common shocks of the same seed; all other luck comes from Mesa's ``model.random``.
What it leaves out stands in README.md beside it. Money is in fen, days are day numbers.

>>> peer = Peer(sim.load("scenarios/tiny.yaml"), seed=1)        # doctest: +SKIP
>>> peer.step()                                                 # doctest: +SKIP
>>> peer.totals[-1]["balance"]                                  # doctest: +SKIP
"""

from __future__ import annotations

import math
from typing import Any

import mesa
from bank import Lender
from shop import Merchant

from sim.core.clock import days
from sim.core.merchants import CLOSING, OPEN, Merchants
from sim.engine.scenario import Scenario
from sim.lenders.collection_terms import Collection
from sim.world.birth import begin_shops, draw_traits, entrants
from sim.world.outlook import build_outlook


class Peer(mesa.Model):
    """The market, one agent object a merchant.

    Parameters
    ----------
    scenario : Scenario
        What to simulate: one lender with the policies of the base scenario.
    seed : int
        Seed of births and common shocks, as in the engine, and of ``model.random``.

    Attributes
    ----------
    totals : list of dict
        By day: sales, disbursed, balance and late_balance in fen, n_loans and active merchants.

    Raises
    ------
    ValueError
        If the scenario asks for something that the peer leaves out.
    """

    def __init__(self, scenario: Scenario, seed: int = 1) -> None:
        super().__init__(seed=seed)
        beyond = what_is_beyond(scenario)
        if beyond:
            raise ValueError(f"the peer leaves out what the scenario asks for: {', '.join(beyond)}")
        self.plan_of_run, self.p, self.seed_number = scenario, scenario.merchants, seed
        p, start, institutions = self.p, scenario.calendar.start, scenario.institutions
        self.calendar = list(days(start, scenario.calendar.n_days))
        promotions = dated(scenario, "lift", "promotion")
        slumps = dated(scenario, "size", "recession", "category_slump")
        self.outlook = build_outlook(p, seed, start, len(self.calendar), promotions, slumps)
        platform = institutions.platform
        self.commission = (platform.commission_taobao, platform.commission_tmall, platform.commission_b2b)
        self.outside_price = institutions.outside_money.rate.ppm_year / 365e6
        self.carry = p.demand.weekly_autocorrelation ** (1.0 / 7.0)
        self.innovation = math.sqrt(1.0 - self.carry**2)
        self.stage_share = min(1.0, 4.0 / p.trade.confirmation)
        self.stock_decay = [min(p.cash.stock_decay * trade.decay, 1.0) / 30.0 for trade in p.categories.values()]
        self.rush = [1.0] * len(p.categories)  # demand that comes over from rivals out of stock
        self.lender = Lender(self, scenario)
        self.lowest_price = min(self.lender.price.values())
        self.closing: list[Merchant] = []
        self.totals: list[dict[str, float]] = []
        self.born = Merchants(scenario.n_merchants, 1)
        draw_traits(self.born, p, institutions, seed, self.calendar[0].number)

    def step(self) -> None:
        """Live one day; after the last day nothing happens."""
        if not self.running:
            return
        index, lender = len(self.totals), self.lender
        self.begin_day(index)
        shops = self.agents_by_type[Merchant]
        shops.do("live")
        if index % lender.spec.review.every == 0:
            shops.do(lender.review)
        lender.open_till()
        self.random.shuffle(self.asking)
        for merchant in self.asking:
            merchant.ask()
        self.let_go()
        lender.settle()
        stealing = self.p.demand.business_stealing
        self.rush = [
            min(1.0 + stealing * lost / max(served, 1.0), 2.0)
            for lost, served in zip(self.lost, self.served, strict=True)
        ]
        self.totals.append({
            "sales": self.sales, "disbursed": lender.disbursed, "n_loans": lender.n_loans, "balance": lender.balance,
            "active": self.active, "late_balance": lender.late_balance,
        })  # fmt: skip
        self.running = len(self.totals) < len(self.calendar)

    def begin_day(self, index: int) -> None:
        """What is the same for all today; shops that enter."""
        day, outlook = self.calendar[index], self.outlook
        self.today, self.date = day.number, day.date
        self.season = outlook.demand[index].tolist()
        for name in ("season_ahead", "season_index", "season_index_90d", "lift", "lift_ahead"):
            setattr(self, name, getattr(outlook, name)[index].tolist())
        self.sales, self.active = 0.0, 0
        self.lost, self.served = [0.0] * len(self.rush), [0.0] * len(self.rush)
        self.asking: list[Merchant] = []
        self.leaving: list[Merchant] = []
        self.lender.begin_day()
        rows = entrants(self.born, self.today)
        if rows.size:
            outside = self.plan_of_run.institutions.outside_money
            begin_shops(self.born, rows, self.p, outside, self.seed_number, outlook.demand[index])
            for row in rows:
                Merchant(self, self.born, row)

    def let_go(self) -> None:
        """Shops leave, some to be back after a while; those that close sell off their stock."""
        for merchant in self.leaving:
            merchant.status = CLOSING
            if self.today < merchant.bust_day and self.random.random() < self.p.exits.returns:
                merchant.reopen_day = self.today + self.random.randrange(30, 120)
        gone = dict.fromkeys(self.closing + self.leaving)
        self.closing = [merchant for merchant in gone if merchant.status != OPEN]
        for merchant in self.closing:
            merchant.wind_down()


def dated(scenario: Scenario, field: str, *kinds: str) -> list[Any]:
    """Dated events of some kinds as (first day, days, size, category)."""
    events = [event for event in scenario.events.values() if event.kind in kinds]
    return [(event.date, event.days, float(getattr(event, field) or 0.0), event.category) for event in events]


def what_is_beyond(scenario: Scenario) -> list[str]:
    """What the scenario asks for and the peer leaves out, so that it would simulate something else."""
    found = {
        "orders of real shops": scenario.merchants.orders is not None,
        "days without new loans": scenario.calendar.run_off > 0,
        "outages or freezes": bool(dated(scenario, "size", "outage", "funding_freeze")),
        "rumours or rivals": bool(dated(scenario, "size", "rumour", "rival_marketplace")),
        "not one lender": len(scenario.lenders) != 1,
    }
    for lender in scenario.lenders.values():
        policies = (lender.scoring.policy, lender.limit.policy, lender.pricing.policy, lender.approval.policy)
        found |= {
            "other policies": policies != ("points", "sales_multiple", "flat", "automatic"),
            "naive sales windows": lender.scoring.parameters.get("window") == "naive",
            "dated changes": bool(lender.changes),
            "a bureau": lender.bureau != "none",
            "refunds of interest": lender.interest_refund_days > 0,
            "a reserve for undrawn limits": lender.funding.undrawn_reserve > 0,
            "service by score": lender.funding.order != "hashed",
            "another ladder": lender.collection != Collection(),
            "monitoring or negotiation": (lender.monitoring.policy, lender.negotiation.policy) != ("none", "none"),
        }
    return [name for name, is_asked in found.items() if is_asked]
