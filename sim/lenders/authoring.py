"""What the author of a policy works with: declared parameters, a file of his own, and the text of a new one.

A parameter is written in a scenario with its unit (``cap: 50,000 yuan``, ``margin: 2 %/year``, ``remind_before: 3
days``) and held in the policy as a plain number in its declared unit: whole fen, ppm a year, days.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from sim.core import money
from sim.lenders.templates import new_policy_source

__all__ = [
    "NO_DEFAULT", "WRITTEN_UNITS", "Parameter", "Problem", "Refused", "did_you_mean", "load_class",
    "new_policy_source", "parameter", "parameters_of", "read_parameters", "source_file",
]  # fmt: skip

# Units that a scenario writes as text; every other unit goes with a plain number.
WRITTEN_UNITS = ("fen", "ppm a year", "days")
NO_DEFAULT: Any = inspect.Parameter.empty
_METADATA = "lendsim"
_MODULE_CLASS = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_LARGEST = 1e18  # what an int64 column holds, and a float64 tells apart well enough


class Problem(NamedTuple):
    """One thing wrong with a policy or its parameters, in the words of a scenario error."""

    field: str
    problem: str
    allowed: str = ""
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.field}: " + "; ".join(part for part in self[1:] if part)


class Refused(ValueError):
    """A value, a policy or a kind that cannot be used, with what is allowed and a hint kept apart."""

    def __init__(self, problem: str, allowed: str = "", hint: str = "") -> None:
        self.problem, self.allowed, self.hint = problem, allowed, hint
        super().__init__("; ".join(part for part in (problem, allowed, hint) if part))

    def at(self, name: str) -> Problem:
        """Say where it happened."""
        return Problem(name, self.problem, self.allowed, self.hint)


@dataclass(frozen=True)
class Parameter:
    """One declared parameter of a policy: unit, bounds, default, source, and what it does.

    ``default``, ``low`` and ``high`` are in ``unit``; ``bounds`` says the bounds as a scenario writes them.
    """

    name: str
    default: Any = NO_DEFAULT
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    source: str = ""
    doc: str = ""
    bounds: str = ""

    def read(self, written: object) -> Any:
        """Turn what a scenario writes into the value the policy holds; a list where the default is a tuple.

        Raises
        ------
        Refused
            If the type, the unit or the size is wrong.
        """
        if not isinstance(self.default, tuple):
            return self._read_one(written, self.default)
        if not isinstance(written, list | tuple) or not written:
            raise Refused(f"{_shown(written)} where a list is needed", "allowed: a list of one or more values")
        sample = self.default[0] if self.default else NO_DEFAULT
        return tuple(self._read_one(one, sample) for one in written)

    def _read_one(self, written: object, sample: Any) -> Any:
        value = _in_unit(self.unit, written) if self.unit in WRITTEN_UNITS else _plain(written, sample)
        if self.choices and value not in self.choices:
            hint = did_you_mean(str(value), self.choices)
            raise Refused(f"{_shown(written)} is none of the choices", f"allowed: {', '.join(self.choices)}", hint)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and not (self.low is None or value >= self.low):
            raise Refused(f"{_shown(written)} is out of bounds", self.bounds)
        if is_number and not (self.high is None or value <= self.high):
            raise Refused(f"{_shown(written)} is out of bounds", self.bounds)
        return value


def parameter(
    default: Any,
    *,
    unit: str,
    source: str,
    doc: str,
    low: float | str | None = None,
    high: float | str | None = None,
    choices: Sequence[str] = (),
) -> Any:
    """Declare a field of a policy dataclass as a parameter that scenarios may set.

    Parameters
    ----------
    default
        In file syntax (``"50,000 yuan"``, ``"2 %/year"``, ``"3 days"``, ``0.8``); a tuple makes it a list in scenarios.
    unit
        Of the held value: ``"fen"``, ``"ppm a year"`` and ``"days"`` are written as text with their unit; any other
        (``"share"``, ``"times"``, ``"points"``, ``"1"``) goes with a plain number.
    source
        Where the default comes from: a place in ``facts.md``, a publication, or ``"assumption"``.
    doc
        One plain sentence on what it does.
    low, high
        Bounds, both included, in file syntax or as a number in ``unit``.
    choices
        The allowed words, for a parameter that is a word.

    Raises
    ------
    ValueError
        If the unit, the source or the doc is missing, or the default lies outside its own bounds.
    """
    if not (unit and source and doc):
        raise ValueError('a parameter says its unit ("1" for a pure number), its source and what it does (doc)')
    draft = Parameter(
        "",
        default if isinstance(default, tuple) else NO_DEFAULT,
        unit,
        _bound(unit, low),
        _bound(unit, high),
        tuple(choices),
        source,
        doc,
        _bounds(low, high),
    )
    value = draft.read(default)
    return field(default=value, metadata={_METADATA: replace(draft, default=value)})


def parameters_of(policy_class: type) -> tuple[Parameter, ...]:
    """Give the parameters of a policy class, in the order of its constructor.

    Fields made by :func:`parameter` come with unit, bounds, source and doc; any other argument of the constructor is a
    parameter too, checked by the type of its default only.
    """
    declared: dict[str, Parameter] = {}
    if is_dataclass(policy_class):
        for one in fields(policy_class):
            if _METADATA in one.metadata:
                declared[one.name] = replace(one.metadata[_METADATA], name=one.name)
    try:
        signature = inspect.signature(policy_class)
    except (TypeError, ValueError):  # a class written in C shows no signature: it has no parameters to set
        return ()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(
        declared.get(one.name, Parameter(one.name, one.default))
        for one in signature.parameters.values()
        if one.kind in named
    )


def read_parameters(policy_class: type, written: Mapping[str, object]) -> tuple[dict[str, Any], list[Problem]]:
    """Read what a scenario writes for a policy: the values by name, and everything that is wrong, at once."""
    known = {one.name: one for one in parameters_of(policy_class)}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, text in written.items():
        if name not in known:
            allowed = f"allowed: {', '.join(known)}" if known else "this policy has no parameters"
            problems.append(Problem(str(name), "is no parameter of this policy", allowed, did_you_mean(name, known)))
            continue
        try:
            values[name] = known[name].read(text)
        except Refused as refused:
            problems.append(refused.at(name))
    for name, one in known.items():
        if one.default is NO_DEFAULT and name not in written:
            problems.append(Problem(name, "has no default and no value", "", "write it in the policy's block"))
    return values, problems


def did_you_mean(name: object, known: Sequence[str] | Mapping[str, object]) -> str:
    """Name the nearest known word, or nothing when none is near."""
    near = get_close_matches(str(name), list(known), n=1)
    return f"did you mean {near[0]}?" if near else ""


def load_class(target: str, folder: Path | None = None) -> type[Any]:
    """Load a ``module:Class``, as :func:`find_policy` looks for it.

    Raises
    ------
    Refused
        If the text has another form, or the module or the class is missing or broken.
    """
    if not _MODULE_CLASS.fullmatch(target):
        raise Refused(f"{target[:60]!r} is no module:Class", "allowed: a form like experiments.cautious_newcomer:Name")
    module_name, class_name = target.split(":")
    path = _module_file(module_name, folder)
    try:
        module = _load_file(module_name, path) if path else importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if path is None and error.name and f"{module_name}.".startswith(f"{error.name}."):
            places = ", ".join(str(place) for place in _places(folder))
            raise Refused(f"no module {module_name!r}", f"looked in {places}, and for an installed module") from None
        raise Refused(f"{path or module_name} cannot be loaded: {error}") from error
    except Exception as error:
        raise Refused(f"{path or module_name} cannot be loaded: {type(error).__name__}: {error}") from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        classes = [one for one in vars(module).values() if isinstance(one, type)]
        here = [one.__name__ for one in classes if one.__module__ == module.__name__]
        allowed = f"allowed: {', '.join(here)}" if here else "the file defines no class"
        raise Refused(f"{module_name} has no class {class_name!r}", allowed, did_you_mean(class_name, here))
    return found


def source_file(policy: Any) -> Path:
    """Give the file that defines a policy or its class, for the manifest of a run."""
    return Path(inspect.getfile(policy if isinstance(policy, type) else type(policy))).resolve()


def _in_unit(unit: str, written: object) -> Any:
    """Read text in its unit: whole fen, ppm a year on the product's own basis, days; anything else stays itself."""
    try:
        if unit == "fen":
            return money.parse_money(written)
        if unit == "days":
            return money.parse_days(written)
        if unit == "ppm a year":
            rate = money.parse_rate(written)
            if rate.basis == 360:
                raise Refused(f"{_shown(written)} says a basis", "allowed: a rate on the product's own basis")
            return rate.ppm_year
    except Refused:
        raise
    except ValueError as error:
        problem, _, allowed = str(error).partition("; ")
        raise Refused(problem, allowed) from None
    return written


