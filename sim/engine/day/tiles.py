"""How merchants are cut into work: tiles that stay in the processor's cache, chunks that threads take.

Neither size shows in a result: a merchant's day depends on no other merchant of its tile, and totals are whole fen.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Cut(NamedTuple):
    """How many merchants make a tile, and a chunk of whole tiles: one unit of work, with totals of its own."""

    tile: int = 2048
    chunk: int = 4096

    def n_chunks(self, n: int) -> int:
        """Units of work for ``n`` merchants."""
        return -(-n // self.chunk)

    def edges(self, n: int) -> Any:
        """First rows of the tiles, and ``n`` at the end, (n_tiles + 1,) of int64."""
        return np.minimum(np.arange(-(-n // self.tile) + 1) * self.tile, n)


CUT = Cut()


def columns_of(kind: Any, holder: Any) -> Any:
    """The named tuple ``kind`` filled with the columns of ``holder`` of the same names, for a kernel."""
    return kind(*(getattr(holder, name) for name in kind._fields))
