"""Funding: when the money does not reach for everybody, who is served first?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.lenders.authoring import did_you_mean

ORDERS = ("hashed", "score")


def ranks(
    order: str,
    coin: npt.NDArray[np.float64],
    score: npt.NDArray[np.float64] | None = None,
) -> npt.NDArray[np.int64]:
    """Give the positions of the applications in the order in which they are served.

    Parameters
    ----------
    order : {"hashed", "score"}
        ``hashed``: a lottery, drawn anew every day, that favours nobody; ``score``: the highest score first, equal
        scores by the lottery. Arrival order would favour whoever stands first in the arrays.
    coin : ndarray (n,)
        A uniform of each application's merchant and day (``draws`` or ``view.coin()``).
    score : ndarray (n,), optional
        Needed for ``score``.

    Returns
    -------
    ndarray of int64 (n,)
        ``ranks(...)[0]`` is the position of the application that is served first.

    Raises
    ------
    ValueError
        If the order is unknown, or ``score`` is missing for it.

    Notes
    -----
    Sorted by the value, never by position: the same applications in another order are served alike. Rule 10 of the
    design; the applications of one day are few, so sorting them costs nothing.
    """
    if order == "hashed":
        return np.argsort(coin, kind="stable")
    if order != "score":
        raise ValueError(f"no funding order {order!r}; allowed: {', '.join(ORDERS)}; {did_you_mean(order, ORDERS)}")
    if score is None:
        raise ValueError("the funding order 'score' needs the scores of the applications")
    return np.lexsort((coin, -score))


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
