"""The quantities a scenario may write, each with its unit, and how they are read, checked and written back.

A scenario says ``0.05 %/day``, ``1.6 bn yuan`` or ``30 days``; the model holds exact values (a
:class:`sim.core.money.Rate`, whole fen, whole days). ``model_dump(mode="json")`` writes them back in the file's own
syntax, so that a resolved scenario can be loaded again and means the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from sim.core import money

CAPITAL_ALLOWED = "write a multiple of net capital, such as '0.5 of net capital'"
DATE_ALLOWED = "write a date as YYYY-MM-DD, such as 2012-01-01"

_CAPITAL = re.compile(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s+of\s+net\s+capital\s*")
_DAY_COUNT = re.compile(r"\s*([0-9]{1,9})\s+days?\s*")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:[,_ ][0-9]{3})+(?:\.[0-9]+)?")

_T = TypeVar("_T")


class Parameters(BaseModel):
    """Base of every group of scenario parameters: frozen, no unknown keys, defaults checked like written values."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, protected_namespaces=())


def refuse(problem: str, allowed: str = "") -> PydanticCustomError:
    """Return the error that keeps ``problem`` and ``allowed`` apart, for the scenario reader to put into one line."""
    template = "{problem}; {allowed}" if allowed else "{problem}"
    return PydanticCustomError("quantity", template, {"problem": problem, "allowed": allowed})


def describe(value: object) -> str:
    """Say in a few plain words what a value read from a file is, without printing all of a long one."""
    if value is None:
        return "null (nothing)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _quantity(parse: Callable[[Any], _T], allowed: str, ready: type[_T] | None = None) -> Callable[[object], _T]:
    """Return a validator that reads text with ``parse`` and refuses bare numbers; a ``ready`` value passes."""

    def read(value: object) -> _T:
        if ready is not None and isinstance(value, ready):
            return value
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise refuse(f"{describe(value)} where a quantity with its unit is needed", allowed)
        try:
            return parse(value)
        except ValueError as error:
            problem, _, forms = str(error).partition("; ")
            raise refuse(problem, forms) from None

    return read


def _parse_capital(text: object) -> float:
    found = _CAPITAL.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        what = "not a multiple of net capital" if isinstance(text, str) else "a bare number"
        raise ValueError(f"{describe(text)} is {what}; {CAPITAL_ALLOWED}")
    return float(found[1])


def _read_date(value: object) -> date:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _ISO_DATE.fullmatch(value.strip()):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            raise refuse(f"{describe(value)} is not a day of the calendar", DATE_ALLOWED) from None
    raise refuse(f"{describe(value)} is not a date", DATE_ALLOWED)


def _read_number(value: object) -> float:
    if isinstance(value, str) and _GROUPED.fullmatch(value.strip()):
        raise refuse(f"{describe(value)} is not a number", "write the digits without separators")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refuse(f"{describe(value)} where a number is needed", "write a plain number without a unit")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise refuse(f"{describe(value)} is not a finite number", "write a finite number")
    return number


def _read_share(value: object) -> float:
    number = _read_number(value)
    if not 0.0 <= number <= 1.0:
        raise refuse(f"{describe(value)} is out of bounds", "allowed: 0 to 1")
    return number


def _read_whole(value: object) -> int:
    number = _read_number(value)
    if isinstance(value, int):
        return value
    if number != int(number):
        raise refuse(f"{describe(value)} is not a whole number", "write a whole number")
    return int(number)


def _read_day_count(value: object) -> int:
    if isinstance(value, str) and (found := _DAY_COUNT.fullmatch(value)):
        return int(found[1])
    count = _read_whole(value)
    if count < 0:
        raise refuse(f"{describe(value)} is negative", "allowed: 0 or more days")
    return count


def _read_switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise refuse(f"{describe(value)} where a yes or no is needed", "allowed: true or false")


def _read_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        raise refuse(
            f"{describe(value)} where text is needed", "write text; a number that is meant as text goes into quotes"
        )
    raise refuse(f"{describe(value)} where text is needed", "write text")


def _read_id(value: object) -> str:
    text = _read_text(value)
    if not _ID.fullmatch(text):
        raise refuse(f"{describe(text)} is not a name", "allowed: a letter, then letters, digits, _ or -, 64 at most")
    return text


def money_text(fen: int) -> str:
    """Write ``fen`` exactly as a scenario writes it: ``1600000000 yuan``, ``12.50 yuan``."""
    yuan, rest = divmod(fen, money.FEN_PER_YUAN)
    return f"{yuan}.{rest:02d} yuan" if rest else f"{yuan} yuan"


def days_text(days: int) -> str:
    """Write a length of time as a scenario writes it: ``1 day``, ``30 days``."""
    return f"{days} day" if days == 1 else f"{days} days"


