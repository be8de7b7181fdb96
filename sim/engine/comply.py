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
from sim.institutions.regulator import LIFTED, Rules
from sim.lenders.lender import ABOVE_CEILING, ONE_BORROWER, STEP, Decisions, Lender
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
    is_cut = regulator.breach == "clip"
    lender.obey(_ceilings(lender, rules) if is_cut else {}, most)


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
    decided = _hold_to_ceiling(market, lender, requests, decided, today)
    return _hold_to_one_borrower(market, lender, requests, decided, today)


def _ceilings(lender: Lender, rules: Rules) -> dict[str, int]:
    return {name: rules.ceiling_of(terms.term.count, terms.term.unit) for name, terms in lender.terms.items()}


def _hold_to_ceiling(
    market: Market, lender: Lender, requests: Requests, decided: Decisions, today: date
) -> Decisions:
    regulator, name = market.regulator, lender.lender_id
    most, listed = np.full(len(PRODUCTS), LIFTED), np.zeros(len(PRODUCTS), np.int64)
    for product, ppm in _ceilings(lender, regulator.rules(today)).items():
        most[PRODUCTS.index(product)] = ppm
        listed[PRODUCTS.index(product)] = lender.terms[product].rate.ppm_year
    ceiling, wanted = most[requests.product], decided.rate_ppm_year
    has_fee = requests.product == SALES_SHARE
    if isinstance(share := lender.terms.get("sales_share"), SalesShare):
        sales = market.merchants.sales_mean_30d[requests.rows]
        fee = lend.fee_a_day(share, sales, decided.granted_fen) * (PERIODS_IN_YEAR[365] * PPM)
        wanted = np.where(has_fee, np.ceil(fee).astype(np.int64), wanted)
    above = wanted > ceiling
    if regulator.breach == "clip":  # its list price was cut before the policy gave a price
        above |= (listed > most)[requests.product] & (wanted == ceiling)
    above &= decided.granted_fen > 0
    if not above.any():
        return decided
    if regulator.breach == "stop":
        raise RuleError(
            f"{today}: {name}: a loan at {wanted[above].max() / 10_000:g} % a year; the ceiling is "
            f"{ceiling[above].min() / 10_000:g} %, and institutions.regulator.breach is stop"
        )
    refused = above & has_fee if regulator.breach == "clip" else above  # a fee is no rate that could be cut
    if regulator.breach == "clip" and (above & ~has_fee).any():
        regulator.note(name, "rate_clipped", int((above & ~has_fee).sum()))
        decided = replace(decided, rate_ppm_year=np.minimum(decided.rate_ppm_year, ceiling))
    if refused.any():
        regulator.note(name, "rate_refused", int(refused.sum()))
    return _refuse(decided, refused, ABOVE_CEILING)


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
