"""`rgbd-seg labels`: labels of other tools into the data set of a recording, and back out of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rgbd_seg.labelling.annotations.annotations import Labelled


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples
    from rgbd_seg.labelling.annotations import FORMATS, get_format

    rows = "\n".join(f"  {name:8} {get_format(name).SUMMARY}" for name in FORMATS)
    parser.epilog = f"formats:\n{rows}\n\nWhat is exported comes back with every pixel."
    add_examples(
        parser,
        ("what was drawn in CVAT for the frames of a recording", "labels import task.xml walk.mcap"),
        (
            "other names, and a class that is to be void",
            "labels import coco/ walk.mcap --map sofa=seat --map chair=seat --map person=",
        ),
        ("out of the data set, to go on in another tool", "labels export walk.mcap walk-cvat --to cvat"),
    )
    subcommands = parser.add_subparsers(dest="subcommand", metavar="import|export", required=True)
    inward = subcommands.add_parser("import", help="read labels of another tool into the data set of a recording")
    inward.add_argument("labels", type=Path, help="a file or folder of labels")
    inward.add_argument("recording", type=Path, help="the recording, or a folder with image/ and depth/")
    inward.add_argument("--format", choices=FORMATS, help="of the labels (default: found out)")
    inward.add_argument(
        "--map", action="append", default=[], metavar="THEIRS=OURS", help="another name; nothing behind = makes void"
    )
    inward.add_argument(
        "--background",
        choices=("void", "class"),
        help='what a class called "background" or the like is: void, or a class like the others',
    )
    inward.add_argument(
        "--replace", action="store_true", help="also frames that have labels; those are kept in backup/"
    )
    outward = subcommands.add_parser("export", help="write the labels of a data set for another tool")
    outward.add_argument("recording", type=Path, help="the recording, or the folder of its labels")
    outward.add_argument("output", type=Path, help="the folder to make")
    outward.add_argument("--to", choices=FORMATS, required=True, help="the format")
    outward.add_argument("--done", action="store_true", help="only frames that a person has done")


def run(args: argparse.Namespace) -> int:
    """Imports or exports; 1 if something had to be left out."""
    return _import(args) if args.subcommand == "import" else _export(args)


def _import(args: argparse.Namespace) -> int:
    from rgbd_seg.labelling.annotations import read_annotations
    from rgbd_seg.labelling.annotations.annotations import mapped_classes
    from rgbd_seg.labelling.annotations.importing import Imported, importing, made_by_of
    from rgbd_seg.labelling.data_set import DataSet, data_set_folder
    from rgbd_seg.labelling.frames import RecordedFrames
    from rgbd_seg.sensors import open_any_recording

    found = read_annotations(args.labels, args.format)
    data_set = DataSet(data_set_folder(args.recording))
    known = data_set.label_set if data_set.names() else None
    label_set, table = mapped_classes(found, _mapping(args.map), args.background, known)
    frames = RecordedFrames(open_any_recording(args.recording), data_set)
    made_by = made_by_of(args.labels)
    try:
        data_set.adopt(label_set)
        *_, result = Imported(made_by), *importing(found, table, data_set, frames, made_by, replace=args.replace)
    finally:
        frames.close()
    names = ", ".join(label_set.names)
    print(f"{len(result.taken)} frames of {data_set.root} have labels now; classes: {names}")
    remarks = result.remarks("--replace takes the new ones")
    for message in [*dict.fromkeys(found.messages), *data_set.messages, *remarks]:
        print(f"rgbd-seg: {message}", file=sys.stderr)
    left_out = result.strangers or result.misfits or result.kept or result.twice or found.messages
    return 1 if left_out or not result.taken else 0


def _mapping(pairs: list[str]) -> dict[str, str]:
    from rgbd_seg.errors import ConfigurationError

    result = {}
    for pair in pairs:
        theirs, equals, ours = pair.partition("=")
        if not equals or not theirs:
            raise ConfigurationError(f"--map wants THEIRS=OURS, not {pair!r}")
        result[theirs] = ours
    return result


def _export(args: argparse.Namespace) -> int:
    from rgbd_seg.errors import RecordingError
    from rgbd_seg.labelling.annotations import get_format
    from rgbd_seg.labelling.annotations.annotations import Labelled
    from rgbd_seg.labelling.annotations.importing import some
    from rgbd_seg.labelling.data_set import DataSet, data_set_folder
    from rgbd_seg.recording.label_provenance import LabelProvenance
    from rgbd_seg.recording.layouts.labelled_folder import LABELS_FILE, provenance_of
    from rgbd_seg.recording.pictures.loading import read_labels
    from rgbd_seg.recording.pictures.saving import write_text
    from rgbd_seg.recording.pictures.sidecar import SIDECAR, Sidecar

    root = args.recording if (args.recording / "label").is_dir() else data_set_folder(args.recording)
    data_set = DataSet(root)
    names = [name for name in data_set.names() if not args.done or data_set.states.get(name) == "done"]
    if not names:
        raise RecordingError(f"{root} has no {'done ' if args.done else ''}labels to export")
    if args.output.exists() and (not args.output.is_dir() or any(args.output.iterdir())):
        raise RecordingError(f"{args.output} exists already and is never overwritten: choose another name")

    def pictures() -> Iterator[Labelled]:
        for name in names:
            yield Labelled(name, read_labels(root / "label" / f"{name}.png"), data_set.picture(name))

    get_format(args.to).write(args.output, pictures(), data_set.label_set)
    provenance = LabelProvenance() if not (root / LABELS_FILE).is_file() else provenance_of(root)
    if provenance.made_by:  # Whoever imports it again is told.
        sidecar = Sidecar(label_set=data_set.label_set, labels=provenance)
        write_text(args.output / SIDECAR, sidecar.to_json())
        print(f"rgbd-seg: the labels are {provenance}", file=sys.stderr)
    unseen = [name for name in names if data_set.states.get(name) in ("draft", "travelled")]
    if unseen:
        print(
            f"rgbd-seg: nobody has looked at {len(unseen)} of them ({some(unseen)}): --done leaves them out",
            file=sys.stderr,
        )
    print(f"{args.output}: labels of {len(names)} frames")
    return 0
