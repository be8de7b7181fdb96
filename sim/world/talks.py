"""Borrowers in difficulty: who asks for relief, who gives up waiting, what is accepted (facts A.1.3, 004; C.12)."""

from __future__ import annotations

import numpy as np

from sim.core.kernels import Scalar, rule
from sim.world.behaviour import Repayment
from sim.world.repayment import UNABLE

_F = np.float32
SPARE = 0.5  # share of its gross profit that a shop in difficulty can put aside; assumption


def chances_to_ask(lenient: float, p: Repayment) -> tuple[float, float]:
    """Chance today that a late borrower asks for new terms: of one who cannot pay, and of one who could.

    ``lenient`` is the share of those who asked before and got relief: those who could pay learn from it (design rule
    13).
    """
    return p.asks, p.asks * p.copies * lenient


@rule
def bearable(wallet: Scalar, sales_mean: Scalar, margin: Scalar) -> Scalar:
    """Fen that a shop in difficulty can put together within a month."""
    return wallet + _F(30.0 * SPARE) * sales_mean * margin


@rule
def is_accepted(cause: Scalar, due: Scalar, month: Scalar, can_bear: Scalar) -> Scalar:
    """Whether new terms are accepted; all are fen.

    Those who cannot pay accept what they can bear, ``month`` a month until the offer's end, or what at least halves
    what is ``due``; those who do not want to accept any delay. All offers are measured alike.
    """
    return cause != UNABLE or month <= can_bear or 2.0 * month <= due
