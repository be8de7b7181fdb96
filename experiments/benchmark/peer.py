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
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import mesa

from sim.core.clock import day_number, days
from sim.core.merchants import CLOSED, CLOSING, FRAUDSTER, HONEST, OPEN, PLATFORMS, STATE, TRAITS, Merchants
from sim.engine.scenario import Scenario
from sim.lenders.policies.scoring import CARD
from sim.lenders.policy import load_policy
from sim.world.birth import begin_shops, draw_traits, entrants
from sim.world.cash import LEAST_STOCK
from sim.world.outlook import build_outlook

STEP = 10_000  # fen: loans are granted in whole hundreds of yuan, and nobody repays less early
ORDER_LOAN, LINE = "order_loan", "revolving_line"


@dataclass(slots=True, eq=False)
class Loan:
    """One loan: principal in whole fen, interest in fractions of a fen, of which whole fen are billed."""

    product: str
    rate: float  # a day
    advance: float
    due: int
    balance: int
    pledged: list[float]  # value of pledged orders by stage of confirmation
    overdue: int = 0
    interest: float = 0.0
    penalty: float = 0.0
    unpaid_since: int = 0
    dpd: int = 0
    max_dpd: int = 0
    cause: str = ""

    def owed(self) -> int:
        """Fen that would settle the loan now."""
        return self.balance + int(self.interest + 0.5) + int(self.penalty + 0.5)

    def fall_due(self, refund: float, today: int) -> None:
        """What falls due today: all at the end of the term or the pledge, the advance on a returned order at once."""
        left, rest = sum(self.pledged), self.balance - self.overdue
        falls = min(rest - int(left * self.advance), int(refund * self.advance))
        if today >= self.due or (self.product == ORDER_LOAN and not left):
            falls = rest
        self.overdue += max(falls, 0)
        if falls > 0 or not self.balance:  # interest left when the principal is paid is due as well
            self.unpaid_since = self.unpaid_since or today


