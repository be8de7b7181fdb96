"""Cut away what is nested too deeply, so that the rest of a file can still be read and checked.

A file of a few kilobytes can hold thousands of levels. The parser of the YAML library takes seconds over them, so a
subtree that passes :data:`MAX_DEPTH` is replaced by ``~`` (null) in the text, with all other lines and columns kept,
and the text is parsed again.
"""

from __future__ import annotations

import re

MAX_DEPTH = 40

_KEY = r"(?:[^\s\[\]{},:#'\"]++\s*+:\s*+)?+"
_FLOW_RUN = re.compile(rf"(?:[\[{{]\s*+{_KEY}){{{MAX_DEPTH + 1},}}+")
_OPENING = re.compile(r"[\[{]")
_KEPT = 8
_FLOW_MARKS = re.compile(r"[\[\]{}\n#'\"]")
_QUOTED = {"'": re.compile(r"'(?:[^']|'')*+'"), '"': re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)}


Place = tuple[int, int]
"""Line and column, both from 0."""


def cut_flow_runs(text: str) -> tuple[str, list[Place]]:
    """Cut every run of more than ``MAX_DEPTH`` brackets opened one straight after the other.

    The parser needs time that grows with the square of such a run even to find out where it begins. The first few
    brackets stay, so that what stands around the run keeps its keys.

    Returns
    -------
    tuple
        The text, and the place of each cut.
    """
    cuts: list[Place] = []
    position = 0
    while found := _FLOW_RUN.search(text, position):
        start = found.start()
        before = text[text.rfind("\n", 0, start) + 1 : start]
        if "#" in before or "'" in before or '"' in before:  # words in a comment or in quotes: leave them to the parser
            position = found.end()
            continue
        inner = [one.start() for one in _OPENING.finditer(text, start, found.end())][_KEPT]
        text, place = cut_flow(text, inner, start)
        cuts.append(place)
        position = start + 1
    return text, cuts


def cut_flow(text: str, start: int, outermost: int) -> tuple[str, Place]:
    """Replace the flow collection that opens at ``start`` by null.

    One that is never closed cannot be left in place: then everything goes, from the ``outermost`` open bracket to the
    end of the line.

    Returns
    -------
    tuple
        The text, and the place of the cut.
    """
    depth, position = 0, start
    while found := _FLOW_MARKS.search(text, position):
        mark, position = found[0], found.end()
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
            if depth == 0:
                return _blank(text, start, position), _place(text, start)
        elif text[found.start() - 1] in " \t\n,[{:":  # elsewhere # and quotes are part of a word
            if mark == "#":
                end = text.find("\n", position)
                position = len(text) if end < 0 else end
            elif mark in _QUOTED and (quoted := _QUOTED[mark].match(text, found.start())):
                position = quoted.end()
    end = text.find("\n", start)
    return _blank(text, outermost, len(text) if end < 0 else end), _place(text, outermost)


def cut_block(text: str, line: int, column: int, *, is_sequence: bool) -> tuple[str, Place]:
    """Replace the block collection that begins at ``line`` and ``column`` by null; return the text and the place."""
    lines = text.split("\n")
    lines[line] = lines[line][:column] + "~"
    for number in range(line + 1, len(lines)):
        words = lines[number].lstrip(" ")
        indent = len(lines[number]) - len(words)
        if not words or words.startswith("#"):
            lines[number] = ""
        elif indent < column or (is_sequence and indent == column and not words.startswith("-")):
            break  # the next key or item outside
        else:
            lines[number] = ""
    return "\n".join(lines), (line, column)


def cut_indentation(text: str) -> tuple[str, list[Place]]:
    """Cut block collections that are indented more than ``MAX_DEPTH`` times, judged by indentation alone.

    Only for files above the cap on bytes: 2,000 levels of block mappings are megabytes of leading spaces.

    Returns
    -------
    tuple
        The text, and the place of each cut.
    """
    cuts: list[Place] = []
    kept: list[str] = []
    indents: list[int] = []
    is_cutting = False
    for number, line in enumerate(text.split("\n")):
        words = line.lstrip(" ")
        indent = len(line) - len(words)
        if not words or words.startswith("#"):
            kept.append("")
            continue
        while indents and indents[-1] >= indent:
            indents.pop()
        if len(indents) < MAX_DEPTH:
            indents.append(indent)
            kept.append(line)
            is_cutting = False
        elif is_cutting:
            kept.append("")
        else:
            cuts.append((number, indent))
            kept.append(" " * indent + "~")
            is_cutting = True
    return "\n".join(kept), cuts


def _blank(text: str, start: int, end: int) -> str:
    """Put null over [start, end), all line breaks kept."""
    return text[:start] + "~" + re.sub(r"[^\n]", " ", text[start + 1 : end]) + text[end:]


def _place(text: str, index: int) -> Place:
    return text.count("\n", 0, index), index - text.rfind("\n", 0, index) - 1
