"""The collection ladder in the day of one late loan: which steps hold today, and what they do to its borrower.

Messages, sweeps and sanctions act here, on the loan; steps that need people, or that strike the shop, are taken in the
evening by `sim.engine.after.collect`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import Scalar, least, most, rule
from sim.core.loanbook import LISTED, SUED, SUSPENDED
from sim.lenders.collection_terms import ACTIONS as ACTIONS

REMIND, SWEEP, TELL_CONTACTS, CALL, SUSPEND, CLOSE_SHOP, BLACKLIST, HELP, LEGAL, SELL = range(len(ACTIONS))
TONES = ("plain", "positive", "threat")
PLAIN, POSITIVE, THREAT = range(len(TONES))
FIRST, REPEAT = 1, 2  # bits of who a step is for

STEP = np.dtype(
    [
        ("action", np.int8),
        ("tone", np.int8),
        ("who", np.uint8),  # bits of FIRST and REPEAT
        ("platforms", np.uint8),  # bits of platforms
        ("after", np.int16),  # DPD on which it begins
        ("until", np.int16),  # last DPD
        ("every", np.int16),  # days between two times; 0 for once
        ("score_below", np.float32),
        ("score_from", np.float32),
        ("share", np.float64),  # of the wallet that is swept, of the balance that a sale brings, and so on
        ("least", np.int64),  # fen due
        ("most", np.int64),
        ("cost", np.int64),  # fen a time
    ],
    align=True,
)
"""A step of a ladder: when it holds, for whom, what it does."""


@rule
def holds(step: Any, loan: Any, late: Scalar, claim: Scalar, platform: Scalar) -> Scalar:
    """Whether a step of the ladder holds for a loan that is ``late`` days past due with ``claim`` fen due."""
    return late >= step.after and late <= step.until and is_for(step, loan, claim, platform)


@rule
def is_for(step: Any, loan: Any, claim: Scalar, platform: Scalar) -> Scalar:
    """Whether a step is for such a loan with ``claim`` fen due, whatever the day."""
    if claim < step.least or claim > step.most:
        return False
    if loan.score >= step.score_below or loan.score < step.score_from:
        return False
    if not (step.platforms >> np.uint8(platform)) & np.uint8(1):
        return False
    return (step.who & np.uint8(FIRST if loan.is_first else REPEAT)) != 0


@rule
def is_time(step: Any, loan: Any, late: Scalar, is_open: Scalar) -> Scalar:
    """Whether a step that holds is taken today: on its first day, and every so many days after it.

    What is done once is done on the first day on which it holds and was not done yet: part of a loan may be paid, so
    that its days past due go back.
    """
    if step.action == SUSPEND:
        return (loan.pressure & SUSPENDED) == 0
    if step.action == BLACKLIST:
        return (loan.pressure & LISTED) == 0
    if step.action == LEGAL:
        return (loan.pressure & SUED) == 0
    if step.action == CLOSE_SHOP:
        return is_open
    return late == step.after or step.action == SELL or (step.every > 0 and (late - step.after) % step.every == 0)


@rule
def times_taken(step: Any, late: Scalar) -> Scalar:
    """How often a step was taken by ``late`` days past due, with a loan that it is for."""
    last = least(late, step.until)
    if last < step.after:
        return np.int64(0)
    return np.int64(1 + (last - step.after) // step.every) if step.every > 0 else np.int64(1)


@rule
def is_for_people(step: Any) -> Scalar:
    """Whether a step is taken in the evening, by people or against the shop."""
    return step.action > TELL_CONTACTS


@rule
def pressed(
    loan: Any, late: Scalar, claim: Scalar, platform: Scalar, lender: Scalar, terms: Any, r: Any, sums: Any,
    t_contacts: Scalar, t_cost: Scalar,
) -> Scalar:  # fmt: skip
    """What the ladder does to the borrower of a loan past due today.

    Returns how often it was reminded since, the share of the wallet that is swept, and the fen that not paying costs it
    beyond shop and credit.
    """
    n_told, share, worth = np.int64(0), 0.0, 0.0
    for k in range(terms.n_steps[lender]):
        step = terms.steps[lender, k]
        if step.action == REMIND and is_for(step, loan, claim, platform):
            n_told += times_taken(step, late)
        if is_for_people(step) or not holds(step, loan, late, claim, platform):
            continue
        if step.action == REMIND:
            if step.tone == POSITIVE:
                worth += r.encouraged * claim
            elif step.tone == THREAT and late == step.after:  # a threat has no lasting effect (facts B.3, V38)
                worth += r.threatened * claim
        elif step.action == SWEEP:
            share = most(share, step.share)
        else:  # what the contacts know fades for all but close ones (facts B.3, V39)
            worth += r.shamed * (r.close_ties + (1.0 - r.close_ties) / (1.0 + (late - step.after) / 30.0))
        if late == step.after or (step.every > 0 and (late - step.after) % step.every == 0):
            sums[t_cost] += step.cost
            sums[t_contacts] += 0 if step.action == SWEEP else 1
    return n_told, share, worth
