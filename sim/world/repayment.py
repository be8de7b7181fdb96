"""Ability and willingness to repay, forgetting and fraud: rules of one borrower and one claim (facts C.12)."""

from __future__ import annotations

import numpy as np

from sim.core.kernels import Scalar, floor, log64, rule
from sim.core.merchants import FRAUDSTER, HONEST

UNABLE, UNWILLING, FRAUD, FORGOT = 1, 2, 3, 4
CAUSES = ("", "unable", "unwilling", "fraud", "forgot")


@rule
def shop_worth(
    kappa: Scalar, margin: Scalar, sales_mean: Scalar, off_platform: Scalar, days: Scalar, is_open: bool
) -> Scalar:
    """What keeping the shop is worth to its owner, fen: gross profit made on the platform over ``days``."""
    return kappa * margin * sales_mean * days * (1.0 - off_platform) if is_open else 0.0


@rule
def is_willing(
    integrity: Scalar, struck: bool, due: Scalar, shop: Scalar, limit: Scalar, credit_value: Scalar, sanction: Scalar
) -> Scalar:
    """Whether the borrower would pay if it could.

    The honest always would; a fraudster who has struck never; an opportunist if what is due is no more than the worth
    of the shop, of future credit and of the sanction together. Sanctions thus move only the unwilling.
    """
    if integrity == HONEST:
        return True
    if integrity == FRAUDSTER:
        return not struck
    return due <= shop + credit_value * limit + sanction


@rule
def forgets(u: Scalar, chance: Scalar, reminded: Scalar, has_reminder: Scalar) -> Scalar:
    """Whether a due date is forgotten; a reminder before it takes part of the forgetting away."""
    return u < (chance * (1.0 - reminded) if has_reminder else chance)


@rule
def days_forgotten(u: Scalar, log_keep: Scalar) -> Scalar:
    """Days until one who forgot remembers of its own accord, 1 or more: each day it does not with ``exp(log_keep)``."""
    return np.int64(1) if log_keep == 0.0 else np.int64(1 + floor(log64(u) / log_keep))


@rule
def is_still_forgotten(late: Scalar, days: Scalar, u: Scalar, reminded: Scalar, n_told: Scalar) -> Scalar:
    """Whether a date is forgotten ``late`` days after it, when ``n_told`` reminders have come since."""
    told = 1.0
    for _ in range(n_told):
        told *= 1.0 - reminded
    return late < days and u < told
