"""`rgbd-seg model info`: what is inside a model file, and whether it is whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from rgbd_seg.models.card import ModelCard

SUMMARY = "say what is inside a model file, and whether its weights are whole"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples

    add_examples(
        parser,
        ("what the model that comes with the program can do", "model info"),
        ("scores, classes and licence of another one", "model info mine.safetensors"),
    )
    parser.add_argument(
        "file", nargs="?", default="real", help="model file (.safetensors), or real (default), real-fine or demo (ours)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def run(args: argparse.Namespace) -> int:
    """Loads the whole file, so that what is printed is known to be usable, and prints its card."""
    from rgbd_seg.assets import model_path
    from rgbd_seg.models.model_file import load_model, stored_as
    from rgbd_seg.models.model_header import weights_hash

    file = model_path(args.file)
    network, card = load_model(file)
    parameters = sum(p.numel() for p in network.parameters())
    storage, file_bytes, sha256 = stored_as(file), file.stat().st_size, weights_hash(file)
    if args.json:
        facts = {"file": str(file), "bytes": file_bytes, "storage": storage, "parameters": parameters}
        facts["weights_sha256"] = sha256
        print(json.dumps(facts | json.loads(card.to_json()), indent=2))
        return 0
    print(f"{card.name}: {file}, {file_bytes / 1e6:.1f} MB, {parameters:,} parameters stored as {storage}")
    checked = (
        f"as they were saved: SHA-256 {sha256}" if sha256 else "not known to be whole: the file has no hash of them"
    )
    for name, value in [("weights", checked), *_facts(card)]:
        print(f"  {name:12} {value}")
    return 0


def _facts(card: ModelCard) -> list[tuple[str, str]]:
    """Name and value of everything that the card says, in the order in which people ask."""
    network, (height, width) = card.network, card.size
    widths = ", ".join(map(str, network.decoder_widths))
    facts = [
        ("trained on", card.trained_on or "nothing: random weights"),
        ("scores", ", ".join(f"{name} {value:.4g}" for name, value in card.scores.items()) or "none"),
        ("licence", card.licence or "not stated"),
        ("input", f"{width}x{height}"),
        ("network", f"{network.encoder}, fusion {network.fusion}, base width {network.base_width}"),
        ("decoder", f"{widths}; tail {network.tail_width}"),
        ("depth", f"mean {card.depth_mean_m:g} m, deviation {card.depth_std_m:g} m, up to {card.depth_max_m:g} m"),
        ("temperature", f"{card.temperature:g}"),
        ("classes", f"{len(card.label_set)} ({card.label_set.name}): {', '.join(card.label_set.names)}"),
    ]
    return facts + list(card.details.items())
