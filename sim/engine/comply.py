"""The regulator's rules at work on the decisions of a day: prices and amounts that are not allowed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.core.loanbook import PRODUCTS, SALES_SHARE
from sim.core.money import PERIODS_IN_YEAR, PPM, format_yuan
from sim.engine import lend
from sim.engine.lend import Requests
from sim.errors import RuleError
from sim.institutions.dated_rules import LIFTED, NO_FLOOR, Rules
from sim.lenders.lender import ABOVE_CEILING, BELOW_FLOOR, ONE_BORROWER, STEP, Decisions, Lender
from sim.lenders.product_terms import SalesShare

if TYPE_CHECKING:
    from sim.engine.market import Market


def supervise(market: Market, lender: Lender, today: date) -> None:
    """Tell a lender the rules of the day: its list prices and its bank debt follow them, where they are cut."""
    regulator = market.regulator
    rules = regulator.rules(today)
    own, most = lender.spec.bank_debt.cap, rules.leverage
    if most is not None and own > most:
        if regulator.breach == "stop":
            raise RuleError(
                f"{today}: {lender.lender_id}: bank debt of {own:g} of net capital; the rules allow {most:g}, "
                "and institutions.regulator.breach is stop"
            )
        regulator.answers[f"{lender.lender_id}|leverage"] = 1
    if regulator.breach != "clip":
        lender.obey({}, {}, most)
        return
    floors = {name: ppm for name, ppm in _floors(lender, rules).items() if name != PRODUCTS[SALES_SHARE]}
    lender.obey(_ceilings(lender, rules), floors, most)


def comply(market: Market, lender: Lender, requests: Requests, decided: Decisions, today: date) -> Decisions:
    """Give the decisions with what the rules forbid cut or refused.

    Raises
    ------
    RuleError
        If something is forbidden and the scenario wants the run to stop then.
    """
    rules = market.regulator.rules(today)
    if rules == Rules():
        return decided
    for is_floor in (False, True):
        decided = _hold_to_bound(market, lender, requests, decided, today, is_floor=is_floor)
    return _hold_to_one_borrower(market, lender, requests, decided, today)


def _ceilings(lender: Lender, rules: Rules) -> dict[str, int]:
    return {name: rules.ceiling_of(terms.term.count, terms.term.unit) for name, terms in lender.terms.items()}


def _floors(lender: Lender, rules: Rules) -> dict[str, int]:
    return {name: rules.floor_of(terms.term.count, terms.term.unit) for name, terms in lender.terms.items()}


def _hold_to_bound(
    market: Market, lender: Lender, requests: Requests, decided: Decisions, today: date, *, is_floor: bool
) -> Decisions:
    """Prices above the ceiling of their term, or below its floor."""
    regulator, name = market.regulator, lender.lender_id
    bounds = np.full(len(PRODUCTS), NO_FLOOR if is_floor else LIFTED)
    listed, sign = bounds.copy(), -1 if is_floor else 1
    for product, ppm in (_floors if is_floor else _ceilings)(lender, regulator.rules(today)).items():
        bounds[PRODUCTS.index(product)] = ppm
        listed[PRODUCTS.index(product)] = lender.terms[product].rate.ppm_year
    bound, wanted = bounds[requests.product], decided.rate_ppm_year
    has_fee = requests.product == SALES_SHARE
    if isinstance(share := lender.terms.get("sales_share"), SalesShare):
        sales = market.merchants.sales_mean_30d[requests.rows]
        fee = lend.fee_a_day(share, sales, decided.granted_fen) * (PERIODS_IN_YEAR[365] * PPM)
        wanted = np.where(has_fee, np.ceil(fee).astype(np.int64), wanted)
    beyond = (wanted - bound) * sign > 0
    if regulator.breach == "clip":  # its list price was held to the bound before the policy gave a price
        beyond |= ((listed - bounds) * sign > 0)[requests.product] & (wanted == bound) & ~has_fee
    beyond &= decided.granted_fen > 0
    if not beyond.any():
        return decided
    if regulator.breach == "stop":
        worst = int((wanted[beyond] * sign).max()) * sign
        raise RuleError(
            f"{today}: {name}: a loan at {worst / 10_000:g} % a year; the {'floor' if is_floor else 'ceiling'} is "
            f"{int((bound[beyond] * sign).min()) * sign / 10_000:g} %, and institutions.regulator.breach is stop"
        )
    refused = beyond & has_fee if regulator.breach == "clip" else beyond  # a fee is no rate that could be changed
    n_refused, n_held = int(refused.sum()), int((beyond & ~refused).sum())
    regulator.note(name, "rate_raised" if is_floor else "rate_clipped", n_held)
    regulator.note(name, "rate_too_low" if is_floor else "rate_refused", n_refused)
    if n_held:
        held = (np.maximum if is_floor else np.minimum)(decided.rate_ppm_year, bound)
        decided = replace(decided, rate_ppm_year=np.where(has_fee, decided.rate_ppm_year, held))
    return _refuse(decided, refused, BELOW_FLOOR if is_floor else ABOVE_CEILING)


def report_penalties(
    market: Market, lender: Lender, requests: Requests, decided: Decisions, signed: npt.NDArray[np.bool_], today: date
) -> None:
    """Tell the regulator of products signed today whose penalty rate is above the ceiling (facts C.14).

    The ceiling binds contract rates: nothing else comes of it.
    """
    rules, permille = market.regulator.rules(today), round(lender.spec.penalty_multiple * 1000)
    if rules.ceiling is None and rules.ceiling_long is None:
        return
    for product, most in _ceilings(lender, rules).items():
        rates = decided.rate_ppm_year[signed & (requests.product == PRODUCTS.index(product))]
        if rates.size:
            rate = int(rates.max())
            market.regulator.note_penalty(lender.lender_id, product, today, rate, rate * permille // 1000, most)


def _hold_to_one_borrower(
    market: Market, lender: Lender, requests: Requests, decided: Decisions, today: date
) -> Decisions:
    regulator, name = market.regulator, lender.lender_id
    share = regulator.rules(today).single_borrower
    if share is None:
        return decided
    most = int(max(lender.equity_fen, 0) * share)
    room = most - market.merchants.lender["exposure_fen"][lender.index].take(requests.rows).astype(np.int64)
    above = decided.granted_fen > np.maximum(room, 0)
    if not above.any():
        return decided
    if regulator.breach == "stop":
        raise RuleError(
            f"{today}: {name}: one borrower would owe more than {format_yuan(most)}, {share * 100:g} % of net capital, "
            "and institutions.regulator.breach is stop"
        )
    if regulator.breach == "refuse":
        regulator.note(name, "borrower_refused", int(above.sum()))
        return _refuse(decided, above, ONE_BORROWER)
    regulator.note(name, "borrower_clipped", int(above.sum()))
    granted = np.where(above, np.maximum(room, 0) // STEP * STEP, decided.granted_fen)
    too_small = above & (granted < np.maximum(lender.minimum[requests.product], STEP))
    return _refuse(replace(decided, granted_fen=granted), too_small, ONE_BORROWER)


def _refuse(decided: Decisions, rows: npt.NDArray[np.bool_], reason: int) -> Decisions:
    reasons = decided.reasons.copy()
    reasons[rows, 0] = reason
    return replace(decided, granted_fen=np.where(rows, 0, decided.granted_fen), reasons=reasons)
