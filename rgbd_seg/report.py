"""The result of a benchmark: a titled table with its machine, as text, Markdown or JSON."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from rgbd_seg.machine import Machine

Cell = str | float | int | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its key in a row, its heading (with the unit), and how numbers are written.

    Attributes:
        key: The key in the rows, and in the JSON.
        heading: What the table shows above it.
        digits: Digits behind the point.
    """

    key: str
    heading: str
    digits: int = 1

    def text(self, value: Cell) -> str:
        """A cell as text; "-" for what was not measured."""
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return "-"
        return f"{value:.{self.digits}f}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Report:
    """What a benchmark found.

    Attributes:
        title: What was measured.
        machine: On what.
        columns: The columns of the table; rows may hold more, for the JSON only.
        rows: One mapping a row.
        notes: How it was measured, and what could not be: whole sentences.
    """

    title: str
    machine: Machine
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Cell]]
    notes: Sequence[str] = field(default_factory=tuple)

    def render(self, form: str) -> str:
        """The report as "text", "markdown" or "json", without a newline at the end."""
        if form == "json":
            return self._json()
        headings = [column.heading for column in self.columns]
        body = [[column.text(row.get(column.key)) for column in self.columns] for row in self.rows]
        numeric = [any(isinstance(row.get(column.key), int | float) for row in self.rows) for column in self.columns]
        if form == "markdown":
            rule = ["---:" if right else "---" for right in numeric]
            lines = [f"### {self.title}", "", f"{self.machine}.", ""]
            lines += [f"| {' | '.join(cells)} |" for cells in (headings, rule, *body)]
            lines += [""] if self.notes else []
            return "\n".join([*lines, *(f"- {note}" for note in self.notes)])
        widths = [max(map(len, cells)) for cells in zip(headings, *body, strict=True)]
        lines = [self.title, str(self.machine), ""]
        for cells in (headings, ["-" * width for width in widths], *body):
            padded = [
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(cells, widths, numeric, strict=True)
            ]
            lines.append("  ".join(padded).rstrip())
        lines += [""] if self.notes else []
        return "\n".join([*lines, *self.notes])

    def _json(self) -> str:
        rows = [
            {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in row.items()}
            for row in self.rows
        ]
        data = {"title": self.title, "machine": self.machine.to_dict(), "rows": rows, "notes": list(self.notes)}
        return json.dumps(data, indent=2)


def add_format_argument(parser: argparse.ArgumentParser) -> None:
    """Adds `--format`, which every benchmark has."""
    parser.add_argument(
        "--format", choices=("text", "markdown", "json"), default="text", help="of the table (default: text)"
    )
