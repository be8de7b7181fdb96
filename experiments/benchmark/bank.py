"""The lender of the peer: its money, its points card, its limits; see peer.py."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

import mesa
from shop import LINE, ORDER_LOAN, STEP, Loan, Merchant

from sim.core.clock import day_number
from sim.core.merchants import OPEN, PLATFORMS
from sim.engine.scenario import Scenario
from sim.lenders.policies.scoring import CARD
from sim.lenders.policy import load_policy

if TYPE_CHECKING:
    from peer import Peer


class Lender(mesa.Agent):
    """The lender: its money, its points card, its limits, and what it does about loans."""

    def __init__(self, model: Peer, scenario: Scenario) -> None:
        super().__init__(model)
        (self.spec,) = scenario.scaled_lenders.values()
        self.products: dict[str, Any] = dict(self.spec.products.offered())
        self.price = {name: float(terms.rate.per_day) for name, terms in self.products.items()}
        self.card, self.rule = (
            load_policy(kind, block.policy, block.parameters)
            for kind, block in (("scoring", self.spec.scoring), ("limit", self.spec.limit))
        )
        self.ladder = self.spec.collection.steps
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
