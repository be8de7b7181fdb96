"""Who has an arrangement with whom: made once, when the market is laid out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sim.engine.funding.sharing import Sharing
from sim.institutions.partner import PartnerBank
from sim.lenders.lender import Lender


def arrange(model: Any, lenders: Iterable[Lender]) -> dict[str, Sharing]:
    """The arrangements of every lender that has one, now or from a dated change on, by lender.

    A lender without any is not in it; no agent is made that nobody deals with.
    """
    found = {}
    for lender in lenders:
        joint = lender.spec.joint_lending
        if joint is not None:
            found[lender.lender_id] = Sharing(lender.lender_id, PartnerBank(model, lender.lender_id, joint))
    return found
