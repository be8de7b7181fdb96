"""LieScore: the card of the built-in ``points``, less for those who seem to conceal something.

An example of a policy that looks at a signal, which its lender must buy:

    scoring: {policy: "lie_score:LieScore", weight: 0.4}
    signals: {psychometric: {cost: 5 yuan, noise: 0.3}}

The question behind it: what may a test of character cost and err before it is worth less than it tells?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.core.merchants import View
from sim.lenders.policies.scoring import Points
from sim.lenders.policy import Answer, Context, parameter


@dataclass(frozen=True)
class LieScore:
    """``max(points - weight x (psychometric - 0.5), 0)``, 1 at most: who was not tested keeps the score of the card."""

    kind: ClassVar[str] = "scoring"
    needs: ClassVar[tuple[str, ...]] = (*Points.needs, "psychometric")
    reasons: ClassVar[tuple[str, ...]] = ("seems to conceal something",)

    weight: float = parameter(
        0.4, unit="probability", low=0, high=2, source="assumption", doc="Score lost over the whole scale."
    )

    def __call__(self, view: View, context: Context) -> Answer:
        """Give scores, float64 (n,), and whether the test lowered them."""
        lost = self.weight * (view["psychometric"].astype(np.float64) - 0.5)
        reasons = np.where(lost > 0, np.int8(0), np.int8(-1))[:, None]
        return Answer(np.clip(Points()(view, context).values - lost, 0.0, 1.0), reasons)
