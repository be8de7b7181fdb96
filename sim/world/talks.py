"""Borrowers in difficulty: who asks for relief, who gives up waiting, what is accepted (facts A.1.3, 004; C.12)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.world.behaviour import Repayment
from sim.world.repayment import UNABLE

Floats = npt.NDArray[np.float64]
SPARE = 0.5  # share of its gross profit that a shop in difficulty can put aside; assumption


def chances_to_ask(lenient: float, p: Repayment) -> tuple[float, float]:
    """Chance today that a late borrower asks for new terms: of one who cannot pay, and of one who could.

    ``lenient`` is the share of those who asked before and got relief: those who could pay learn from it (design rule
    13).
    """
    return p.asks, p.asks * p.copies * lenient


def bearable(wallet: Floats, sales_mean: Floats, margin: Floats) -> Floats:
    """Fen that a shop in difficulty can put together within a month, (n,)."""
    return np.asarray(wallet + SPARE * 30.0 * sales_mean * margin)


def is_accepted(
    cause: npt.NDArray[np.int8], due_fen: Floats, month_fen: Floats, bearable_fen: Floats
) -> npt.NDArray[np.bool_]:
    """Whether new terms are accepted, (n,).

    Those who cannot pay accept what they can bear, ``month_fen`` a month until the offer's end, or what at least halves
    what is due; those who do not want to accept any delay. All offers are measured alike.
    """
    return np.asarray((cause != UNABLE) | (month_fen <= bearable_fen) | (2.0 * month_fen <= due_fen))
