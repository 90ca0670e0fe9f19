"""Every command of the window with its keys, in one table: the actions, the menu and the visible list come from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that the window can do.

    Attributes:
        name: Key in code: the window's handler has this name.
        text: What menus and the list call it.
        keys: Qt's portable names, the first one is shown; none for menu only.
        group: Heading in the list of keys.
    """

    name: str
    text: str
    keys: tuple[str, ...]
    group: str


COMMANDS = (
    Command("open_file", "Open a recording…", ("Ctrl+O",), "Source"),
    Command("open_folder", "Open a folder…", ("Ctrl+Shift+O",), "Source"),
    Command("pick_source", "Open any source, with its options…", ("Ctrl+U",), "Source"),
    Command("refresh_sources", "Look for cameras again", ("F5",), "Source"),
    Command("close_source", "Close the source", ("Ctrl+W",), "Source"),
    Command("open_model", "Load a model…", ("M",), "Source"),
    Command("undo", "Undo", ("Ctrl+Z",), "Keep"),
    Command("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Keep"),
    Command("toggle_recording", "Record or stop recording", ("R",), "Keep"),
    Command("save_snapshot", "Save a snapshot", ("S",), "Keep"),
    Command("copy_picture", "Copy the picture", ("Ctrl+C",), "Keep"),
    Command("export_recording", "Export…", ("Ctrl+E",), "Keep"),
    Command("recording_statistics", "Statistics of the recording…", ("Ctrl+I",), "Keep"),
    Command("label_frames", "Label mode: paint your own classes", ("E",), "Keep"),
    Command("train_model", "Train a model…", ("Ctrl+T",), "Keep"),
    Command("score_folder", "Score models on labelled frames…", ("Ctrl+Shift+T",), "Keep"),
    Command("toggle_play", "Pause or play; freeze a camera's view", ("Space",), "Replay"),
    Command("step_on", "One frame on", ("Right",), "Replay"),
    Command("step_back", "One frame back", ("Left",), "Replay"),
    Command("jump_on", "Ten frames on", ("Shift+Right",), "Replay"),
    Command("jump_back", "Ten frames back", ("Shift+Left",), "Replay"),
    Command("first_frame", "First frame", ("Home",), "Replay"),
    Command("faster", "Faster", ("+", "="), "Replay"),
    Command("slower", "Slower", ("-",), "Replay"),
    Command("toggle_loop", "Start again at the end", ("Ctrl+L",), "Replay"),
    Command("mark_start", "Export from here", ("I",), "Replay"),
    Command("mark_end", "Export up to here", ("O",), "Replay"),
    Command("clear_range", "Export everything", ("X",), "Replay"),
    Command("one_view", "One view", ("1",), "Views"),
    Command("two_views", "Two views", ("2",), "Views"),
    Command("four_views", "Four views", ("4",), "Views"),
    Command("less_opaque", "Labels fainter", ("[",), "Views"),
    Command("more_opaque", "Labels stronger", ("]",), "Views"),
    Command("toggle_edges", "Darken edges", ("Shift+E",), "Views"),
    Command("toggle_legend", "Big legend below the picture", ("G",), "Views"),
    Command("reset_view", "Whole picture", ("0", "Escape"), "Views"),
    Command("ruler", "Ruler: measure between two points", ("D",), "Views"),
    Command("select_area", "Area and volume of a selection", ("V",), "Views"),
    Command("show_all_classes", "Show all classes", ("A",), "Views"),
    Command("find_class", "Find a class", ("L", "Ctrl+F"), "Views"),
    Command("toggle_full_screen", "Full screen", ("F", "F11"), "Window"),
    Command("toggle_panels", "Hide or show all panels", ("H",), "Window"),
    Command("next_part", "On to the next panel with the keys", ("F6",), "Window"),
    Command("part_before", "Back to the panel before", ("Shift+F6",), "Window"),
    Command("answer", "Press the button of the newest message", ("Ctrl+Return",), "Window"),
    Command("show_commands", "All commands, by name…", ("Ctrl+Shift+P",), "Window"),
    Command("main_menu", "Main menu", ("F10",), "Window"),
    Command("source_menu", "Choose a source", ("Alt+S",), "Window"),
    Command("model_menu", "Choose a model", ("Alt+M",), "Window"),
    Command("show_keys", "List of keys", ("?", "F1"), "Window"),
    Command("quit", "Quit", ("Ctrl+Q",), "Window"),
)

#: Keys that no table row has, for the visible list only.
MORE_KEYS = (
    ("Alt", "Main menu, pressed by itself", "Window"),
    ("Alt+1 … Alt+9", "Show the first … ninth class of the list alone", "Views"),
    ("Ctrl+1 … Ctrl+4", "Choose what the first … fourth view shows", "Views"),
    ("Wheel", "Zoom at the pointer", "Views"),
    ("Drag", "Pan", "Views"),
    ("Double click", "Whole picture, or one view alone", "Views"),
    ("Click", "Pin the probe", "Views"),
    ("Shift+click", "Start or end the ruler", "Views"),
)


def key_rows() -> dict[str, list[tuple[str, str]]]:
    """Keys and what they do by heading, for the visible list."""
    rows: dict[str, list[tuple[str, str]]] = {}
    for command in COMMANDS:
        if command.keys:
            rows.setdefault(command.group, []).append((" or ".join(command.keys), command.text.rstrip("…")))
    for keys, text, group in MORE_KEYS:
        rows.setdefault(group, []).append((keys, text))
    return rows
