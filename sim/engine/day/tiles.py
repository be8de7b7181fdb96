"""How merchants are cut into work: tiles that stay in the processor's cache, chunks that threads take."""

from __future__ import annotations

from typing import Any

TILE = 512
CHUNK = 4096  # merchants of one unit of work; totals are kept by chunk


def n_chunks(n: int) -> int:
    """Units of work for ``n`` merchants."""
    return -(-n // CHUNK)


def columns_of(kind: Any, holder: Any) -> Any:
    """The named tuple ``kind`` filled with the columns of ``holder`` of the same names, for a kernel."""
    return kind(*(getattr(holder, name) for name in kind._fields))
