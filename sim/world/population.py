"""Parameters of who is there: when merchants enter, and how large they are."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from sim.core.quantities import Days, Money, Number, Parameters, Share, parameter, refuse


class Entry(Parameters):
    """When merchants come into the market."""

    present: Share = parameter(0.9, unit="share", source="assumption", doc="Share of merchants there on the first day.")
    over: Days = parameter(
        "365 days",
        unit="days",
        low="1 day",
        high="3650 days",
        source="assumption",
        doc="The others enter over this time from the first day.",
    )
    waves: tuple[Number, ...] = parameter(
        (1.0,),
        unit="1",
        source="assumption: evenly",
        doc="Weights of equal parts of that time: how many enter in each; evenly within a part.",
    )
    tenure: Days = parameter(
        "700 days",
        unit="days",
        low="1 day",
        high="3650 days",
        source="assumption",
        doc="Mean age of the shops that are there on the first day; exponential.",
    )

    @field_validator("waves")
    @classmethod
    def _lets_somebody_in(cls, waves: tuple[float, ...]) -> tuple[float, ...]:
        if not (all(0.0 <= weight < 1e9 for weight in waves) and sum(waves) > 0.0):
            raise refuse("these waves let nobody in", "weights from 0 up, one of them above 0")
        return waves


class Size(Parameters):
    """How large shops are: a lognormal body with a Pareto tail."""

    measure: Literal["sales", "orders"] = parameter(
        "sales",
        unit="name",
        source="assumption",
        doc="What the law of sizes is of: sales; or orders, at the median value of one, so that sales also vary with "
        "the value of a shop's orders.",
    )
    median_daily_sales: Money = parameter(
        "300 yuan",
        unit="yuan/day",
        low="1 yuan",
        high="100000 yuan",
        source="B.4 V45 (mean yearly sales 167,000 yuan)",
        doc="Median of mean daily sales.",
    )
    sigma: Number = parameter(
        1.35,
        unit="log",
        low=0.1,
        high=3.0,
        source="marketplace sellers 1.60, shops 1.27 (data summaries)",
        doc="Standard deviation of the logarithm of sales in the body.",
    )
    upper: Number = parameter(
        1.0,
        unit="1",
        low=0.1,
        high=20.0,
        source="assumption: lognormal; `lendsim fit` estimates it",
        doc="Spread above the median over that below it, which is then sigma: a body of two halves.",
    )
    tail_share: Share = parameter(0.02, unit="share", source="assumption", doc="Share of merchants in the tail.")
    tail_exponent: Number = parameter(
        1.5, unit="1", low=1.05, high=5.0, source="B.4 V54", doc="Pareto exponent of the tail."
    )
    largest_daily_sales: Money = parameter(
        "200000 yuan",
        unit="yuan/day",
        low="100 yuan",
        high="100 m yuan",
        source="assumption",
        doc="Upper bound of mean daily sales.",
    )