def _plain(written: object, sample: Any) -> Any:
    """Take a value whose unit needs no words, of the type of ``sample`` (a whole number, a number, yes or no, text)."""
    if sample is NO_DEFAULT or sample is None:
        return written
    if isinstance(sample, bool) or isinstance(written, bool):
        if isinstance(sample, bool) and isinstance(written, bool):
            return written
        raise Refused(f"{_shown(written)} is of the wrong type", f"allowed: {_type_words(sample)}")
    if isinstance(sample, int | float) and isinstance(written, int | float):
        if not abs(written) < _LARGEST:  # refuses NaN too
            raise Refused(f"{_shown(written)} is not finite or too large", "allowed: a finite number")
        if isinstance(sample, float):
            return float(written)
        if written == int(written):
            return int(written)
        raise Refused(f"{_shown(written)} is no whole number", "allowed: a whole number")
    if isinstance(written, type(sample)):
        return written
    raise Refused(f"{_shown(written)} is of the wrong type", f"allowed: {_type_words(sample)}")


def _type_words(sample: object) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a plain number without a unit", str: "text"}
    return words.get(type(sample), type(sample).__name__)


def _bound(unit: str, written: float | str | None) -> float | None:
    value = _in_unit(unit, written) if isinstance(written, str) else written
    return None if value is None else float(value)


