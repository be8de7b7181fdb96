"""Who has an arrangement with whom: made once, when the market is laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.engine.funding.sharing import Sharing
from sim.institutions.insurer import Insurer
from sim.institutions.partner import PartnerBank
from sim.institutions.vehicle import Vehicle
from sim.lenders.parameters import LenderSpec


def arrange(model: Any, lenders: Mapping[str, Sequence[LenderSpec]], begin: int) -> dict[str, Sharing]:
    """The arrangements of every lender that has one, now or from a dated change on, by lender.

    A lender without any is not in it; no agent is made that nobody deals with.

    Parameters
    ----------
    lenders : mapping of str to sequence of LenderSpec
        What each lender is, from the start and from each of its changes on.
    begin : int
        Day number of the run's first day.
    """
    found: dict[str, Sharing] = {}
    insurer: Insurer | None = None
    for name, specs in lenders.items():
        is_insured = any(spec.insurance for spec in specs)
        if is_insured and insurer is None:
            insurer = Insurer(model)
        joint = specs[0].joint_lending
        partner = PartnerBank(model, name, joint) if joint is not None else None
        vehicle = Vehicle(model, name) if any(spec.securitisation for spec in specs) else None
        if partner or is_insured or vehicle:
            found[name] = Sharing(name, partner, insurer if is_insured else None, vehicle, begin)
    return found
