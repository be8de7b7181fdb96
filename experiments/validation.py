"""The page ``docs/validation.md``: every section is written by the experiment that measures it, and only that one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "validation.md"


def write_section(lines: Sequence[str]) -> None:
    """Put a section, whose first line is its heading, in the place of the one of that heading, or at the end."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, _ = text.partition(f"\n{lines[0]}\n")
    rest = text[len(head) + 1 :].partition("\n## ")
    after = [f"## {rest[2].rstrip()}"] if rest[1] else []
    PAGE.write_text("\n".join([head.rstrip(), "", *lines, *after]).rstrip() + "\n", encoding="utf-8")
    print("\n".join(lines))
