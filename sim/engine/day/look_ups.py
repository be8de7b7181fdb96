"""Short passes that several parts of the day begin with: factors by code, and the bits of a draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import hash64, high_half, kernel, low_half


@kernel
def look_up(code: Any, factor: Any, out: Any) -> None:
    """Write the factor (n_codes,) of each code to ``out`` (n,); a loop of its own, as look-ups stop vectorisation."""
    differ = False
    for k in range(1, factor.size):
        differ = differ or factor[k] != factor[0]
    if not differ:  # no promotion in sight, one platform: nothing to look up
        out[:] = factor[0]
        return
    for j in range(code.size):
        out[j] = factor[np.uint64(code[j])]  # an unsigned index is not tried for wrapping round


@kernel
def bits_of(key: Any, ids: Any, high: Any, low: Any) -> None:
    """Hash the ids under the day's key; writes the upper and lower 32 bits, (n,) of uint32."""
    for j in range(ids.size):
        h = hash64(key, ids[j], 0)
        high[j] = high_half(h)
        low[j] = low_half(h)
