"""Policies that break exactly one promise each; ``Good`` breaks none, and one that ranks the batch says so."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

import numpy as np
from numpy.random import default_rng as luck_of_the_draw

from sim.lenders.policy import Answer, parameter


class Good:
    kind = "scoring"
    needs: tuple[str, ...] = ("tenure_days", "sales_mean_30d")
    reasons: tuple[str, ...] = ("young shop",)

    def __call__(self, view: Any, context: Any) -> Any:
        return self.score(view)

    def score(self, view: Any) -> Any:
        return np.minimum(view["tenure_days"] / 10_000, 1.0)


class UsesTheCoin(Good):
    def score(self, view: Any) -> Any:
        return 0.5 * super().score(view) + 0.5 * view.coin(3)


class RanksAndSaysSo(Good):
    ranks_batch = True

    def score(self, view: Any) -> Any:
        return np.argsort(np.argsort(view["tenure_days"])) / max(view.n, 1)


class NotCallable:
    kind = "scoring"
    needs = ()


class WrongSignature(Good):
    def __call__(self, view: Any) -> Any:  # type: ignore[override]
        return self.score(view)


@dataclass
class NoDefault(Good):
    cap: int


class RaisesInConstructor(Good):
    def __init__(self) -> None:
        raise ValueError("no luck today")


class NeedsMisspelt(Good):
    needs = ("tenure_days", "sales_mean_30")


class NeedsHidden(Good):
    needs = ("tenure_days", "integrity")


class NeedsNoTuple(Good):
    needs = "tenure_days"  # type: ignore[assignment]


class LooksAtUndeclared(Good):
    def score(self, view: Any) -> Any:
        return super().score(view) * (view["reviews"] > 0)


class LooksAtHidden(Good):
    def score(self, view: Any) -> Any:
        return super().score(view) * (view.quality > 0)


class Writes(Good):
    def score(self, view: Any) -> Any:
        column = view["tenure_days"]
        column /= 10_000
        return np.minimum(column, 1.0)


class WritesByForce(Good):
    def score(self, view: Any) -> Any:
        column = view["tenure_days"]
        column.flags.writeable = True
        column[:] = 5_000
        return column / 10_000


class Raises(Good):
    def score(self, view: Any) -> Any:
        raise KeyError("nothing")


class WrongShape(Good):
    def score(self, view: Any) -> Any:
        return super().score(view)[:, None]


class NoArray(Good):
    def score(self, view: Any) -> Any:
        return list(super().score(view))


class WrongDtype(Good):
    def score(self, view: Any) -> Any:
        return (super().score(view) > 0.5).astype(int)


class NotFinite(Good):
    def score(self, view: Any) -> Any:
        return np.where(view["tenure_days"] > 1_000, np.nan, 0.5)


class OutOfBounds(Good):
    def score(self, view: Any) -> Any:
        return super().score(view) + 0.9


class NegativeLimit(Good):
    kind = "limit"

    def score(self, view: Any) -> Any:
        return view["tenure_days"].astype(np.int64) - 1_000


class UnnamedReason(Good):
    def __call__(self, view: Any, context: Any) -> Any:
        return Answer(self.score(view), np.ones((view.n, 1), np.int8))


class ReasonsNoTuple(Good):
    reasons = ["young shop"]  # type: ignore[assignment]  # noqa: RUF012


class DrawsFresh(Good):
    def score(self, view: Any) -> Any:
        return luck_of_the_draw().random(view.n)


class DrawsSeeded(Good):
    def score(self, view: Any) -> Any:
        return np.minimum(super().score(view), float(np.random.default_rng(7).random()))


class DrawsInAHelper(Good):
    def score(self, view: Any) -> Any:
        return super().score(view) * _lucky_factor()


class DrawsHidden(Good):
    """No name of a generator stands in the source; the answer changes all the same."""

    def score(self, view: Any) -> Any:
        return getattr(np, "ran" + "dom").default_rng().random(view.n)


class DrawsShared(Good):
    """The answer does not change, but everybody's generator does."""

    def score(self, view: Any) -> Any:
        getattr(np, "ran" + "dom").rand(3)
        return super().score(view)


class ReadsTheClock(Good):
    def score(self, view: Any) -> Any:
        return super().score(view) * (time.time() > 0)


class ReadsTheDate(Good):
    def score(self, view: Any) -> Any:
        return super().score(view) * (datetime.now().year > 2000)


class StumblesOverNobody(Good):
    def score(self, view: Any) -> Any:
        return super().score(view) if view["tenure_days"].max() >= 0 else None


class SqueezesOne(Good):
    def score(self, view: Any) -> Any:
        return np.squeeze(super().score(view)[:, None])


class RanksAndSqueezesOne(SqueezesOne):
    """Not asked about subsets, because it ranks; asked about a single merchant all the same."""

    ranks_batch = True


class DividesBySales(Good):
    def score(self, view: Any) -> Any:
        sales = view["sales_mean_30d"]
        return np.minimum(super().score(view), sales / sales)


class TwoProductsOnly(Good):
    kind = "pricing"

    def score(self, view: Any) -> Any:
        return np.full((view.n, 2), 182_500)


class LooksAtThePlace(Good):
    def score(self, view: Any) -> Any:
        tenure = view["tenure_days"]
        is_sorted = view.n > 1 and tenure[0] == tenure.max()
        return super().score(view) * (0.5 if is_sorted else 1.0)


class LooksAtTheOthers(Good):
    def score(self, view: Any) -> Any:
        return view["tenure_days"] / max(view["tenure_days"].max(initial=0.0), 1.0)


@dataclass
class CountsCalls(Good):
    calls: int = 0

    def score(self, view: Any) -> Any:
        self.calls += 1
        return super().score(view)


@dataclass
class RemembersInAList(Good):
    seen: list[int] = field(default_factory=list)

    def score(self, view: Any) -> Any:
        self.seen.append(view.n)
        return super().score(view)


class RemembersInTheClass(Good):
    seen: ClassVar[list[int]] = []

    def score(self, view: Any) -> Any:
        self.seen.append(view.n)
        return super().score(view)


_LAST_DAY = {"day": -1}


class RemembersInTheModule(Good):
    def __call__(self, view: Any, context: Any) -> Any:
        was, _LAST_DAY["day"] = _LAST_DAY["day"], context.day
        return self.score(view) * (0.5 if was > context.day else 1.0)


@dataclass(frozen=True)
class WithParameters(Good):
    factor: float = parameter(1.0, unit="times", low=0, high=1, source="assumption", doc="Times the score.")

    def score(self, view: Any) -> Any:
        return super().score(view) * self.factor


class NoKind(Good):
    kind = None  # type: ignore[assignment]


def _lucky_factor() -> float:
    return random.Random(7).random()


def an_experiment_of_its_own() -> float:
    """Not reached by any policy: a file may hold more than its policies."""
    return float(np.random.default_rng().random())
