"""Bytes to text, plain scalars to values, and the YAML library's complaints to plain English."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from difflib import get_close_matches

from ruamel.yaml.error import MarkedYAMLError

from sim.errors import Issue

Scalar = str | int | float | bool | None

# What YAML 1.2 calls printable, less the line breaks of other systems.
_UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OTHER_BREAKS = re.compile("[\x85\u2028\u2029]")

# The core schema of YAML 1.2: `no` is a word, 1e-3 a number, 012 is twelve.
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_NUMBER = 40

# (what the library says, what is wrong, what to do), the first that fits.
_SYNTAX = (
    (
        "mapping values are not allowed",
        "a colon where none can stand",
        "mend the indentation, or put text that holds `: ` into quotes",
    ),
    ("could not find expected ':'", "a line that is no `key: value`", "write a colon and a space after each key"),
    ("cannot start any token", "a character that cannot stand here", "indent with spaces, quote text that begins so"),
    ("unexpected end of stream", "a quote is opened and never closed", ""),
    ("expected ',' or ']'", "a list in brackets is not closed here", "write `, ` between items and `]` after the last"),
    ("expected ',' or '}'", "a mapping in braces is not closed here", "write `, ` between keys and `}` after the last"),
    ("expected <block end>", "the line is not indented like those it belongs to", "indent keys of one group alike"),
    ("expected the node content", "a value is missing or begins with a reserved character", "put it into quotes"),
    ("undefined tag handle", "a tag is not allowed", "write the value without it"),
    (
        "unknown escape character",
        "an unknown escape in double quotes",
        "write \\\\ for a backslash, or use single quotes",
    ),
    (
        "block sequence entries are not allowed",
        "a list item where none can stand",
        "begin the list on a line of its own",
    ),
)


class Refusal(ValueError):
    """A value that cannot be taken: ``problem`` and what is ``allowed``."""

    def __init__(self, problem: str, allowed: str = "") -> None:
        self.problem, self.allowed = problem, allowed
        super().__init__(problem)


def decode(data: bytes, label: str) -> tuple[str | None, list[Issue]]:
    """Decode a file as UTF-8 and note what is no text; None if it is plainly something else than text."""
    issues: list[Issue] = []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8", "replace")) + 1
        issues.append(Issue(label, line, column, "", "is not UTF-8 text", "save the file in the UTF-8 encoding"))
        if b"\0" in data:
            return None, issues
        text = data.decode("utf-8-sig", "replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not issues and (found := _UNPRINTABLE.search(text)):
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        problem = f"holds the control character U+{ord(found[0]):04X}"
        issues.append(Issue(label, line, column, "", problem, "a scenario is plain text"))
        if found[0] == "\0":
            return None, issues
    # YAML counts these as line breaks in places; editors do not, and lines must agree with the editor.
    return _OTHER_BREAKS.sub(" ", _UNPRINTABLE.sub(" ", text)), issues


def plain_scalar(text: str) -> Scalar:
    """Give the value of an unquoted scalar by the core schema of YAML 1.2.

    Raises
    ------
    Refusal
        If it is a number that is not finite or absurdly long.
    """
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _NOT_FINITE.fullmatch(text):
        raise Refusal(f"{text} is not a finite number", "write a finite number")
    if not text[0].isascii() or text[0] not in "+-.0123456789":
        return text
    is_number = _INTEGER.fullmatch(text) or _FLOAT.fullmatch(text)
    if is_number and len(text) > _LONGEST_NUMBER:
        raise Refusal(f"a number of {len(text):,} characters", f"at most {_LONGEST_NUMBER} characters")
    if _INTEGER.fullmatch(text):
        return int(text)
    if len(text) <= _LONGEST_NUMBER and _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if len(text) <= _LONGEST_NUMBER and _HEXADECIMAL.fullmatch(text):
        return int(text[2:], 16)
    if not is_number:
        return text
    number = float(text)
    if not math.isfinite(number):
        raise Refusal(f"{text} is too large for a number", "write a finite number")
    return number


def shown(word: object, longest: int = 40) -> str:
    """Print a word from a file on one line: escapes for what is not printable, dots for what is too long."""
    text = "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in str(word)[: longest + 1]
    )
    return text if len(text) <= longest else text[: longest - 3] + "..."


def near(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean ...?`` for the known word nearest to ``word``, or nothing."""
    found = get_close_matches(word[:80], list(known), n=1)
    return f"did you mean {found[0]}?" if found else ""


def syntax_problem(error: MarkedYAMLError) -> tuple[int, int, str, str]:
    """Put a complaint of the YAML library into plain English: (line, column, what is wrong, what to do)."""
    said = str(error.problem or error.context or "")
    problem, allowed = f"not YAML: {shown(said, 80)}", ""
    if "\\t" in said:
        problem, allowed = "a tab where a value or an indentation begins", "indent with spaces"
    else:
        for phrase, *words in _SYNTAX:
            if phrase in said:
                problem, allowed = words
                break
    begins = "expected ':'" in said or "end of stream" in said  # it shows where the search ended, not where it began
    mark = (error.context_mark if begins else None) or error.problem_mark or error.context_mark
    return (mark.line + 1, mark.column + 1, problem, allowed) if mark else (1, 1, problem, allowed)
