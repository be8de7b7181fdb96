"""Pareto fronts: which points no other beats, which of many to show, and which lies nearest to the best of all.

Points are tuples of objectives, all turned so that more is better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Goods = Sequence[Sequence[float]]


def nondominated(goods: Goods) -> list[int]:
    """Places of the points that no other is at least as good as in every objective and better in one, in order.

    Of equal points the first stands for all.
    """
    return [
        k
        for k, own in enumerate(goods)
        if not any(
            all(o >= m for o, m in zip(other, own, strict=True)) and (tuple(other) != tuple(own) or j < k)
            for j, other in enumerate(goods)
            if j != k
        )
    ]


def scaled(goods: Goods) -> list[list[float]]:
    """Each objective from 0 (the worst of these points) to 1 (the best); 1 where all are equal."""
    ends = [(min(column), max(column)) for column in zip(*goods, strict=True)]
    return [
        [1.0 if high == low else (v - low) / (high - low) for v, (low, high) in zip(own, ends, strict=True)]
        for own in goods
    ]


def centrality(goods: Goods, weights: Sequence[float]) -> list[float]:
    """Weighted distance of each point from the best of every objective, on the scale of `scaled`."""
    return [
        math.sqrt(math.fsum(w * (1.0 - v) ** 2 for w, v in zip(weights, own, strict=True))) for own in scaled(goods)
    ]


def spread_out(goods: Goods, most: int) -> list[int]:
    """Places of at most ``most`` points: the best of every objective, then always the one farthest from all kept."""
    if len(goods) <= most:
        return list(range(len(goods)))
    places = scaled(goods)
    kept = list(dict.fromkeys(max(range(len(goods)), key=lambda k: places[k][axis]) for axis in range(len(places[0]))))
    while len(kept) < most:
        far = [min(math.dist(own, places[k]) for k in kept) for own in places]
        kept.append(max(range(len(goods)), key=lambda k: far[k]))
    return sorted(kept[:most])
