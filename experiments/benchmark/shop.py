"""A shop of the peer, its loans, and its day; see peer.py."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mesa

from sim.core.merchants import CLOSED, FRAUDSTER, HONEST, OPEN, STATE, TRAITS, Merchants
from sim.world.cash import LEAST_STOCK

if TYPE_CHECKING:
    from peer import Peer

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
        self.orders_mean_30d = self.sales_mean_30d / self.order_value
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
            trend = max(0.2, 1.0 + self.growth * (model.today - self.entry_day) / 365.0)
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
            is_near = is_line and not loan.overdue and loan.due - today <= 7
            if is_near and self.is_willing(loan.owed(), has_struck):  # kept back
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
        will, ladder = self.model.p.repayment, self.model.lender.ladder
        claim, late = loan.owed() - loan.balance + loan.overdue, self.model.today - loan.unpaid_since
        is_willing = self.is_willing(claim, has_struck)
        is_reminded = not late or late >= ladder["remind"].after
        forgets = self.random.random() < will.forgets * (1.0 - will.reminded * is_reminded)
        if is_willing and not (forgets and loan.product == LINE):
            return claim if self.wallet >= claim else int(self.wallet * will.hardship)
        sweep = ladder["sweep"]
        return min(claim, int(self.wallet * sweep.share)) if late >= sweep.after else 0

    def is_willing(self, claim: int, has_struck: bool) -> bool:
        """Whether it would pay the claim if it could."""
        will = self.model.p.repayment
        if self.integrity == HONEST:
            return True
        if self.integrity == FRAUDSTER:
            return not has_struck
        days = will.shop_value if self.status == OPEN else 0
        shop = self.kappa * self.margin * self.sales_mean_30d * days * (1.0 - self.off_platform)
        return claim <= shop + will.credit_value * self.limit + will.sanction

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
        short = short if short >= 1.0 else 0.0
        self.gain = margin / (1.0 - margin) * gap / target / (lead + cover / 2.0 + confirmation)
        in_distress = self.arrears > 0.0 or self.due_soon > self.wallet
        outside, drawn = model.plan_of_run.institutions.outside_money, 0.0
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
