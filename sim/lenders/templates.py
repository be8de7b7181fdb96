"""The text of a new policy file: it conforms as it stands, and shows each thing an author needs once."""

from __future__ import annotations

import keyword
import re

_TEMPLATE = '''"""{Class}: one sentence on whom this policy trusts, and why.

Use it in a scenario as ``scoring: {policy: "{name}:{Class}", cutoff: 0.6}``, and try it with
``lendsim check {name}:{Class}``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sim.core.merchants import View
from sim.lenders.policy import Answer, Context, parameter


@dataclass(frozen=True)
class {Class}:
    """Trust shops that are old enough and sell steadily."""

    kind: ClassVar[str] = "scoring"
    # Columns this policy looks at; any other is refused: sim.core.merchants.OBSERVABLE says what there is and its unit.
    needs: ClassVar[tuple[str, ...]] = ("tenure_days", "sales_mean_30d", "sales_deviation_30d")
    # Why a merchant scores low, in words; Answer.reasons holds positions in this list, -1 for none.
    reasons: ClassVar[tuple[str, ...]] = ("young shop", "unsteady sales")

    full_trust_after: int = parameter(
        "730 days", unit="days", low="1 day", high="3650 days", source="assumption",
        doc="Age at which a shop's tenure counts in full.",
    )

    def __call__(self, view: View, context: Context) -> Answer:
        """Give each merchant's probability of staying good, shape (n,), from 0 to 1."""
        # Whole columns at once, no loop over merchants, no random numbers: a coin, if one is needed, is view.coin().
        age = np.minimum(view["tenure_days"] / self.full_trust_after, 1.0)
        mean = np.maximum(view["sales_mean_30d"], 1.0)
        steady = 1.0 - np.minimum(view["sales_deviation_30d"] / mean, 1.0)
        score = 0.5 + 0.3 * age + 0.2 * steady
        reasons = np.full((view.n, 2), -1, np.int8)
        reasons[age < 1.0, 0] = 0
        reasons[steady < 0.5, 1] = 1
        return Answer(score, reasons)
'''


def new_policy_source(name: str) -> str:
    """Give the text of a new policy file, a scoring policy that conforms: ``lendsim new policy NAME``.

    Parameters
    ----------
    name
        In snake case, such as ``cautious_newcomer``: the name of the file without ``.py``.

    Raises
    ------
    ValueError
        If the name is no Python name in snake case.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,60}", name) or keyword.iskeyword(name):
        raise ValueError(f"{name[:60]!r} cannot name a policy; write it like cautious_newcomer: a-z, 0-9 and _")
    class_name = "".join(part.capitalize() for part in name.split("_"))
    return _TEMPLATE.replace("{name}", name).replace("{Class}", class_name)
