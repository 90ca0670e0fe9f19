"""What the README and the pages say to type and what they quote exists in the program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from rgbd_seg import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def commands(page: Path) -> list[list[str]]:
    """The arguments of every `rgbd-seg` line in the blocks of a page that can be typed as it stands."""
    lines = re.findall(r"^ {4}rgbd-seg\b(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    typed = [shlex.split(line, comments=True) for line in lines if "|" not in line]
    return [line for line in typed if line[:1] != ["train"] and "--help" not in line]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_the_pages_parse(page: Path) -> None:
    for arguments in commands(page):
        if not arguments or arguments[0] not in cli._COMMANDS:
            arguments.insert(0, "window")
        cli.build_parser(arguments[0]).parse_args(arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_the_pages_name_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:rgbd_seg|training|tests|assets)/[\w/.-]+\.\w+", text))
    assert not [name for name in sorted(named) if not (ROOT / name).exists()]


def test_every_layout_names_a_test_that_holds_it_and_is_conformant() -> None:
    lines = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    table = [row for row in cells if len(row) == 6][1:]
    assert len(table) > 25
    files: list[Path] = []
    for layout, *_, tests in table:
        if tests.strip() != "the same":
            files, folder = [], Path()
            for name in re.findall(r"`([\w/.]+)`", tests):
                folder = Path(name).parent if "/" in name else folder
                place = {"sensors": "sensors", "drivers": "sensors/drivers"}.get(str(folder), f"recording/{folder}")
                files.append(ROOT / "tests" / place / Path(name).name)
        assert files, layout
        assert all(file.is_file() for file in files), layout
        assert any("Conformance)" in file.read_text(encoding="utf-8") for file in files), layout


def test_the_messages_of_the_troubleshooting_page_are_those_of_the_program() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "rgbd_seg").rglob("*.py")))
    rows = re.findall(r"^\| (.*?) \|", (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8"), re.MULTILINE)
    quoted = [message for row in rows for message in re.findall(r'"([^"]+)"', row)]
    assert len(quoted) > 15
    assert not [message for message in quoted if message not in source]


# What a system answers in its own way; names that every system has alike are not asked for.
_ASKS_THE_SYSTEM = re.compile(
    r"\bos\.(?!environ|fspath|PathLike|path|stat_result|urandom|getpid|fsencode)\w+"
    r"|\bsignal\.(?:signal|getsignal|Signals|SIG\w+)"
    r"|\bsubprocess\.(?:run|Popen)|get_context\("
    r"|sys\.platform|platform\.system|[\"'](?:/proc|/sys|/dev)/"
    r"|QFontDatabase\.|QFont\(|QDesktopServices\.|socket\.create_server|disk_usage\(|tempfile\.\w|TemporaryDirectory\("
)


def test_the_page_about_other_systems_names_every_file_that_asks_the_system() -> None:
    named = (ROOT / "docs/other-systems.md").read_text(encoding="utf-8")
    asking = [
        str(path.relative_to(ROOT))
        for folder in ("rgbd_seg", "training")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if _ASKS_THE_SYSTEM.search(path.read_text(encoding="utf-8"))
    ]
    assert len(asking) > 40
    assert not [name for name in asking if name not in named]
