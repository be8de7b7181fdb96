"""The market: one step is one day, told from top to bottom.

`Market` is a `mesa.Model` whose agents are the lenders and the institutions; merchants are columns. Every line of
`Market.step` is one phase of the day; values flow one way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import numpy.typing as npt

from sim.core.clock import Day, days
from sim.core.loanbook import LoanBook
from sim.core.merchants import Merchants
from sim.engine import merchants_day, rules, settle
from sim.engine.after.cases import NO_CASES, Cases, begin_standing
from sim.engine.after.collect import collect
from sim.engine.after.monitor import monitor
from sim.engine.after.negotiate import negotiate
from sim.engine.after.people import work_desks
from sim.engine.books import Account, Books
from sim.engine.collector import collector
from sim.engine.comply import supervise
from sim.engine.day.flags import ENTERS, FLEES, LEAVES, RARE, REOPENS, WINDS_DOWN
from sim.engine.day.sparse import rows_with
from sim.engine.day.tiles import CUT, Cut
from sim.engine.funding.arrange import arrange
from sim.engine.happenings import foresee, shift_regime
from sim.engine.lenders_day import Lent, lend_today, review
from sim.engine.merchants_day import Lived, enter_day, live_day, prepare_for_reviews
from sim.engine.observe import Observer
from sim.engine.payout import most_unpaid
from sim.engine.replay import Replay
from sim.engine.scenario import Scenario, load
from sim.institutions.funder import Funder
from sim.institutions.platform import Platform
from sim.institutions.regulator import Regulator
from sim.lenders.desk_cases import NOBODY
from sim.lenders.lender import Lender
from sim.results.recorder import Recorder
from sim.world.birth import begin_shops, draw_traits, entrants
from sim.world.exits import close_shops, reopen_shops, wind_down

_F = np.float32
Totals = dict[str, int]


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

    cut: Cut = CUT  # how merchants are cut into work; no result depends on it

    def __init__(self, scenario: Scenario | str | Path, seed: int | None = None, rng: int | None = None) -> None:
        chosen = rng if rng is not None else seed
        self.seed_number = 1 if chosen is None else int(chosen)
        super().__init__(rng=self.seed_number)
        self.plan_of_run = scenario if isinstance(scenario, Scenario) else load(scenario)
        self._lay_out()
        self._open_market()

    # ------------------------------------------------------------------------------------------------ the day

    def step(self) -> None:
        """Live one day; after the last day nothing happens."""
        if not self.running:
            return
        day = self._next_day()
        self._change_lenders(day)
        shift_regime(self, day)
        self._welcome_entrants(day)
        # every merchant trades, then its loans are served, then it plans: sales and confirmations; pledged proceeds and
        # due dates, before the wallet is spent; stock from what is left, outside money, owners, wishes, leavers
        noticed = live_day(self, day)
        prepare_for_reviews(self, day)
        # borrowers are looked at; late ones are called, sued, closed; new terms are agreed with some
        monitor(self, day)
        collect(self, day, noticed)
        negotiate(self, day, noticed)
        work_desks(self, day)
        lived = enter_day(self)
        self._review_merchants(day)
        lent = lend_today(self, day)
        exits = self._let_go(day)
        spent = self._settle(day, lived.repaid, lent)
        self._close_books(day)
        self._record(day, lived, lent, spent, exits)

    # ------------------------------------------------------------------------------------------- laying it out

    def _lay_out(self) -> None:
        """Everything that does not change during the run, and empty books."""
        s, p = self.plan_of_run, self.plan_of_run.merchants
        self.calendar = list(days(s.calendar.start, s.calendar.n_days))
        self.replay = Replay.read(s) if p.orders is not None else None
        n = self.replay.n if self.replay else s.n_merchants
        self.merchants = Merchants(n, len(s.lenders))
        versions = {name: [spec for _, spec in s.lender_versions(name)] for name in s.lenders}
        self.book, self.books = LoanBook(256 + n // 2, most_unpaid(chain(*versions.values()))), Books()
        self.outlook = foresee(s, self.seed_number)
        self.observer = Observer(self.merchants, self.outlook, self.seed_number, p.elsewhere.shifted)
        self.lenders = [
            Lender(self, name, index, s.lender_versions(name), s.folder) for index, name in enumerate(s.lenders)
        ]
        self.platform = Platform(self, s.institutions.platform, s.events)
        self.funder = Funder(self, s.events)
        self.regulator = Regulator(self, s.institutions.regulator)
        names = [lender.lender_id for lender in self.lenders]
        self.sharing = arrange(self, versions, self.calendar[0].number)
        needs = [name for lender in self.lenders for name in lender.ever_needs]
        has_reviews = any(spec.approval.policy == "desk" for spec in chain(*versions.values()))
        self.recorder = Recorder(names, needs, has_reviews=has_reviews)
        self.counts = {name: dict.fromkeys(("customers", "limit_total", "interest"), 0) for name in names}
        self.cases: Cases = NO_CASES  # who waits for people
        self.at_work = {name: (NOBODY.team, NOBODY.until) for name in names}
        self.desk_cost: dict[str, int] = {}
        self.standing = {name: begin_standing() for name in names}
        self.day_index = 0
        self.running = True
        self.find_rare()
        self.rush = np.ones(len(p.categories), _F)  # factor on demand that comes over from rivals out of stock
        self.terms = rules.lender_terms(self.lenders, self.plan_of_run.merchants)
        self.room = merchants_day.lay_out(self)
        self.datacollector = collector(self.lenders)

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
            self._tell(lender)

    def _begin(self, rows: npt.NDArray[np.intp], index: int) -> None:
        if rows.size:
            s, season = self.plan_of_run, self.outlook.demand[index]
            outside = s.institutions.outside_money
            lift = None if index else self.outlook.lift[0]
            opening = begin_shops(
                self.merchants, rows, s.merchants, outside, self.seed_number, season, lift,
                has_spells=self.replay is None,
            )  # fmt: skip
            settle.book_opening(self.books, opening)

    # ---------------------------------------------------------------------------------------------- the phases

    def _next_day(self) -> Day:
        day = self.calendar[self.day_index]
        self._shut = np.zeros(0, np.int64)
        self.day_index += 1
        self.running = self.day_index < len(self.calendar)
        return day

    def _change_lenders(self, day: Day) -> None:
        """What the scenario dates for today: new policies and terms of lenders (design rule 17), rules for them."""
        for lender in self.lenders:
            equity = lender.spec.equity
            if lender.live_to(day.date):
                settle.change_equity(self.books, lender.lender_id, lender.spec.equity - equity)
                self._tell(lender)
                self.terms = rules.lender_terms(self.lenders, self.plan_of_run.merchants)
            supervise(self, lender, day.date)

    def _welcome_entrants(self, day: Day) -> None:
        """Shops that enter, and closed ones that come back."""
        if day.index:
            self._begin(self.rows_with(ENTERS), day.index)
            reopen_shops(self.merchants, self.rows_with(REOPENS))

    def find_rare(self) -> None:
        """Find the merchants that the day has flagged: their rows, and their flags."""
        self.rare = rows_with(self.merchants.flags, RARE)
        self.rare_flags = self.merchants.flags.take(self.rare)

    def rows_with(self, flag: int) -> npt.NDArray[np.int64]:
        """Rows of the merchants with one of the rare flags."""
        return np.asarray(self.rare[(self.rare_flags & flag) != 0])

    def _review_merchants(self, day: Day) -> None:
        """Scores, limits and who sees the entry, where a review is due."""
        for lender in self.lenders:
            if day.index % lender.spec.review.every == 0 or lender.changed_on == day.date:
                self.counts[lender.lender_id]["limit_total"] = review(self, lender, day)

    def _let_go(self, day: Day) -> int:
        """Shops leave, wind down and close; what they owe stays owed. Returns the number that left."""
        m, p = self.merchants, self.plan_of_run.merchants
        leave, shut = self.rows_with(LEAVES), self._shut
        shut = shut[~np.isin(shut, leave)]
        rows = np.concatenate([leave, shut])
        close_shops(m, rows, p, self.seed_number, day.number)
        m.reopen_day[rows[(m.flags[rows] & FLEES) != 0]] = 0
        m.reopen_day[self._shut] = 0
        money, _ = wind_down(m, np.concatenate([self.rows_with(LEAVES | WINDS_DOWN), shut]), p)
        settle.book_sell_off(self.books, money)
        return int(rows.size)

    def shut(self, rows: npt.NDArray[np.int64]) -> None:
        """Close the shops of ``rows`` tonight, for good, as a lender has asked the platform to."""
        self._shut = np.union1d(self._shut, rows).astype(np.int64)

    def note_action(self, day: Day, action: str, positions: npt.NDArray[np.int64], detail: Any = None) -> None:
        """Write down what was done about the loans at ``positions`` (k,); ``detail`` (k,) are fen or days of it."""
        if positions.size == 0:
            return
        lenders, loans = self.book["lender"][positions], self.book["loan_id"][positions]
        self.recorder.actions(day.number, action, lenders, loans, detail)

    def _settle(self, day: Day, repaid: dict[str, Totals], lent: dict[str, Lent]) -> dict[str, Totals]:
        """Operating costs, provisions, bank debt and its interest; by lender."""
        spent: dict[str, Totals] = {}
        for lender in self.lenders:
            name = lender.lender_id
            freeze = self.funder.frozen_share(name, day.date)
            sharing = self.sharing.get(name)
            if sharing:
                most = self.regulator.rules(day.date).securities
                is_held_back = sharing.close(self.books, lender, day.number, most)
                self.regulator.note(name, "securities", int(is_held_back))
            spent[name] = settle.settle_lender(
                self.books, lender, repaid[name], lent[name], freeze, sharing, self.desk_cost.get(name, 0)
            )
            self._tell(lender)
            allowed = self.regulator.rules(day.date).leverage
            is_over = allowed is not None and lender.bank_debt_fen > max(lender.equity_fen, 0) * allowed
            self.regulator.note(name, "over_leverage", int(is_over))
        return spent

    def _close_books(self, day: Day) -> None:
        """Every identity, to the fen, every day; what the arrays hold is counted when they are next read."""
        self.books.check(str(day.date), {})
        settle.check_funding(self.books, self.lenders, str(day.date))
        if not self.running:
            self.count_books()

    def _record(
        self, day: Day, lived: Lived, lent: dict[str, Lent], spent: dict[str, Totals], exits: int
    ) -> None:
        """Write the day down; loans that are paid off go to the tape."""
        market = {
            "merchant_sales_fen": lived.traded["sales"],
            "merchants_active": lived.planned["active"],
            "merchant_exits": exits,
            "shops_shut": int(self._shut.size),
        }
        for lender in self.lenders:
            name = lender.lender_id
            told = lived.repaid[name], lent[name], spent[name], self.counts[name], self.sharing.get(name)
            own = settle.daily_row(self.books, lender, *told)
            own["customers_active"] = int(np.count_nonzero(self.merchants.lender["n_open"][lender.index]))
            self.recorder.day(day.number, lender.index, market | own)
        if not self.lenders:
            self.recorder.day(day.number, -1, market)
        self.recorder.loans(self.book.take_closed())
        if (day.date + timedelta(days=1)).day == 1:
            self.recorder.month_end(day.number, self.book)
        self.datacollector.collect(self)

    # --------------------------------------------------------------------------------------------- for people

    def merchant(self, merchant_id: int) -> dict[str, Any]:
        """One merchant as a plain mapping of all its columns, for teaching and debugging.

        Raises
        ------
        KeyError
            If there is no such merchant.
        """
        found = np.flatnonzero(self.merchants.merchant_id == merchant_id)
        if found.size == 0:
            raise KeyError(f"no merchant {merchant_id}; ids run from 1 to {self.merchants.n}")
        return {name: column[..., found[0]].tolist() for name, column in self.merchants.columns().items()}

    def run_days(self, n: int, each_day: Callable[[int], None] | None = None) -> None:
        """Live ``n`` days, or to the end if that comes first; ``each_day`` gets the number of days lived."""
        for _ in range(n):
            if not self.running:
                return
            self.step()
            if each_day:
                each_day(self.day_index)

    def count_books(self) -> None:
        """Count all money and loans now; raise BooksError where the books of the last day say otherwise."""
        last = self.calendar[max(self.day_index - 1, 0)].date
        self.books.check(str(last), settle.count_all(self.merchants, self.book, self.lenders, self.held()))

    def dispose(self) -> None:
        """Let the memory go with the last reference; Mesa would keep every model for as long as the process lives."""
        getattr(mesa.Agent, "_ids", {}).pop(self, None)

    def notes(self) -> list[str]:
        """What a reader of the run should know about its input."""
        return (self.replay.notes() if self.replay else []) + self.regulator.notes()

    def shop_names(self) -> npt.NDArray[Any] | None:
        """Ids of the real shops behind the merchants of a replay."""
        return self.replay.names if self.replay else None

    def resume_at(self, day_index: int) -> None:
        """Go on from a restored state in which ``day_index`` days have been lived."""
        self.find_rare()
        self.day_index = day_index
        self.running = day_index < len(self.calendar)
        for lender in self.lenders:
            self._tell(lender)
            if day_index:
                lender.live_to(self.calendar[day_index - 1].date)
        self.terms = rules.lender_terms(self.lenders, self.plan_of_run.merchants)

    def _tell(self, lender: Lender) -> None:
        """Tell a lender where its money stands."""
        name = lender.lender_id
        lender.cash_fen = self.books.fen(name, "cash")
        lender.bank_debt_fen = self.books.owed_fen(name, "bank_debt")
        lender.equity_fen = self.books.equity_fen(name)
        lender.balance_fen = self.serviced_fen(name)

    def serviced_fen(self, lender_id: str) -> int:
        """Principal outstanding of a lender's loans, fen, whoever holds them."""
        sharing = self.sharing.get(lender_id)
        return self.books.fen(lender_id, "loans") + (sharing.held_fen(self.books) if sharing else 0)

    def held(self) -> dict[Account, int]:
        """What others hold of the lenders' loans and interest, grains."""
        return {key: grains for one in self.sharing.values() for key, grains in one.held(self.books).items()}
