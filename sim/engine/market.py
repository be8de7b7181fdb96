"""The market: one step is one day, told from top to bottom.

`Market` is a `mesa.Model` whose agents are the lenders and the institutions; merchants are columns. Every line of
`Market.step` is one phase of the day; values flow one way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.clock import Day, days
from sim.core.loanbook import PRODUCTS, LoanBook
from sim.core.merchants import OPEN, STAGES, Merchants
from sim.engine import lend, settle
from sim.engine.books import Books
from sim.engine.day.plan import LEAVES, PLAN_TOTALS, PlanColumns, PlanRules, plan
from sim.engine.day.repay import REPAY_TOTALS, Borrowers, LenderTerms, Records, RepayRules, repay
from sim.engine.day.tiles import columns_of, n_chunks
from sim.engine.day.trade import TRADE_TOTALS, TradeColumns, TradeRules, trade
from sim.engine.observe import Observer
from sim.engine.replay import Replay
from sim.engine.scenario import Scenario, load
from sim.institutions.funder import Funder
from sim.institutions.platform import Platform
from sim.lenders.lender import Lender
from sim.results.recorder import Recorder
from sim.world.birth import begin_shops, draw_traits, entrants
from sim.world.exits import close_shops, reopen_shops, wind_down
from sim.world.outlook import Outlook, build_outlook

_F = np.float32
REVIEW_TILE = 16_384  # merchants scored at a time, so that a review needs little memory


class Market(mesa.Model):  # type: ignore[misc]
    """A marketplace of merchants and its lenders.

    Parameters
    ----------
    scenario : Scenario or path
        What to simulate.
    seed, rng : int, optional
        Seed of every draw (Mesa's two names for it); 1 if none is given.

    Examples
    --------
    >>> model = Market("scenarios/tiny.yaml", rng=7)        # doctest: +SKIP
    >>> model.step()                                        # doctest: +SKIP
    """

    def __init__(self, scenario: Scenario | str | Path, seed: int | None = None, rng: int | None = None) -> None:
        chosen = rng if rng is not None else seed
        self.seed_number = 1 if chosen is None else int(chosen)
        super().__init__(rng=self.seed_number)
        self.plan_of_run = scenario if isinstance(scenario, Scenario) else load(scenario)
        self._lay_out()
        self._open_market()

    # ------------------------------------------------------------------------------------------------ the day

    def step(self) -> None:
        """Live one day."""
        if not self.running:
            return
        day = self._next_day()
        # the merchants' morning
        self._welcome_entrants(day)
        self._change_lenders(day)
        trade_totals = self._trade(day)
        # debts before wallets: pledged proceeds, due dates, delinquency
        repaid = self._collect_repayments(day)
        # the merchants' evening: stock from what is left, outside money, owners, wishes, leavers
        plan_totals = self._make_plans(day)
        # the lenders' evening
        self._review(day)
        lent = self._lend(day)
        # leaving, and the close of the day
        exits = self._let_go(day)
        self._settle(day, repaid, lent)
        self._close_books(day)
        self._record(day, trade_totals, plan_totals, repaid, lent, exits)

    # ------------------------------------------------------------------------------------------- laying it out

    def _lay_out(self) -> None:
        """Everything that does not change during the run."""
        s, p = self.plan_of_run, self.plan_of_run.merchants
        self.calendar = list(days(s.calendar.start, s.calendar.n_days))
        self.replay = Replay.read(s) if p.orders is not None else None
        n = self.replay.n if self.replay else s.n_merchants
        lender_ids = list(s.lenders)
        self.merchants = Merchants(n, len(lender_ids))
        self.book = LoanBook()
        self.books = Books()
        self.outlook: Outlook = build_outlook(p, self.seed_number, s.calendar.start, s.calendar.n_days, *_events(s))
        self.observer = Observer(self.merchants, self.outlook)
        self.lenders = [
            Lender(self, lender_id, index, s.lender_versions(lender_id), s.folder)
            for index, lender_id in enumerate(lender_ids)
        ]
        self.platform = Platform(self, s.institutions.platform, s.events)
        self.funder = Funder(self, s.events)
        self.recorder = Recorder([lender.lender_id for lender in self.lenders])
        self.day_index = 0
        self.running = True

        m = self.merchants
        self._trade_columns = columns_of(TradeColumns, m)
        self._plan_columns = columns_of(PlanColumns, m)
        self._borrowers = columns_of(Borrowers, m)
        self._records = Records(*(m.lender[name] for name in Records._fields))
        chunks, n_categories = n_chunks(n), len(p.categories)
        self._trade_sums = np.zeros((chunks, len(TRADE_TOTALS)), np.int64)
        self._by_category = np.zeros((chunks, 2, n_categories), np.int64)
        self._plan_sums = np.zeros((chunks, len(PLAN_TOTALS)), np.int64)
        self._repay_sums = np.zeros((len(self.lenders), len(PRODUCTS), len(REPAY_TOTALS)), np.int64)
        self._flags = np.zeros(n, np.uint8)
        self._gain = np.zeros(n, _F)
        self.rush = np.ones(n_categories, _F)  # demand that comes over from rivals out of stock
        monthly = p.cash.stock_decay
        self._decay = np.array([min(monthly * c.decay, 1.0) / 30.0 for c in p.categories.values()], _F)
        self._commission = self.platform.commission()
        self._carry = float(draws.exp(draws.log(max(p.demand.weekly_autocorrelation, 1e-9)) / 7.0))
        self._terms = _lender_terms(self.lenders)
        self.counts = {
            lender.lender_id: dict.fromkeys(("customers", "limit_total", "interest", "funding"), 0)
            for lender in self.lenders
        }
        self.datacollector = _collector(self.lenders)

    def _open_market(self) -> None:
        """Merchants are born, the first shops open, the lenders are given their money."""
        s, m = self.plan_of_run, self.merchants
        first = self.calendar[0].number
        draw_traits(m, s.merchants, s.institutions, self.seed_number, first)
        if self.replay:
            self.replay.fit_merchants(m, first)
        self._begin(entrants(m, first), 0)
        for lender in self.lenders:
            settle.book_equity(self.books, lender.lender_id, lender.spec.equity)

    def _begin(self, rows: npt.NDArray[np.intp], index: int) -> None:
        if rows.size:
            s, season = self.plan_of_run, self.outlook.demand[index]
            outside = s.institutions.outside_money
            opening = begin_shops(self.merchants, rows, s.merchants, outside, self.seed_number, season)
            settle.book_opening(self.books, opening)

    # ---------------------------------------------------------------------------------------------- the phases

    def _next_day(self) -> Day:
        day = self.calendar[self.day_index]
        self.day_index += 1
        self.running = self.day_index < len(self.calendar)
        return day

    def _welcome_entrants(self, day: Day) -> None:
        if day.index:
            self._begin(entrants(self.merchants, day.number), day.index)
            reopen_shops(self.merchants, day.number)

    def _change_lenders(self, day: Day) -> None:
        """What the scenario dates for today: new policies and terms of lenders (design rule 17)."""
        if any([lender.live_to(day.date) for lender in self.lenders]):
            self._terms = _lender_terms(self.lenders)

    def _trade(self, day: Day) -> dict[str, int]:
        """Demand, sales, wash trades, confirmations, costs."""
        p, outside = self.plan_of_run.merchants, self.plan_of_run.institutions.outside_money
        today = self.replay.orders_of(day.number) if self.replay else np.zeros(0, _F)
        rules = TradeRules(
            key_shock=draws.day_key(self.seed_number, "sales.shock", day.number),
            key_orders=draws.day_key(self.seed_number, "sales.orders", day.number),
            carry=_F(self._carry),
            innovation=_F(math.sqrt(1.0 - self._carry**2)),
            noise=_F(p.demand.daily_noise),
            years=_F(day.index / 365.0),
            stage_share=_stage_share(p.trade.confirmation),
            restocked=_F(p.trade.restocked),
            outside_day=outside.rate.ppm_year / 365e6,
            today=day.number,
            replays=self.replay is not None,
        )
        factors = np.stack([self.outlook.demand[day.index], self.rush, self.outlook.lift[day.index]])
        trade(self._trade_columns, today, factors, self._commission, rules, self._trade_sums, self._by_category)
        self.rush = self._rivals_demand(p.demand.business_stealing)
        totals = dict(zip(TRADE_TOTALS, self._trade_sums.sum(axis=0).tolist(), strict=True))
        settle.book_trade(self.books, totals)
        return totals

    def _rivals_demand(self, stealing: float) -> npt.NDArray[np.float32]:
        """Factor on tomorrow's demand of each category: a share of what could not be served looks elsewhere."""
        lost, served = self._by_category.sum(axis=0)
        return (1.0 + stealing * lost / np.maximum(served, 1)).clip(1.0, 2.0).astype(_F)

    def _collect_repayments(self, day: Day) -> dict[str, dict[str, int]]:
        """Sweep pledged proceeds, collect what is due, prepay, age, write off, recover; by lender."""
        if not self.lenders:
            return {}
        p = self.plan_of_run.merchants
        rules = RepayRules(
            key_forget=draws.day_key(self.seed_number, "repay.forget", day.number),
            today=day.number,
            stage_share=_stage_share(p.trade.confirmation),
            restocked=p.trade.restocked,
            shop_days=float(p.repayment.shop_value),
            credit_value=p.repayment.credit_value,
            sanction=float(p.repayment.sanction),
            forget=p.repayment.forgets,
            reminded=p.repayment.reminded,
            idle_days=float(p.borrowing.idle_buffer),
            repay_ahead=p.borrowing.repay_ahead,
            hardship=p.repayment.hardship,
            recovered_unable=p.repayment.recovered_unable,
            recovered_unwilling=p.repayment.recovered_unwilling,
            horizon=7,
        )
        sums = self._repay_sums
        repay(
            self.book.records[: self.book.n], self._borrowers, self._records, self._terms, rules, self._commission, sums
        )
        lend.mark_refinancing(self.book, self.merchants, day.number)
        basis = {PRODUCTS.index(product.id): product.basis for lender in self.lenders for product in lender.products}
        found: dict[str, dict[str, int]] = {}
        for lender in self.lenders:
            own = sums[lender.index]
            totals = dict(zip(REPAY_TOTALS, own.sum(axis=0).tolist(), strict=True))
            by_basis: dict[int, dict[str, int]] = {}
            for product, row in enumerate(own):
                units = by_basis.setdefault(basis.get(product, 365), dict.fromkeys(REPAY_TOTALS[:3], 0))
                for place, name in enumerate(REPAY_TOTALS[:3]):
                    units[name] += int(row[place])
            settle.book_repayments(self.books, lender.lender_id, by_basis, totals)
            found[lender.lender_id] = totals
        return found

    def _make_plans(self, day: Day) -> dict[str, int]:
        """Goods arrive, stock is bought, outside money, the owner, wishes for loans, leavers."""
        p, outside = self.plan_of_run.merchants, self.plan_of_run.institutions.outside_money
        rates = [terms.rate.ppm_year for lender in self.lenders for terms in lender.terms.values()]
        rules = PlanRules(
            key_attention=draws.day_key(self.seed_number, "attention", day.number),
            confirmation=_F(p.trade.confirmation),
            reserve_days=_F(p.cash.reserve),
            outside_cap=_F(outside.cap),
            outside_take=_F(outside.take),
            outside_price=_F(outside.rate.ppm_year / 365e6),
            lowest_price=_F(min(rates, default=0) / 365e6),
            owner_take=_F(p.cash.owner_take),
            smallest=_F(p.borrowing.smallest),
            hazard=_F(p.exits.hazard),
            exponent=_F(p.exits.orders_exponent),
            youth=_F(p.exits.youth),
            ruin_days=_F(p.exits.ruin_days),
            ruin_hazard=_F(p.exits.ruin_hazard),
            today=day.number,
        )
        factors = np.stack([self.outlook.season_ahead[day.index], self.outlook.lift_ahead[day.index], self._decay])
        plan(self._plan_columns, factors, rules, self._gain, self._flags, self._plan_sums)
        totals = dict(zip(PLAN_TOTALS, self._plan_sums.sum(axis=0).tolist(), strict=True))
        settle.book_plans(self.books, totals)
        return totals

    def _review(self, day: Day) -> None:
        """Who sees the entry, and every visible merchant's score and limit anew, where a review is due."""
        for lender in self.lenders:
            if day.index % lender.spec.review.every == 0:
                self.counts[lender.lender_id]["limit_total"] = self._review_by(lender, day)

    def _review_by(self, lender: Lender, day: Day) -> int:
        m, index, total = self.merchants, lender.index, 0
        own = m.lender
        context = lender.context(day.date, day.number, lender.cash_fen)
        for start in range(0, m.n, REVIEW_TILE):
            tile = slice(start, min(start + REVIEW_TILE, m.n))
            invitation = draws.uniform(
                self.seed_number, "lender.visible", draws.ONCE, m.merchant_id[tile], lender.luck_key
            )
            seen = lender.is_eligible(
                day.number - m.opened_day[tile], m.platform[tile], m.sales_mean_30d[tile], invitation
            ) & (m.status[tile] == OPEN)
            own["is_visible"][index, tile] = seen
            rows = start + np.flatnonzero(seen)
            if rows.size == 0:
                continue
            columns = self._columns(lender, rows, day)
            score, limit = lender.review(columns, m.merchant_id[rows], self.seed_number, context)
            own["score"][index, rows] = score
            own["limit_fen"][index, rows] = limit
            own["offer_until"][index, rows] = np.where(limit > 0, day.number + lender.spec.offer_validity, 0)
            total += int(limit.sum())
        return total

    def _columns(self, lender: Lender, rows: npt.NDArray[np.intp], day: Day) -> dict[str, npt.NDArray[Any]]:
        return self.observer.columns(lender.needs, rows, lender.index, lender.spec.bureau, day.index, day.number)

    def _lend(self, day: Day) -> dict[str, dict[str, int]]:
        """Wishes, choice of offer, decisions, rationing, disbursement; by lender."""
        m = self.merchants
        lent = {lender.lender_id: dict.fromkeys(_LENT, 0) for lender in self.lenders}
        doors = [lender for lender in self.lenders if self.platform.is_reachable(lender.lender_id, day.date)]
        if not doors or day.index >= len(self.calendar) - self.plan_of_run.calendar.run_off:
            return lent
        most = max(lender.spec.joint_cap for lender in doors)
        wishes = lend.gather_wishes(m, self._flags, self._gain, day.number, most)
        if wishes.rows.size == 0:
            return lent
        requests = lend.choose_offers(m, wishes, doors, day.number)
        for lender in doors:
            if requests[lender.index].rows.size:
                lent[lender.lender_id] = self._serve(lender, wishes, requests[lender.index], day)
        return lent

    def _serve(self, lender: Lender, wishes: lend.Wishes, requests: lend.Requests, day: Day) -> dict[str, int]:
        """One lender's applications of the day."""
        m, rows, name = self.merchants, requests.rows, lender.lender_id
        freeze = self.funder.frozen_share(name, day.date)
        undrawn = max(self.counts[name]["limit_total"] - self.books.fen(name, "loans"), 0)
        free = settle.free_to_lend(self.books, lender, freeze, undrawn)
        columns = self._columns(lender, rows, day)
        decided = lender.decide(
            columns, m.merchant_id[rows], requests.product, requests.asked_fen,
            m.lender["line_fen"][lender.index, rows], self.seed_number, lender.context(day.date, day.number, free),
        )  # fmt: skip
        takes = lend.is_taken_up(m, wishes, requests, decided)
        served = lend.ration(lender, m, requests, decided, free, self.seed_number, day.number)
        decision = lend.note_decisions(lender, m, requests, decided, served, day.number)
        takes &= served
        new = int((m.lender["first_loan_day"][lender.index, rows[takes]] == 0).sum())
        settle.draw_for(self.books, name, int(decided.granted_fen[takes].sum()))
        paid_out = lend.disburse(lender, m, self.book, requests, decided, takes, day.date)
        settle.book_disbursement(self.books, name, paid_out)
        self.counts[name]["customers"] += new
        self.recorder.applications(
            day.number,
            lender.index,
            lender.reason_names,
            {
                "merchant_id": m.merchant_id[rows],
                "product": requests.product,
                "asked_fen": requests.asked_fen,
                "granted_fen": np.where(served, decided.granted_fen, 0),
                "limit_fen": decided.limit_fen,
                "rate_ppm_year": decided.rate_ppm_year,
                "score": decided.score,
                "decision": decision,
                "accepted": takes,
                "reasons": decided.reasons,
                **{f"seen_{column}": values for column, values in columns.items()},
            },
        )
        return {
            "disbursed": paid_out,
            "n_loans": int(takes.sum()),
            "customers_new": new,
            "applications": rows.size,
            "approvals": int((decided.granted_fen > 0).sum()),
            "accepted": int(takes.sum()),
            "rejected_funds": int((decision == lend.SHORT_OF_FUNDS).sum()),
        }

    def _let_go(self, day: Day) -> int:
        """Shops leave, wind down and close; what they owe stays owed. Returns the number that left."""
        m, p = self.merchants, self.plan_of_run.merchants
        leavers = np.flatnonzero(self._flags & LEAVES)
        struck = np.flatnonzero((m.bust_day <= day.number - 20) & (m.status == OPEN))
        rows = np.union1d(leavers, struck)
        close_shops(m, rows, p, self.seed_number, day.number)
        m.reopen_day[struck] = 0
        money, _ = wind_down(m, p)
        self.books.transfer(settle.OUTSIDE_MONEY, settle.WALLETS, money)
        return int(rows.size)

    def _settle(self, day: Day, repaid: dict[str, dict[str, int]], lent: dict[str, dict[str, int]]) -> None:
        """Operating costs, provisions, bank debt and its interest."""
        for lender in self.lenders:
            name, cost = lender.lender_id, lender.spec.costs
            spent = (
                cost.fixed_per_day
                + cost.per_application * lent[name]["applications"]
                + cost.per_loan * lent[name]["n_loans"]
                + cost.per_contact * repaid[name]["contacts"]
            )
            settle.book_costs(self.books, name, spent)
            buckets = repaid[name] | {"balance_current": repaid[name]["balance_current"] + lent[name]["disbursed"]}
            lent[name]["provision"] = settle.book_provision(self.books, lender, buckets)
            freeze = self.funder.frozen_share(name, day.date)
            lent[name]["funding_cost"] = settle.settle_funding(self.books, lender, freeze)
            lent[name]["operating_cost"] = spent
            self._tell(lender)

    def _close_books(self, day: Day) -> None:
        """Every identity, to the fen, every day."""
        self.books.check(str(day.date), settle.counted(self.merchants, self.book, self.lenders))

    def _record(
        self,
        day: Day,
        traded: dict[str, int],
        planned: dict[str, int],
        repaid: dict[str, dict[str, int]],
        lent: dict[str, dict[str, int]],
        exits: int,
    ) -> None:
        market = {
            "merchant_sales_fen": traded["sales"],
            "merchants_active": planned["active"],
            "merchant_exits": exits,
        }
        for lender in self.lenders:
            self.recorder.day(day.number, lender.index, market | self._daily(lender, repaid, lent))
        if not self.lenders:
            self.recorder.day(day.number, -1, market)
        self.recorder.loans(self.book.take_closed(), self.merchants)
        if (date.fromordinal(day.date.toordinal() + 1)).day == 1:
            self.recorder.month_end(day.number, self.book.state())
        self.datacollector.collect(self)

    def _daily(self, lender: Lender, repaid: dict[str, Any], lent: dict[str, Any]) -> dict[str, int]:
        name, counts = lender.lender_id, self.counts[lender.lender_id]
        r, new = repaid[name], lent[name]
        income = self.books.owed_fen(name, "interest_income")
        earned, counts["interest"] = income - counts["interest"], income
        out = lender.balance_fen
        room = settle.bank_room(self.books, lender, 0.0)
        return {
            "disbursed_fen": new["disbursed"],
            "n_loans": new["n_loans"],
            "n_active": r["n_active"] + new["n_loans"],
            "balance_fen": out,
            "interest_fen": earned,
            "interest_paid_fen": r["interest_paid"] + r["suspended_paid"],
            "penalty_paid_fen": r["penalty_paid"],
            "refunded_fen": r["refunded"],
            "principal_repaid_fen": r["principal_paid"],
            "written_off_fen": r["written_off"],
            "recovered_fen": r["recovered"],
            "balance_current_fen": r["balance_current"] + new["disbursed"],
            "balance_1_30_fen": r["balance_1_30"],
            "balance_31_60_fen": r["balance_31_60"],
            "balance_61_90_fen": r["balance_61_90"],
            "balance_90_plus_fen": r["balance_90_plus"],
            "balance_restructured_fen": r["balance_restructured"],
            "balance_performing_fen": r["balance_performing"] + new["disbursed"],
            "customers": counts["customers"],
            "customers_active": int(np.count_nonzero(self.merchants.lender["n_open"][lender.index])),
            "customers_new": new["customers_new"],
            "funds_fen": lender.cash_fen + out + room,
            "cash_fen": lender.cash_fen,
            "bank_debt_fen": lender.bank_debt_fen,
            "equity_fen": lender.equity_fen,
            "funding_cost_fen": new["funding_cost"],
            "operating_cost_fen": new["operating_cost"],
            "provision_fen": new["provision"],
            "allowance_fen": self.books.owed_fen(name, "allowance"),
            "applications": new["applications"],
            "approvals": new["approvals"],
            "accepted": new["accepted"],
            "rejected_funds": new["rejected_funds"],
            "limit_total_fen": counts["limit_total"],
        }

    # --------------------------------------------------------------------------------------------- for people

    def merchant(self, merchant_id: int) -> dict[str, Any]:
        """One merchant as a plain mapping of all its columns, for teaching and debugging."""
        row = int(np.flatnonzero(self.merchants.merchant_id == merchant_id)[0])
        return {name: column[..., row].tolist() for name, column in self.merchants.columns().items()}

    def notes(self) -> list[str]:
        """What a reader of the run should know about its input."""
        return self.replay.notes() if self.replay else []

    def shop_names(self) -> npt.NDArray[Any] | None:
        """Ids of the real shops behind the merchants of a replay."""
        return self.replay.names if self.replay else None

    def resume_at(self, day_index: int) -> None:
        """Go on from a restored state: ``day_index`` days have been lived."""
        self.day_index = day_index
        self.running = day_index < len(self.calendar)
        for lender in self.lenders:
            self._tell(lender)
        if day_index:
            self._change_lenders(self.calendar[day_index - 1])

    def _tell(self, lender: Lender) -> None:
        """Tell a lender where its money stands."""
        name = lender.lender_id
        lender.cash_fen = self.books.fen(name, "cash")
        lender.bank_debt_fen = self.books.owed_fen(name, "bank_debt")
        lender.equity_fen = self.books.equity_fen(name)
        lender.balance_fen = self.books.fen(name, "loans")

    def run_days(self, n: int, each_day: Callable[[int], None] | None = None) -> None:
        """Live ``n`` days or to the end; ``each_day`` gets the number of days lived."""
        for _ in range(n):
            if not self.running:
                return
            self.step()
            if each_day:
                each_day(self.day_index)


_LENT = (
    "disbursed", "n_loans", "customers_new", "applications", "approvals", "accepted", "rejected_funds",
)  # fmt: skip


def _stage_share(confirmation_days: float) -> float:
    return min(1.0, STAGES / confirmation_days)


def _events(s: Scenario) -> tuple[list[Any], list[Any]]:
    """Promotions and slumps of a scenario, as the outlook takes them."""
    promotions = [(e.date, e.days, e.lift, e.category) for e in s.events.values() if e.kind == "promotion"]
    slumps = [
        (e.date, e.days, e.size, e.category) for e in s.events.values() if e.kind in ("recession", "category_slump")
    ]
    return promotions, slumps


def _lender_terms(lenders: list[Lender]) -> LenderTerms:
    """What repayments need to know of the lenders, as arrays."""
    codes = {"penalty": 0, "interest": 1, "principal": 2}
    ladders = [lender.policies["collection"] for lender in lenders]
    specs = [lender.spec for lender in lenders]

    def whole(values: list[Any]) -> npt.NDArray[np.int64]:
        return np.array(values, dtype=np.int64)

    return LenderTerms(
        penalty_permille=whole([round(spec.penalty_multiple * 1000) for spec in specs]),
        allocation=whole([[codes[name] for name in spec.allocation] for spec in specs]).reshape(-1, 3),
        remind_before=whole([ladder.remind_before for ladder in ladders]),
        remind_from=whole([ladder.remind_from for ladder in ladders]),
        sweep_from=whole([ladder.sweep_from for ladder in ladders]),
        sweep_share=np.array([ladder.sweep_share for ladder in ladders], dtype=np.float64),
        non_accrual_after=whole([spec.non_accrual_after for spec in specs]),
        write_off_after=whole([spec.write_off_after for spec in specs]),
        refund_days=whole([spec.interest_refund_days for spec in specs]),
    )


def _collector(lenders: list[Lender]) -> Any:
    """Mesa's data collector: the market's day, and balance, customers and bank debt of each lender, in yuan."""
    reporters: dict[str, Any] = {
        "merchant_sales": lambda market: int(market._trade_sums[:, 0].sum()) / 100,
        "merchants_active": lambda market: int(np.count_nonzero(market.merchants.status == OPEN)),
    }
    for lender in lenders:
        for name in ("balance", "cash", "bank_debt", "equity"):
            reporters[f"{lender.lender_id}.{name}"] = _reporter(lender, f"{name}_fen")
    return mesa.DataCollector(model_reporters=reporters)


def _reporter(lender: Lender, attribute: str) -> Callable[[Any], float]:
    return lambda market: getattr(lender, attribute) / 100
