"""The bits of a merchant's flags, written every evening: what is rare, and who is pressed."""

from __future__ import annotations

# Asks for a loan today; cannot pay what is due, so at any price; leaves the market today; has struck and left all
# behind; sells its stock off; and tomorrow: enters, comes back.
ASKS, PRESSED, LEAVES, FLEES, WINDS_DOWN, ENTERS, REOPENS, MAY_LEAVE = (1 << bit for bit in range(8))

RARE = ASKS | LEAVES | WINDS_DOWN | ENTERS | REOPENS  # what a merchant is looked at for, one by one
