"""Funding: when the money does not reach for everybody, who is served first?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.lenders.authoring import did_you_mean

ORDERS = ("hashed", "score", "profit", "pro_rata")
LOSS_GIVEN_DEFAULT = 0.6  # facts A.3 item 10; the share of a bad loan that `profit` takes to be lost


def ranks(
    order: str,
    coin: npt.NDArray[np.float64],
    score: npt.NDArray[np.float64] | None = None,
    rate_ppm_year: npt.NDArray[np.int64] | None = None,
) -> npt.NDArray[np.int64]:
    """Give the positions of the applications in the order in which they are served.

    Parameters
    ----------
    order : {"hashed", "score", "profit"}
        ``hashed``: first come, first served, where nobody is always first: a lottery, drawn anew every day; arrival
        order would favour whoever stands first in the arrays. ``score``: the highest score first. ``profit``: first
        who is expected to earn most on a yuan and year, ``score x rate - (1 - score) x LGD`` (facts C.9). Equals by
        the lottery.
    coin : ndarray (n,)
        A uniform of each application's merchant and day (``draws`` or ``view.coin()``).
    score : ndarray (n,), optional
        Needed for ``score`` and ``profit``.
    rate_ppm_year : ndarray (n,), optional
        Needed for ``profit``.

    Returns
    -------
    ndarray of int64 (n,)
        ``ranks(...)[0]`` is the position of the application that is served first.

    Raises
    ------
    ValueError
        If the order is unknown or none (``pro_rata`` serves all alike), or what it needs is missing.

    Notes
    -----
    Sorted by the value, never by position: the same applications in another order are served alike. Rule 10 of the
    design; the applications of one day are few, so sorting them costs nothing.
    """
    if order == "hashed":
        return np.argsort(coin, kind="stable")
    if order not in ("score", "profit"):
        raise ValueError(f"no funding order {order!r}; allowed: {', '.join(ORDERS)}; {did_you_mean(order, ORDERS)}")
    if score is None:
        raise ValueError(f"the funding order {order!r} needs the scores of the applications")
    if order == "score":
        return np.lexsort((coin, -score))
    if rate_ppm_year is None:
        raise ValueError("the funding order 'profit' needs the rates of the applications")
    return np.lexsort((coin, (1.0 - score) * LOSS_GIVEN_DEFAULT - score * rate_ppm_year / 1e6))


def served(order: npt.NDArray[np.int64], asked_fen: npt.NDArray[np.int64], free_fen: int) -> npt.NDArray[np.bool_]:
    """Mark the applications that the money reaches for, (n,), in the order of :func:`ranks`.

    Service stops at the first that cannot be paid in full: to skip it and pay smaller ones behind it would make size
    decide. The sum of the marked never exceeds ``free_fen``.

    Parameters
    ----------
    order : ndarray of int64 (n,)
        Positions, the first served first.
    asked_fen : ndarray of int64 (n,)
        Whole fen, by position.
    free_fen : int
        Money free to lend; none is served if it is negative.
    """
    paid = np.zeros(asked_fen.size, np.bool_)
    paid[order] = np.cumsum(asked_fen[order]) <= free_fen
    return paid


def filled(order: npt.NDArray[np.int64], asked_fen: npt.NDArray[np.int64], free_fen: int) -> npt.NDArray[np.bool_]:
    """Mark the applications served, (n,), where one that asks for more than is left is passed over.

    Size decides then, but no money lies idle: what a lender does that ranks by profit. Parameters as in :func:`served`.
    """
    paid = np.zeros(asked_fen.size, np.bool_)
    left = max(free_fen, 0)
    for place in order:
        if asked_fen[place] <= left:
            paid[place] = True
            left -= int(asked_fen[place])
    return paid


def shared(asked_fen: npt.NDArray[np.int64], free_fen: int, step_fen: int) -> npt.NDArray[np.int64]:
    """Cut all applications alike until the money reaches, fen (n,), in whole steps; the sum is at most ``free_fen``.

    Parameters
    ----------
    asked_fen : ndarray of int64 (n,)
        Whole fen.
    free_fen : int
        Money free to lend; nobody gets anything if it is negative.
    step_fen : int
        What a loan is a multiple of; what rounding leaves stays with the lender.
    """
    total, free = int(asked_fen.sum()), max(free_fen, 0)
    if total <= free:
        return asked_fen
    # whole numbers of any size: fen times fen passes 64 bits
    parts = [int(one) * free // total // step_fen * step_fen for one in asked_fen]
    return np.array(parts, np.int64)
