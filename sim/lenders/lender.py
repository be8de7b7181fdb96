"""A lender: its policies, its products, and how it decides an application from what it may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import numpy.typing as npt

from sim.core.channels import luck_key
from sim.core.loanbook import FIXED_LOAN, PRODUCTS, SALES_SHARE, SECURED
from sim.core.merchants import PLATFORMS, View
from sim.core.money import MAX_PPM_YEAR
from sim.lenders.parameters import LenderSpec
from sim.lenders.policy import ANSWERING, DECIDING, Answer, Context, Product, decide, load_policy
from sim.lenders.product_terms import FixedLoan

STEP = 10_000  # fen: loans are granted in whole hundreds of yuan

# What the lender itself may say, before and after its policies speak.
OWN_REASONS = (
    "", "score_below_cutoff", "no_limit_left", "not_approved", "no_funds", "rate_above_ceiling", "single_borrower_cap",
    "below_least_share", "rate_below_floor", "failed_review",
)  # fmt: skip
_BELOW_CUTOFF, _NO_LIMIT, _NOT_APPROVED, NO_FUNDS = range(1, 5)
ABOVE_CEILING, ONE_BORROWER, _SMALL_SHARE, BELOW_FLOOR, FAILED_REVIEW = range(5, 10)


@dataclass(frozen=True)
class Decisions:
    """Answers to a batch of applications; every array is (n,)."""

    score: npt.NDArray[np.float64]
    limit_fen: npt.NDArray[np.int64]  # that counts for this request
    standing_fen: npt.NDArray[np.int64]  # that stays offered: less, if the limit was raised for this request alone
    rate_ppm_year: npt.NDArray[np.int64]
    granted_fen: npt.NDArray[np.int64]  # 0 where declined
    reasons: npt.NDArray[np.int16]  # (n, 3) positions in `Lender.reason_names`, 0 for none


class Lender(mesa.Agent):  # type: ignore[misc]
    """One lender of a market.

    Parameters
    ----------
    model : mesa.Model
        The market.
    lender_id : str
        Its name in the scenario.
    index : int
        Its row in the lender columns.
    versions : sequence of (date or None, LenderSpec)
        What it is from when on; the first entry holds from the start.
    folder : Path, optional
        Where ``module:Class`` policies are looked for.
    """

    def __init__(
        self,
        model: Any,
        lender_id: str,
        index: int,
        versions: Sequence[tuple[date | None, LenderSpec]],
        folder: Path | None = None,
    ) -> None:
        super().__init__(model)
        self.lender_id = lender_id
        self.index = index
        self.folder = folder
        self._versions = list(versions)
        self.ceilings: Mapping[str, int] = {}  # highest price by product, ppm a year, to which its list is cut
        self.floors: Mapping[str, int] = {}  # and the lowest, to which it is raised
        self.most_leverage: float | None = None  # bank debt that the rules allow, of net capital
        self.reason_names: list[str] = list(OWN_REASONS)
        self.changed_on: date | None = None  # day of the last dated change that was lived
        # Facts that the market tells it every evening.
        self.cash_fen = self.bank_debt_fen = self.equity_fen = self.balance_fen = 0
        self.ever_needs = tuple(dict.fromkeys(name for _, spec in self._versions for name in self._needs_of(spec)))
        self._become(self._versions[0][1])

    @property
    def luck_key(self) -> int:
        """A stable number of the lender's name, which keys its own draws; it does not depend on other lenders."""
        return luck_key(self.lender_id)

    def live_to(self, today: date) -> bool:
        """Become what the scenario says the lender is from this date on; True if something changed (design rule 17)."""
        current = [spec for since, spec in self._versions if since is None or since <= today][-1]
        if current is self.spec:
            return False
        self._become(current)
        self.changed_on = today
        return True

    def _policies_of(self, spec: LenderSpec) -> dict[str, Any]:
        blocks = {kind: getattr(spec, kind) for kind in (*ANSWERING, "collection")}
        return {kind: load_policy(kind, b.policy, b.parameters, self.folder) for kind, b in blocks.items()}

    def _needs_of(self, spec: LenderSpec) -> list[str]:
        policies = self._policies_of(spec)
        return [name for kind in DECIDING for name in policies[kind].needs]

    def _become(self, spec: LenderSpec) -> None:
        self.spec = spec
        self.policies = self._policies_of(spec)
        self.terms = dict(spec.products.offered())
        self._list_prices()
        self._shift: dict[str, int] = {}
        for kind in ANSWERING:
            names = [f"{kind}: {name}" for name in getattr(self.policies[kind], "reasons", ())]
            if names and names[0] not in self.reason_names:
                self.reason_names += names
            self._shift[kind] = self.reason_names.index(names[0]) if names else 0

    def _list_prices(self) -> None:
        self.products = tuple(
            Product(name, self.price_of(name), terms.rate.days_in_year, _days(terms))
            for name, terms in self.terms.items()
        )

    def price_of(self, product: str) -> int:
        """List price of a product, ppm a year: what the scenario says, or the bound that it is held to."""
        own = self.terms[product].rate.ppm_year
        return min(max(own, self.floors.get(product, own)), self.ceilings.get(product, MAX_PPM_YEAR))

    @property
    def minimum(self) -> npt.NDArray[np.int64]:
        """Smallest loan of each product, fen, by index into PRODUCTS."""
        minimum = np.zeros(len(PRODUCTS), np.int64)
        for name, terms in self.terms.items():
            minimum[PRODUCTS.index(name)] = terms.minimum
        return minimum

    @property
    def leverage(self) -> float:
        """Bank debt it may have, as a multiple of net capital: its own cap, or that of the rules."""
        own = self.spec.bank_debt.cap
        return own if self.most_leverage is None else min(own, self.most_leverage)

    def obey(self, ceilings: Mapping[str, int], floors: Mapping[str, int], most_leverage: float | None) -> None:
        """Follow the rules of the day."""
        self.most_leverage = most_leverage
        if (ceilings, floors) != (self.ceilings, self.floors):
            self.ceilings, self.floors = ceilings, floors
            self._list_prices()

    @property
    def needs(self) -> tuple[str, ...]:
        """Every column that its policies of today have declared to decide applications, and its own mark."""
        flag = ("is_flagged", "is_cut") if self.spec.monitoring.policy != "none" else ()
        return tuple(dict.fromkeys([*(name for kind in DECIDING for name in self.policies[kind].needs), *flag]))

    def context(self, today: date, day: int, funds_fen: int, *, explain: bool = True) -> Context:
        """What is the same for everybody it decides on today; ``explain`` says whether reasons are read."""
        return Context(today, day, self.lender_id, self.products, funds_fen, self.spec.joint_cap, explain)

    def is_eligible(
        self, tenure_days: npt.NDArray[Any], platform: npt.NDArray[np.int8], daily_sales_fen: npt.NDArray[Any]
    ) -> npt.NDArray[np.bool_]:
        """To whom the entry may be shown, (n,): tenure, sales of 30 days and platform."""
        rule = self.spec.eligibility
        seen: npt.NDArray[np.bool_] = tenure_days >= rule.min_tenure
        if rule.min_monthly_sales > 0:
            seen &= daily_sales_fen * 30.0 >= rule.min_monthly_sales
        if not all(name in rule.platforms for name in PLATFORMS):
            seen &= np.array([name in rule.platforms for name in PLATFORMS])[platform]
        return seen

    def review(
        self, columns: Mapping[str, npt.NDArray[Any]], ids: npt.NDArray[np.int64], seed: int, context: Context
    ) -> npt.NDArray[np.int64]:
        """Limits of all merchants it can see, fen, (n,); 0 below the cut-off."""
        score = self._lowered(self._answer("scoring", columns, ids, seed, context).values, columns)
        limit = self._answer("limit", {**columns, "score": score}, ids, seed, context).values
        limit = self._cut(np.minimum(limit, self.spec.joint_cap), columns)
        good: npt.NDArray[np.bool_] = score >= self.spec.scoring.cutoff
        return np.asarray(limit * good, np.int64)

    def _lowered(
        self, score: npt.NDArray[Any], columns: Mapping[str, npt.NDArray[Any]]
    ) -> npt.NDArray[np.float64]:
        """Lower the score of those whose sales it has found to look faked."""
        if "is_flagged" not in columns:
            return score
        return np.asarray(score * np.where(columns["is_flagged"] > 0, 1.0 - self.spec.monitoring.wash_score_loss, 1.0))

    def _cut(
        self, limit: npt.NDArray[np.int64], columns: Mapping[str, npt.NDArray[Any]]
    ) -> npt.NDArray[np.int64]:
        """Cut the limits of those of whom monitoring has warned."""
        if "is_cut" not in columns:
            return limit
        return np.where(columns["is_cut"] > 0, limit * (1.0 - self.spec.monitoring.limit_cut), limit).astype(np.int64)

    def raised(
        self, limit: npt.NDArray[np.int64], is_special: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.int64]:
        """Raise the limits of those whose special need it believes, fen, (n,); whole hundreds of yuan."""
        if self.spec.special_need is None:
            return limit
        more = np.minimum(limit * self.spec.special_need.multiple, self.spec.joint_cap).astype(np.int64) // STEP * STEP
        return np.where(is_special, np.maximum(more, limit), limit)

    def decide(
        self,
        columns: Mapping[str, npt.NDArray[Any]],
        ids: npt.NDArray[np.int64],
        product: npt.NDArray[np.int8],
        asked_fen: npt.NDArray[np.int64],
        line_fen: npt.NDArray[np.int64],
        seed: int,
        context: Context,
        is_special: npt.NDArray[np.bool_] | None = None,
    ) -> Decisions:
        """Decide a batch of applications: score, cut-off, limit, price, approval.

        Parameters
        ----------
        columns : mapping
            Observable columns of the applicants, at least those of `needs`.
        product : ndarray (n,) of int8
            Index into PRODUCTS.
        asked_fen, line_fen : ndarray (n,) of int64
            What is asked for; what is already owed on the line.
        is_special : ndarray (n,) of bool, optional
            For whom the limit is raised tonight.
        """
        n = ids.size
        reasons = _Reasons(n)
        score, why = self._ask("scoring", columns, ids, seed, context)
        score = self._lowered(score, columns)
        good = score >= self.spec.scoring.cutoff
        reasons.add(~good, np.full(n, _BELOW_CUTOFF, np.int16))
        for column in range(why.shape[1]):
            reasons.add(~good, why[:, column])

        seen = {**columns, "score": score}
        limit, why = self._ask("limit", seen, ids, seed, context)
        standing = self._cut(np.minimum(limit, self.spec.joint_cap), columns)
        limit = standing if is_special is None else self.raised(standing, is_special)
        # A secured loan is bounded by what it rests on, which the merchant has already counted in what it asks.
        on_line = ~np.isin(product, SECURED)
        room = np.where(on_line, np.maximum(limit - line_fen, 0), asked_fen)
        granted = np.minimum(asked_fen, room) // STEP * STEP
        has_room = (granted >= self.minimum[product]) & (granted > 0)
        reasons.add(good & ~has_room, np.full(n, _NO_LIMIT, np.int16))
        if isinstance(fixed := self.terms.get("fixed_loan"), FixedLoan):
            too_small = (product == FIXED_LOAN) & (granted < fixed.least_share * limit)
            reasons.add(good & has_room & too_small, np.full(n, _SMALL_SHARE, np.int16))
            has_room &= ~too_small
        for column in range(why.shape[1]):
            reasons.add(good & ~has_room, why[:, column])

        seen = {**seen, "limit_fen": limit}
        price = self._ask("pricing", seen, ids, seed, context)[0]
        place = np.zeros(len(PRODUCTS), np.intp)
        for position, offered in enumerate(self.products):
            place[PRODUCTS.index(offered.id)] = position
        rate = np.where(product == SALES_SHARE, 0, price[np.arange(n), place[product]])
        approved, why = self._ask("approval", seen, ids, seed, context)
        reasons.add(good & has_room & ~approved, np.full(n, _NOT_APPROVED, np.int16))
        for column in range(why.shape[1]):
            reasons.add(good & has_room & ~approved, why[:, column])
        granted = np.where(good & has_room & approved, granted, 0)
        return Decisions(score, limit, standing, rate, granted, reasons.table)

    def judge(
        self,
        kind: str,
        columns: Mapping[str, npt.NDArray[Any]],
        ids: npt.NDArray[np.int64],
        seed: int,
        context: Context,
    ) -> npt.NDArray[np.int8]:
        """What its monitoring or its negotiation says of borrowers, (n,): positions in WARNINGS or TREATMENTS."""
        return np.asarray(self._answer(kind, columns, ids, seed, context).values)

    def _ask(
        self,
        kind: str,
        columns: Mapping[str, npt.NDArray[Any]],
        ids: npt.NDArray[np.int64],
        seed: int,
        context: Context,
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.int16]]:
        """Values of one policy, and its reasons as positions in `reason_names`, 0 for none."""
        answer = self._answer(kind, columns, ids, seed, context)
        given = answer.reasons if answer.reasons is not None else np.empty((ids.size, 0), np.int8)
        return answer.values, np.where(given < 0, 0, given.astype(np.int16) + np.int16(self._shift[kind]))

    def _answer(
        self,
        kind: str,
        columns: Mapping[str, npt.NDArray[Any]],
        ids: npt.NDArray[np.int64],
        seed: int,
        context: Context,
    ) -> Answer:
        policy = self.policies[kind]
        return decide(policy, kind, View(columns, policy.needs, ids, seed, context.day), context)


class _Reasons:
    """Ranked reasons of a batch, at most three each, filled from the left."""

    def __init__(self, n: int) -> None:
        self.table = np.zeros((n, 3), np.int16)
        self._used = np.zeros(n, np.intp)

    def add(self, where: npt.NDArray[np.bool_], codes: npt.NDArray[np.int16]) -> None:
        """Give the code to the rows of ``where`` that still have room and a code that is not none."""
        rows = np.flatnonzero(where & (codes > 0) & (self._used < 3))
        self.table[rows, self._used[rows]] = codes[rows]
        self._used[rows] += 1


def _days(terms: Any) -> int:
    return int(terms.term.count * (30 if terms.term.unit == "months" else 1))