def _text_schema(allowed: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": allowed, "examples": [example]})


def _written(write: Callable[[Any], Any]) -> PlainSerializer:
    return PlainSerializer(write, when_used="json-unless-none")


Money = Annotated[
    int,
    BeforeValidator(_quantity(money.parse_money, money.MONEY_ALLOWED)),
    _written(money_text),
    _text_schema(money.MONEY_ALLOWED, "1.6 bn yuan"),
]
RateQ = Annotated[
    money.Rate,
    BeforeValidator(_quantity(money.parse_rate, money.RATE_ALLOWED, money.Rate)),
    _written(money.format_rate),
    _text_schema(money.RATE_ALLOWED, "0.05 %/day"),
]
Days = Annotated[
    int,
    BeforeValidator(_quantity(money.parse_days, money.DAYS_ALLOWED)),
    _written(days_text),
    _text_schema(money.DAYS_ALLOWED, "30 days"),
]
TermQ = Annotated[
    money.Term,
    BeforeValidator(_quantity(money.parse_term, money.TERM_ALLOWED, money.Term)),
    _written(str),
    _text_schema(money.TERM_ALLOWED, "6 months"),
]
OfNetCapital = Annotated[
    float,
    BeforeValidator(_quantity(_parse_capital, CAPITAL_ALLOWED)),
    _written(lambda multiple: f"{multiple:.9f}".rstrip("0").rstrip(".") + " of net capital"),
    _text_schema(CAPITAL_ALLOWED, "0.5 of net capital"),
]
DateQ = Annotated[
    date,
    BeforeValidator(_read_date),
    _written(date.isoformat),
    WithJsonSchema({"type": "string", "format": "date", "description": DATE_ALLOWED}),
]
DayCount = Annotated[
    int, BeforeValidator(_read_day_count), WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})
]
"""Whole days under a key that already says days (``calendar.days: 182``); ``182 days`` is read as well."""
Share = Annotated[
    float, BeforeValidator(_read_share), WithJsonSchema({"type": "number", "minimum": 0.0, "maximum": 1.0})
]
Number = Annotated[float, BeforeValidator(_read_number), WithJsonSchema({"type": "number"})]
Whole = Annotated[int, BeforeValidator(_read_whole), WithJsonSchema({"type": "integer"})]
Switch = Annotated[bool, BeforeValidator(_read_switch), WithJsonSchema({"type": "boolean"})]
Text = Annotated[str, BeforeValidator(_read_text), WithJsonSchema({"type": "string"})]
Id = Annotated[str, BeforeValidator(_read_id), WithJsonSchema({"type": "string", "pattern": f"^{_ID.pattern}$"})]
"""The name of a lender, an event or a change: short, without dots, so that it can stand in a dotted path."""


def _magnitude(value: object) -> float:
    """Put a value or a bound on its scale: ppm a year, fen, days (a month counts 30), or the number itself."""
    if isinstance(value, money.Rate):
        return value.ppm_year
    if isinstance(value, money.Term):
        return value.count * (30 if value.unit == "months" else 1)
    if isinstance(value, date):
        return value.toordinal()
    if isinstance(value, str):
        return _magnitude_of_text(value)
    if isinstance(value, int | float):
        return value
    raise TypeError(f"{value!r} has no size to bound")


def _magnitude_of_text(text: str) -> float:
    if "%" in text:
        return money.parse_rate(text).ppm_year
    if text.rstrip().endswith("yuan"):
        return money.parse_money(text)
    if text.rstrip().endswith("of net capital"):
        return _parse_capital(text)
    if _ISO_DATE.fullmatch(text):
        return date.fromisoformat(text).toordinal()
    return _magnitude(money.parse_term(text))


def _bound_text(bound: object) -> str:
    return f"{bound:,}" if isinstance(bound, int) else str(bound)


def allowed_range(low: object, high: object) -> str:
    """Say the bounds in words: ``1 to 100,000,000``, ``at least 0 yuan``, ``at most 36 %/year``."""
    if low is None:
        return f"allowed: at most {_bound_text(high)}"
    if high is None:
        return f"allowed: at least {_bound_text(low)}"
    return f"allowed: {_bound_text(low)} to {_bound_text(high)}"


def _within(low: object, high: object) -> Callable[[Any], Any]:
    least = -math.inf if low is None else _magnitude(low)
    most = math.inf if high is None else _magnitude(high)

    def check(value: Any) -> Any:
        if value is not None and not least <= _magnitude(value) <= most:
            raise refuse("out of bounds", allowed_range(low, high))
        return value

    return check


def parameter(default: Any, *, unit: str, low: Any = None, high: Any = None, source: str, doc: str) -> Any:
    """Declare one scenario parameter with its unit, bounds, default and source.

    Parameters
    ----------
    default
        In file syntax (``"0.05 %/day"``, ``0.3``); ``...`` makes the key required.
    unit
        The unit of the value, ``"1"`` for a pure number, ``"share"`` for 0 to 1.
    low, high
        Least and greatest allowed value, in file syntax or as a number, both included; ``None`` leaves an end open.
    source
        Where the default comes from: a place in ``facts.md``, a publication, or ``"assumption"``.
    doc
        One plain sentence on what the parameter does.

    Returns
    -------
    Any
        A pydantic ``FieldInfo`` whose ``json_schema_extra`` holds ``unit``, ``source``, ``low`` and ``high``.
    """
    extra: dict[str, Any] = {"unit": unit, "source": source}
    if low is not None:
        extra["low"] = low
    if high is not None:
        extra["high"] = high
    field = Field(default, validate_default=True, description=doc, json_schema_extra=extra)
    if low is not None or high is not None:
        # Not in the annotation: pydantic may place it before the reader, so that reader must be a BeforeValidator.
        # An own check instead of pydantic's ge and le: bounds are written in file syntax and hold for rates and terms.
        field.metadata.append(AfterValidator(_within(low, high)))
    return field
