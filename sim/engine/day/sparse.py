"""The few merchants that a dense pass has flagged."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.kernels import allocating_kernel


@allocating_kernel
def rows_with(flags: Any, bit: Any) -> Any:
    """Rows, int64 (k,), whose flags (n,) of uint8 have the bit, or one of several."""
    wanted, whole = np.uint8(bit), flags.size // 8 * 8
    rows, found = np.empty(64, np.int64), 0
    everywhere = np.uint64(0x0101010101010101) * np.uint64(bit)
    words = flags[:whole].view(np.uint64)
    for word in range(words.size + 1):
        if word < words.size and words[word] & everywhere == np.uint64(0):
            continue  # eight merchants without it
        if found + 8 > rows.size:
            more = np.empty(2 * rows.size, np.int64)
            more[:found] = rows[:found]
            rows = more
        for j in range(8 * word, min(8 * word + 8, flags.size)):
            if flags[j] & wanted:
                rows[found] = j
                found += 1
    return rows[:found]
