"""Approval: who decides on an application that the score lets through: a machine, or people at a desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.core.merchants import View
from sim.lenders.policy import Answer, Context


@dataclass(frozen=True)
class Automatic:
    """Approve every application that reached this step, at once (facts A.1.1: decided in about a second).

    The cut-off of the score and the limit have spoken before; approval adds no judgement of its own.
    """

    kind: ClassVar[str] = "approval"
    needs: ClassVar[tuple[str, ...]] = ()

    def __call__(self, view: View, context: Context) -> Answer:
        """Give True for every merchant, bool (n,)."""
        return Answer(np.ones(view.n, np.bool_))


@dataclass(frozen=True)
class AtDesk(Automatic):
    """Let people look first, where ``approval.people_for`` and ``people_from`` say so; the others at once.

    Who waits for an interview stands in the queue of the lender's ``desk``; who fails it is refused (facts A.1.2).
    """