def _bounds(low: float | str | None, high: float | str | None) -> str:
    if low is None and high is None:
        return ""
    if high is None:
        return f"allowed: at least {low}"
    return f"allowed: at most {high}" if low is None else f"allowed: {low} to {high}"


def _shown(value: object) -> str:
    if isinstance(value, list | tuple | dict):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _places(folder: Path | None) -> Sequence[Path]:
    starts = [Path(folder).resolve()] if folder is not None else []
    starts.append(Path.cwd())
    tree = [place for start in starts for above in (start, start.parent) for place in (above, above / "experiments")]
    return list(dict.fromkeys(tree))


def _module_file(module_name: str, folder: Path | None) -> Path | None:
    inside = Path(*module_name.split(".")).with_suffix(".py")
    return next((place / inside for place in _places(folder) if (place / inside).is_file()), None)


def _load_file(module_name: str, path: Path) -> ModuleType:
    """Load a policy file under a name of its own: two files of one name never meet, a changed file is read anew."""
    source = path.read_bytes()
    key = hashlib.sha256(str(path).encode() + b"\0" + source).hexdigest()[:12]
    name = f"{module_name.rpartition('.')[2]}__{key}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        # Compiled here, not imported: a cached .pyc is known by its second and size, and could be of yesterday's file.
        exec(compile(source, str(path), "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module
