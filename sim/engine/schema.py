"""The model of a whole scenario: every key a file may write, with unit, bounds, default and source."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from datetime import date as date_type
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_serializer,
)

from sim.core.clock import FIRST_YEAR, LAST_YEAR
from sim.core.quantities import (
    DateQ,
    DayCount,
    Id,
    Money,
    Number,
    Parameters,
    Share,
    Text,
    Whole,
    money_text,
    parameter,
)
from sim.institutions.regulation import Regulation
from sim.lenders.parameters import LenderSpec
from sim.world.parameters import Institutions as OtherInstitutions
from sim.world.parameters import MerchantParameters

FIRST_DAY = date(FIRST_YEAR, 1, 1)
LAST_DAY = date(LAST_YEAR, 12, 31)
MAX_DAYS = 7_320
MAX_MERCHANTS = 100_000_000
DEFAULT_DAYS = 365


class About(Parameters):
    """What the scenario is for; no result depends on it."""

    title: Text = parameter("", unit="text", source="the author", doc="A name in a few words.")
    question: Text = parameter("", unit="text", source="the author", doc="What the scenario asks.")
    lesson: Text = parameter("", unit="text", source="the author", doc="What it shows.")
    source: Text = parameter("", unit="text", source="the author", doc="Where its numbers come from.")


class Calendar(Parameters):
    """The days that are simulated, and those that are reported."""

    start: DateQ = parameter(
        "2011-07-01",
        unit="date",
        low=FIRST_DAY.isoformat(),
        high=LAST_DAY.isoformat(),
        source="contract: the base scenario",
        doc="First day.",
    )
    days: DayCount | None = parameter(
        None,
        unit="days",
        low=1,
        high=MAX_DAYS,
        source="contract: 365",
        doc="Days simulated, if no end is given.",
    )
    end: DateQ | None = parameter(
        None, unit="date", high=LAST_DAY.isoformat(), source="the scenario", doc="Last day, in place of days."
    )
    report_from: DateQ | None = parameter(
        None, unit="date", source="contract: the first day", doc="First day that is reported; before it is warm-up."
    )
    report_to: DateQ | None = parameter(
        None, unit="date", source="contract: the last day", doc="Last day that is reported."
    )
    run_off: DayCount = parameter(
        0, unit="days", low=0, high=MAX_DAYS, source="design rule 8", doc="Days at the end without new loans."
    )

    @model_serializer(mode="wrap")
    def _with_days(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        return written if self.end is not None else {**written, "days": self.n_days}

    @property
    def n_days(self) -> int:
        """Days simulated, the last one included."""
        if self.end is not None:
            return (self.end - self.start).days + 1
        return DEFAULT_DAYS if self.days is None else self.days

    @property
    def last(self) -> date:
        """Last day simulated."""
        return self.start + timedelta(days=self.n_days - 1)

    @property
    def reported_from(self) -> date:
        """First day of the reported window."""
        return self.report_from or self.start

    @property
    def reported_to(self) -> date:
        """Last day of the reported window, included."""
        return self.report_to or self.last


class OrderValue(Parameters):
    """What an order is worth: one amount for all, or a file with an amount for each merchant."""

    amount: Money | None = parameter(
        None, unit="yuan", low="0.01 yuan", source="the scenario", doc="Value of each order."
    )
    file: Text | None = parameter(None, unit="path", source="the scenario", doc="CSV or parquet, one row a merchant.")
    merchant: Text = parameter("merchant", unit="column name", source="the scenario", doc="Column of merchant ids.")
    value: Text = parameter("value", unit="column name", source="the scenario", doc="Column of mean values in yuan.")


def _read_order_value(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Take ``25 yuan`` for ``{amount: 25 yuan}``."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return handler({"amount": value})
    return handler(value)


def _write_order_value(value: OrderValue) -> Any:
    if value.amount is not None:
        return money_text(value.amount)
    return {"file": value.file, "merchant": value.merchant, "value": value.value}


class Orders(Parameters):
    """Daily orders of real shops; they are demand, which stock may still cut."""

    file: Text = parameter(..., unit="path", source="the scenario", doc="CSV or parquet file, one row a shop and day.")
    merchant: Text = parameter("merchant", unit="column name", source="the scenario", doc="Column of shop ids.")
    date: Text = parameter("date", unit="column name", source="the scenario", doc="Column of dates.")
    orders: Text = parameter("orders", unit="column name", source="the scenario", doc="Column of orders of the day.")
    value: Annotated[OrderValue, WrapValidator(_read_order_value), PlainSerializer(_write_order_value)] = parameter(
        ..., unit="yuan", source="the scenario", doc="Value of an order: an amount, or a file with one for each shop."
    )


class Merchants(MerchantParameters):
    """The merchants: how many, where their parameters start from, and whose orders they receive."""

    number: Whole = parameter(
        20_000,
        unit="merchants",
        low=1,
        high=MAX_MERCHANTS,
        source="contract: the base scenario",
        doc="Merchants at scale 1, those that enter later included.",
    )
    preset: Id | None = parameter(
        None, unit="name", source="the scenario", doc="A named set of values below those of the file."
    )
    orders: Orders | None = Field(default=None, description="Orders of real shops in place of drawn demand.")


class Event(Parameters):
    """Something that happens on a date, whatever the lenders do."""

    date: DateQ = parameter(..., unit="date", source="the scenario", doc="First day.")
    kind: Literal[
        "promotion", "recession", "category_slump", "funding_freeze", "outage", "rumour", "rival_marketplace",
        "regime_shift", "holiday", "market_move",
    ] = parameter(..., unit="name", source="design section 3; facts A.1.7, A.1.8", doc="What happens.")  # fmt: skip
    lift: Number | None = parameter(
        None,
        unit="1",
        low=0.01,
        high=100.0,
        source="the scenario",
        doc="Factor on demand: of a promotion; of a holiday, for the usual shop; to which the market moves.",
    )
    spread: Number | None = parameter(
        None, unit="1", low=0.0, high=5.0, source="the scenario", doc="Spread of a holiday's factor between shops."
    )
    size: Share | None = parameter(
        None, unit="share", source="the scenario", doc="Share lost: of demand, funding, those who ask, margins."
    )
    days: DayCount = parameter(1, unit="days", low=1, high=MAX_DAYS, source="the scenario", doc="How long it lasts.")
    category: Text | None = parameter(None, unit="name", source="the scenario", doc="The category that is struck.")
    lender: Text | None = parameter(None, unit="name", source="the scenario", doc="The lender struck; all if none.")

    @property
    def last(self) -> date_type:
        """Last day of the event."""
        return self.date + timedelta(days=self.days - 1)


class Institutions(OtherInstitutions):
    """The other players of a scenario, and who makes the rules."""

    regulator: Regulation = Regulation()


class ScenarioModel(Parameters):
    """Everything a scenario says, for a market of scale 1."""

    about: About = About()
    scale: Number = parameter(
        1.0,
        unit="1",
        low=0.000001,
        high=1000.0,
        source="contract",
        doc="Factor on the number of merchants and on the lenders' money stocks.",
    )
    calendar: Calendar = Calendar()
    merchants: Merchants = Merchants()
    events: dict[Id, Event] = parameter({}, unit="mapping", source="the scenario", doc="Dated events, by a name.")
    lenders: dict[Id, LenderSpec] = parameter({}, unit="mapping", source="the scenario", doc="Lenders, by a name.")
    institutions: Institutions = Institutions()


# What an event of each kind needs and may have beside date and kind.
EVENT_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "promotion": (("lift",), ("days", "category")),
    "recession": (("size", "days"), ()),
    "category_slump": (("size", "days", "category"), ()),
    "funding_freeze": (("days",), ("size", "lender")),
    "outage": ((), ("size", "days", "lender")),
    "rumour": (("size", "days"), ()),
    "rival_marketplace": (("size", "days"), ()),
    "regime_shift": (("size",), ()),
    "holiday": (("lift",), ("days", "spread")),
    "market_move": (("lift",), ("days",)),
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of scenario files, with unit, bounds, default and source of every leaf."""
    schema = ScenarioModel.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "lendsim scenario"
    value = schema["$defs"]["Orders"]["properties"]["value"]
    value["anyOf"] = [{"type": "string", "examples": ["25 yuan"]}, {"$ref": value.pop("$ref")}]
    base = {"type": "string", "description": "Another scenario of this folder tree; mappings merge, the rest replaces."}
    schema["properties"] = {"extends": {**base, "unit": "name", "source": "the scenario"}, **schema["properties"]}
    return schema