class Merchant(mesa.Agent):
    """A shop: demand, stock, money, debts. Its traits and its first state are those of `sim.world.birth`."""

    def __init__(self, model: Peer, born: Merchants, row: int) -> None:
        super().__init__(model)
        for name in (*TRAITS, *STATE):
            setattr(self, name, getattr(born, name)[..., row].tolist())
        self.loans: list[Loan] = []
        self.gain, self.is_pressed, self.is_visible = 0.0, False, False
        self.limit = self.exposure = self.line = self.n_repaid = self.dpd = self.worst_dpd = 0
        self.offer_until = self.refused_until = 0
        self.is_invited = model.random.random() < model.lender.spec.eligibility.invited

    def live(self) -> None:
        """One day, up to the wish for a loan."""
        if self.reopen_day == self.model.today:
            self.status, self.reopen_day = OPEN, 0
        self.trade()
        self.debt = self.due_soon = self.dpd = 0
        if self.loans:
            self.repay()
        self.plan()

    def trade(self) -> None:
        """Sell, ship, confirm, pay costs, and be seen."""
        model, p, random = self.model, self.model.p, self.model.random
        category, price, is_open = self.category, self.order_value, self.status == OPEN
        self.shock = model.carry * self.shock + model.innovation * random.gauss()
        sold = lost = 0
        cost = self.arrears + self.outside_debt * model.outside_price
        if is_open:
            noise, shock, volatility = p.demand.daily_noise, self.shock, self.volatility
            level = math.exp(volatility * (shock - volatility / 2.0) + noise * (random.gauss() - noise / 2.0))
            calendar = model.season[category] * (1.0 + self.promotion_fit * (model.lift[category] - 1.0))
            trend = max(0.2, 1.0 + self.growth * model.years)
            usual = self.base_orders * calendar * trend * self.reputation
            wanted = poisson(random, usual * model.rush[category] * level)
            sold = min(wanted, max(int(self.stock), 0))
            lost = wanted - sold
            self.demand_mean += (wanted / calendar - self.demand_mean) / 28.0
            self.reputation += 0.01 * (1.0 + 0.15 * self.quality - 0.4 * lost / max(wanted, 1) - self.reputation)
            cost += self.fixed_cost
        value = sold * price
        model.sales += value
        model.served[category] += value
        model.lost[category] += lost * price

        off = value * self.off_platform
        confirmed = confirm(self.shipped, value - off, model.stage_share)
        refund = confirmed * self.return_rate
        self.stock += refund / price * p.trade.restocked - sold
        cost += value * self.advertising
        money = self.wallet + off + (confirmed - refund) * (1.0 - model.commission[self.platform])
        paid = max(0.0, min(cost, money))
        self.wallet, self.arrears = money - paid, cost - paid

        gap = value - off - self.sales_mean_30d
        self.sales_variance_30d = (self.sales_variance_30d + gap * gap / 30.0) * 29.0 / 30.0
        self.sales_mean_30d += gap / 30.0
        self.sales_mean_90d += (value - off - self.sales_mean_90d) / 90.0
        self.orders_mean_30d += ((value - off) / price - self.orders_mean_30d) / 30.0
        self.returns_mean_30d += (refund - self.returns_mean_30d) / 30.0

    def repay(self) -> None:
        """Every loan, the oldest first: interest, pledged proceeds, what is due, what may be paid early."""
        today, lender = self.model.today, self.model.lender
        has_struck = today >= self.bust_day
        for loan in self.loans:
            before, paid, is_line = loan.balance, 0, loan.product == LINE
            lender.accrue(loan)
            loan.fall_due(0.0 if is_line else self.sweep(loan, has_struck), today)
            if loan.overdue or not loan.balance:
                paid = self.pay_due(loan, has_struck)
            elif not has_struck:
                paid = self.pay_early(loan)
            self.wallet -= paid
            lender.receive(loan, paid)
            lender.age(loan)
            self.exposure -= before - loan.balance
            self.line -= before - loan.balance if is_line else 0
            self.worst_dpd = max(self.worst_dpd, loan.max_dpd)
            if not loan.owed():
                self.n_repaid += loan.max_dpd == 0
                self.shipped = [own + freed for own, freed in zip(self.shipped, loan.pledged, strict=True)]
                continue
            self.debt += max(loan.balance - sum(loan.pledged), 0.0)
            if is_line and not loan.overdue and loan.due - today <= 7:  # kept back
                self.due_soon += loan.owed()
            self.dpd = max(self.dpd, loan.dpd)
        self.loans = [loan for loan in self.loans if loan.owed()]

    def sweep(self, loan: Loan, has_struck: bool) -> float:
        """Confirm pledged orders; the loan is paid before the wallet. Returns what buyers sent back."""
        out = confirm(loan.pledged, 0.0, self.model.stage_share)
        refund = out if has_struck else out * self.return_rate
        net = int((out - refund) * (1.0 - self.model.commission[self.platform]))
        swept = min(net, loan.owed())
        self.model.lender.receive(loan, swept)
        self.wallet += net - swept
        self.stock += refund / self.order_value * self.model.p.trade.restocked
        self.returns_mean_30d += refund / 30.0
        return refund

    def pay_due(self, loan: Loan, has_struck: bool) -> int:
        """What is paid of a claim: by the willing and able; from others it is swept from the wallet in time."""
        will, ladder, is_willing = self.model.p.repayment, self.model.lender.ladder, True
        claim, late = loan.owed() - loan.balance + loan.overdue, self.model.today - loan.unpaid_since
        if self.integrity == FRAUDSTER:
            is_willing = not has_struck
        elif self.integrity != HONEST:
            days = will.shop_value if self.status == OPEN else 0
            shop = self.kappa * self.margin * self.sales_mean_30d * days * (1.0 - self.off_platform)
            is_willing = claim <= shop + will.credit_value * self.limit + will.sanction
        is_reminded = late >= ladder.remind_from if late else ladder.remind_before > 0
        forgets = self.random.random() < will.forgets * (1.0 - will.reminded * is_reminded)
        if is_willing and not (forgets and loan.product == LINE):
            return claim if self.wallet >= claim else int(self.wallet * will.hardship)
        return min(claim, int(self.wallet * ladder.sweep_share)) if late >= ladder.sweep_from else 0

    def pay_early(self, loan: Loan) -> int:
        """Idle money repays early; as the due date nears, a daily part does out of whatever there is."""
        habits, owed, days_left = self.model.p.borrowing, loan.owed(), loan.due - self.model.today
        buffer = habits.idle_buffer * (self.sales_mean_30d + self.fixed_cost) + self.shortage
        paid = min(owed, math.floor(self.wallet - buffer))
        if loan.product == LINE and days_left <= habits.repay_ahead:
            part = min(owed, max(owed // days_left + 1, STEP))
            paid = max(paid, min(part, math.floor(self.wallet - self.fixed_cost)))
        return paid if paid >= STEP or paid == owed else 0

    def plan(self) -> None:
        """Receive goods, pay the owner, buy stock, borrow outside, wish for a loan, think of leaving."""
        model, p, is_open = self.model, self.model.p, self.status == OPEN
        margin, lead, cover, confirmation = self.margin, self.lead_days, self.cover_days, p.trade.confirmation
        first, second = self.on_order
        moved, arrived = first * 2.0 / lead, second * 2.0 / lead
        self.stock = self.stock * (1.0 - model.stock_decay[self.category]) + arrived
        self.on_order = [first - moved, second + moved - arrived]
        have = self.stock + sum(self.on_order)
        cost, ahead = self.order_value * (1.0 - margin), model.season_ahead[self.category]
        days_ahead = (lead + cover) * ahead + self.promotion_fit * model.lift_ahead[self.category]
        target = max(self.demand_mean * days_ahead, LEAST_STOCK)
        gap, reserve = 0.0, p.cash.reserve * self.fixed_cost + self.due_soon
        if is_open:
            model.active += 1
            gap = max(target - have, 0.0)
            worth = self.wallet + have * cost + sum(self.shipped) - self.outside_debt - self.debt - self.arrears
            needed = self.demand_mean * ahead * ((lead + cover) * cost + confirmation * self.order_value)
            self.wallet -= max(0.0, p.cash.owner_take * min(worth - self.patience * needed, self.wallet - reserve))
        spend = math.floor(max(0.0, min(gap * cost, self.wallet - reserve)))  # whole fen
        self.wallet -= spend
        self.on_order[0] += spend / cost

        short = gap * cost - spend + self.arrears
        self.gain = margin / (1.0 - margin) * gap / target / (lead + cover / 2.0 + confirmation)
        in_distress = self.arrears > 0.0 or self.due_soon > self.wallet
        outside, drawn = model.scenario.institutions.outside_money, 0.0
        if is_open and (in_distress or self.gain > model.outside_price * self.price_sensitivity):
            drawn = max(0.0, min(outside.take * short, outside.cap * self.sales_mean_90d - self.outside_debt))
        if short <= 0.0:
            drawn = -max(0.0, min(self.outside_debt, 0.2 * (self.wallet - reserve)))
        self.wallet += drawn
        self.outside_debt += drawn
        self.shortage = max(0.0, short - max(drawn, 0.0) + max(0.0, self.due_soon - self.wallet))
        if is_open:
            self.choose(in_distress)

    def choose(self, in_distress: bool) -> None:
        """Whether to ask for a loan today, and whether to leave the market."""
        model, leave, random = self.model, self.model.p.exits, self.model.random
        has_struck = model.today >= self.bust_day
        self.is_pressed = has_struck or self.arrears > 0.0 or self.due_soon > self.wallet
        thinks_of_it, luck = random.random() < self.habit, random.random()
        pays = in_distress or self.worth_of(self.shortage, model.lowest_price) > 0.0
        if has_struck or (thinks_of_it and pays and self.shortage >= model.p.borrowing.smallest):
            model.asking.append(self)
        hazard = leave.hazard * (self.orders_mean_30d * 91.0 + 1.0) ** -leave.orders_exponent
        hazard *= 1.0 + leave.youth * 180.0 / (180.0 + model.today - self.opened_day)
        hazard += leave.ruin_hazard if self.arrears > leave.ruin_days * self.fixed_cost else 0.0
        if luck < hazard or model.today >= self.bust_day + 20:  # fraudsters stay 20 days
            model.leaving.append(self)

    def worth_of(self, amount: float, price: float) -> float:
        """What a loan gains in the ten days of its use; who is pressed looks for the largest, then the cheapest."""
        if self.is_pressed:
            return amount * (1.0 - price)
        return (self.gain - price * self.price_sensitivity) * amount * 10.0 - self.bother

    def ask(self) -> None:
        """Ask the lender for the product that gains most, within its offer if there is one."""
        today, lender = self.model.today, self.model.lender
        if not self.is_visible or self.refused_until >= today or self.dpd:
            return
        cap, best, chosen, asked = lender.spec.joint_cap, 0.0, "", 0
        wish = cap if today >= self.bust_day else math.ceil(self.shortage / STEP) * STEP
        for product, terms in lender.products.items():
            bound: float = self.limit - self.line if self.offer_until >= today else wish
            if product == ORDER_LOAN:
                bound = terms.advance * sum(self.shipped)
            amount = int(min(wish, bound, cap - self.exposure, terms.maximum)) // STEP * STEP
            worth = self.worth_of(amount, lender.price[product])
            if amount >= max(terms.minimum, STEP) and worth > best:
                best, chosen, asked = worth, product, amount
        if chosen:
            lender.decide(self, chosen, asked)

    def wind_down(self) -> None:
        """Sell off a tenth of the stock a day until nothing is left."""
        self.stock += sum(self.on_order)
        self.on_order = [0.0, 0.0]
        gone = 0.1 * self.stock if self.stock >= 1.0 else self.stock
        self.stock -= gone
        self.wallet += gone * self.order_value * (1.0 - self.margin) * self.model.p.cash.salvage
        if not self.stock and not sum(self.shipped):
            self.status = CLOSED


class Lender(mesa.Agent):
    """The lender: its money, its points card, its limits, and what it does about loans."""

    def __init__(self, model: Peer, scenario: Scenario) -> None:
        super().__init__(model)
        (self.spec,) = scenario.scaled_lenders.values()
        self.products: dict[str, Any] = dict(self.spec.products.offered())
        self.price = {name: float(terms.rate.per_day) for name, terms in self.products.items()}
        self.card, self.rule, self.ladder = (
            load_policy(kind, block.policy, block.parameters)
            for kind, block in (
                ("scoring", self.spec.scoring), ("limit", self.spec.limit), ("collection", self.spec.collection)
            )
        )  # fmt: skip
        self.cash = self.equity = float(self.spec.equity)
        self.bank_debt = self.allowance = 0.0
        self.balance = 0

    def begin_day(self) -> None:
        """Clear the counts of the day."""
        self.left = self.wanted_allowance = 0.0
        self.late_balance = self.disbursed = self.n_loans = self.n_asked = 0

    def accrue(self, loan: Loan) -> None:
        """One night's interest; on what is overdue the penalty rate, which is income when it is paid."""
        interest = (loan.balance - loan.overdue) * loan.rate
        loan.interest += interest
        self.equity += interest
        loan.penalty += loan.overdue * loan.rate * self.spec.penalty_multiple

    def receive(self, loan: Loan, money: int) -> None:
        """Allocate a payment in the lender's order."""
        self.cash += money
        for bucket in self.spec.allocation:
            if bucket == "principal":
                part = min(money, loan.balance)
                loan.balance -= part
                loan.overdue -= min(part, loan.overdue)
                self.balance -= part
            elif bucket == "interest":
                part = min(money, int(loan.interest + 0.5))
                loan.interest -= part
            else:
                part = min(money, int(loan.penalty + 0.5))
                loan.penalty -= part
                self.equity += part
            money -= part

    def age(self, loan: Loan) -> None:
        """Days past due, the allowance that they call for, write-off."""
        shares = self.spec.provisions
        if not loan.owed():
            return
        if not loan.overdue and loan.balance:
            loan.unpaid_since = loan.dpd = 0
            self.wanted_allowance += loan.balance * shares.current
            return
        loan.dpd = late = self.model.today - loan.unpaid_since
        loan.max_dpd = max(loan.max_dpd, late)
        if late >= self.spec.write_off_after:
            self.equity -= loan.interest
            self.allowance -= loan.balance
            self.balance -= loan.balance
            loan.balance = loan.overdue = 0
            loan.interest = loan.penalty = 0.0
            return
        steps = (shares.current, shares.dpd_1_30, shares.dpd_31_60, shares.dpd_61_90, shares.dpd_90_plus)
        self.wanted_allowance += loan.balance * steps[bisect_right((1, 31, 61, 90), late)]
        self.late_balance += loan.balance if late else 0

    def score(self, merchant: Merchant) -> float:
        """Probability of staying good, by a points card."""
        model, sales = self.model, max(merchant.sales_mean_30d, 1.0)
        month = merchant.sales_mean_30d / max(model.season_index[merchant.category], 0.1)
        quarter = merchant.sales_mean_90d / max(model.season_index_90d[merchant.category], 0.1)
        attributes = (
            model.today - merchant.opened_day,
            month * 30 / 100,
            month / max(quarter, 1.0),
            math.sqrt(merchant.sales_variance_30d) / sales,
            merchant.returns_mean_30d / sales,
            merchant.reputation,
            merchant.orders_mean_30d,
            merchant.n_repaid,
            merchant.worst_dpd,
            merchant.dpd,
            0,  # late elsewhere: there is no bureau
            1.0 / (1.0 + 30.0 * merchant.orders_mean_30d),
            sum(merchant.shipped) / sales,
        )
        points = sum(line.points[bisect_right(line.edges, seen)] for line, seen in zip(CARD, attributes, strict=True))
        odds = 2.0 ** ((points - self.card.even_points) / 20.0)
        return odds / (1.0 + odds)

    def limit(self, merchant: Merchant, score: float) -> int:
        """A multiple of trusted sales, by score, growing with clean repayment, cut after lateness."""
        rule, model, category = self.rule, self.model, merchant.category
        if merchant.dpd >= rule.late_from or score < max(self.spec.scoring.cutoff, rule.score_from[0]):
            return 0
        month = merchant.sales_mean_30d / max(model.season_index[category], 0.1)
        quarter = merchant.sales_mean_90d / max(model.season_index_90d[category], 0.1)
        limit = 30.0 * min(month, quarter) * rule.multiple * rule.factor[bisect_right(rule.score_from, score) - 1]
        limit *= (1.0 + rule.progressive) ** min(merchant.n_repaid, rule.progressive_steps)
        limit = min(limit, rule.cap) * (1.0 - rule.late_cut * (merchant.worst_dpd >= rule.late_from))
        whole = int(limit) // STEP * STEP
        return min(whole, self.spec.joint_cap) if whole >= rule.minimum else 0

    def review(self, merchant: Merchant) -> None:
        """Show the entry to the eligible; score and limit them anew."""
        bar, today = self.spec.eligibility, self.model.today
        merchant.is_visible = (
            merchant.status == OPEN
            and merchant.is_invited
            and today - merchant.opened_day >= bar.min_tenure
            and merchant.sales_mean_30d * 30.0 >= bar.min_monthly_sales
            and PLATFORMS[merchant.platform] in bar.platforms
        )
        if merchant.is_visible:
            merchant.limit = self.limit(merchant, self.score(merchant))
            merchant.offer_until = today + self.spec.offer_validity if merchant.limit else 0

    def open_till(self) -> None:
        """What is free to lend today: cash, and what banks would still lend on net capital after provisions."""
        leverage = self.spec.bank_debt.cap * (1.0 - self.spec.bank_debt.headroom)
        room = max(self.equity, 0.0) * leverage - self.bank_debt
        free = self.cash + max(room, 0.0) - 0.002 * self.spec.equity  # a cushion is never lent
        self.left = free / (1.0 + leverage * self.spec.provisions.current)

    def decide(self, merchant: Merchant, product: str, asked: int) -> None:
        """Decide an application: score, limit, money; pay out if the loan still gains."""
        terms, score, today, granted = self.products[product], self.score(merchant), self.model.today, asked
        self.n_asked += 1
        limit = self.limit(merchant, score)
        if product == LINE:
            granted = min(asked, max(limit - merchant.line, 0)) // STEP * STEP
        if score < self.spec.scoring.cutoff or granted < max(terms.minimum, 1):
            merchant.refused_until = today + 30
            return
        if product == LINE:
            merchant.limit, merchant.offer_until = limit, today + self.spec.offer_validity
        if granted > self.left:
            self.left = 0.0  # first come, first served, until the money is gone
            return
        self.left -= granted
        if merchant.worth_of(granted, self.price[product]) > 0.0:
            self.pay_out(merchant, product, granted)

    def pay_out(self, merchant: Merchant, product: str, granted: int) -> None:
        """Take the pledge, fill the wallet, draw on the bank if cash is short."""
        terms, pledged, advance = self.products[product], [0.0] * 4, 0.0
        if product == ORDER_LOAN:
            advance = terms.advance
            share = min(granted / (advance * sum(merchant.shipped)), 1.0)
            pledged = [value * share for value in merchant.shipped]
            merchant.shipped = [value * (1.0 - share) for value in merchant.shipped]
        else:
            merchant.line += granted
        due = day_number(terms.term.due(self.model.date))
        merchant.loans.append(Loan(product, self.price[product], advance, due, granted, pledged))
        merchant.wallet += granted
        merchant.exposure += granted
        drawn = max(granted - self.cash, 0.0)
        self.bank_debt += drawn
        self.cash += drawn - granted
        self.balance += granted
        self.disbursed += granted
        self.n_loans += 1

    def settle(self) -> None:
        """Close the day: costs, bank interest, provisions; idle cash repays the bank."""
        cost, debt = self.spec.costs, self.spec.bank_debt
        spent = cost.fixed_per_day + cost.per_application * self.n_asked + cost.per_loan * self.n_loans
        spent += self.bank_debt * float(debt.rate.per_day)
        wanted = self.wanted_allowance + self.disbursed * self.spec.provisions.current
        self.equity -= spent + wanted - self.allowance
        self.allowance = wanted
        repaid = max(0.0, min(self.cash - spent, self.bank_debt))
        self.cash -= spent + repaid
        self.bank_debt -= repaid


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
        self.scenario, self.p, self.seed_number = scenario, scenario.merchants, seed
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
        self.today, self.date, self.years = day.number, day.date, index / 365.0
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
            outside = self.scenario.institutions.outside_money
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


def confirm(stages: list[float], shipped: float, share: float) -> float:
    """Pass orders on through the stages from shipping to confirmation; returns the value confirmed today."""
    carried = shipped
    for stage, value in enumerate(stages):
        out = value if value < 100.0 else value * share
        stages[stage] = value + carried - out
        carried = out
    return carried


def poisson(random: Any, mean: float) -> int:
    """A count with the given mean: Knuth's method, and a normal with the right skewness where the mean is large."""
    if mean >= 6.0:
        z = random.gauss()
        return max(0, int(mean + math.sqrt(mean) * z + (z * z - 1.0) / 6.0 + 0.5))
    least, product, count = math.exp(-mean), random.random(), 0
    while product > least:
        product *= random.random()
        count += 1
    return count


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
        }
    return [name for name, is_asked in found.items() if is_asked]
