"""Model files: what is saved comes back, and what cannot be trusted is refused with a sentence."""

from __future__ import annotations

import json
import pickle
import struct
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.labels import LabelSet
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig
from rgbd_seg.models.model_file import load_model, read_card, save_model, stored_as

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = DeResUNetConfig(3, "resnet18", base_width=8, decoder_widths=(32, 16, 16, 8, 8), tail_width=4)
LABELS = LabelSet.from_dict({"name": "three", "classes": ["wall", "floor", "chair"]})
CARD = ModelCard(
    "tiny",
    CONFIG,
    LABELS,
    size=(96, 128),
    trained_on="nothing",
    temperature=1.5,
    scores={"miou": 0.25},
    licence="MIT",
    details={"epochs": "0"},
)


@pytest.fixture(scope="module")
def network() -> DeResUNet:
    torch.manual_seed(1)
    network = DeResUNet(CONFIG).train()
    with torch.no_grad():  # One pass in training mode moves the running statistics away from 0 and 1.
        network(torch.randn(2, 3, 64, 64), torch.randn(2, 1, 64, 64))
    return network.eval()


@pytest.fixture
def model_path(tmp_path: Path, network: DeResUNet) -> Path:
    path = tmp_path / "tiny.safetensors"
    save_model(path, network, CARD)
    return path


def run(network: DeResUNet) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    with torch.inference_mode():
        return network(torch.randn(1, 3, 64, 64, generator=generator), torch.randn(1, 1, 64, 64, generator=generator))


def rewrite_header(path: Path, change: Any) -> None:
    """Lets `change` edit the parsed header of a safetensors file in place."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def rewrite_card(path: Path, **fields: Any) -> None:
    def change(header: dict[str, Any]) -> None:
        card = json.loads(header["__metadata__"]["rgbd_seg.card"]) | fields
        header["__metadata__"]["rgbd_seg.card"] = json.dumps(card)

    rewrite_header(path, change)


def test_saved_model_comes_back_exactly(model_path: Path, network: DeResUNet) -> None:
    loaded, card = load_model(model_path)
    assert card == CARD
    assert read_card(model_path) == CARD
    assert not loaded.training
    assert torch.equal(run(loaded), run(network))


@pytest.mark.parametrize(("storage", "size", "tolerance"), [("float16", 0.55, 0.01), ("int8", 0.36, 0.02)])
def test_smaller_storage_is_smaller_and_close(
    tmp_path: Path, model_path: Path, network: DeResUNet, storage: Any, size: float, tolerance: float
) -> None:
    path = tmp_path / "small.safetensors"
    save_model(path, network, CARD, storage)
    assert stored_as(path) == storage
    loaded, _ = load_model(path)
    assert all(p.dtype == torch.float32 for p in loaded.parameters())
    reference = run(network)
    error = (run(loaded) - reference).norm() / reference.norm()
    assert 0 < error < tolerance
    assert path.stat().st_size < size * model_path.stat().st_size


def test_saving_replaces_and_leaves_nothing_else(model_path: Path, network: DeResUNet) -> None:
    save_model(model_path, network, replace(CARD, name="second"))
    assert read_card(model_path).name == "second"
    assert [p.name for p in model_path.parent.iterdir()] == [model_path.name]


def test_others_may_read_the_file_where_they_may_read_files_here(model_path: Path) -> None:
    ordinary = model_path.with_name("ordinary")
    ordinary.touch()
    assert model_path.stat().st_mode == ordinary.stat().st_mode


def test_loaded_model_can_be_trained_on(model_path: Path) -> None:
    loaded, _ = load_model(model_path)
    loaded.train()(torch.randn(2, 3, 64, 64), torch.randn(2, 1, 64, 64)).mean().backward()
    assert all(parameter.grad is not None for parameter in loaded.parameters())


def test_card_of_another_network_is_not_saved(tmp_path: Path, network: DeResUNet) -> None:
    with pytest.raises(ModelError, match="another network"):
        save_model(tmp_path / "x.safetensors", network, replace(CARD, network=replace(CONFIG, tail_width=8)))


def test_unwritable_place_is_a_sentence(tmp_path: Path, network: DeResUNet) -> None:
    with pytest.raises(ModelError, match="cannot write"):
        save_model(tmp_path / "no such folder" / "x.safetensors", network, CARD)


def test_weights_that_are_not_finite_are_refused_both_ways(tmp_path: Path, model_path: Path) -> None:
    broken, _ = load_model(model_path)
    with torch.no_grad():
        broken.tail.conv.weight[0, 0, 0, 0] = float("nan")
    with pytest.raises(ModelError, match=r"tail\.conv\.weight are not finite"):
        save_model(tmp_path / "x.safetensors", broken, CARD)
    data = bytearray(model_path.read_bytes())
    data[-4:] = struct.pack("<f", float("inf"))
    model_path.write_bytes(data)
    with pytest.raises(ModelError, match="not finite"):
        load_model(model_path)


def test_a_changed_byte_in_the_weights_is_noticed(model_path: Path) -> None:
    data = bytearray(model_path.read_bytes())
    data[-100] ^= 0x01  # The last bit of a number: it stays finite and in shape.
    model_path.write_bytes(data)
    with pytest.raises(ModelError, match="its weights are not those that were saved"):
        load_model(model_path)


def test_the_same_weights_and_card_are_the_same_file(model_path: Path, tmp_path: Path, network: DeResUNet) -> None:
    for name in ("one", "two", "three"):
        save_model(tmp_path / name, network, CARD)
        assert (tmp_path / name).read_bytes() == model_path.read_bytes()


def test_a_file_of_an_older_version_without_a_hash_loads(model_path: Path) -> None:
    before, _ = load_model(model_path)
    rewrite_header(model_path, lambda header: header["__metadata__"].pop("rgbd_seg.weights_sha256"))
    after, card = load_model(model_path)
    assert card.name == CARD.name
    assert all(map(torch.equal, before.state_dict().values(), after.state_dict().values()))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot open.*nothing\.safetensors"):
        load_model(tmp_path / "nothing.safetensors")
    with pytest.raises(ModelError, match="cannot open"):
        load_model(tmp_path)


def test_pickles_are_refused_unopened(tmp_path: Path, network: DeResUNet) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return pytest.fail, ("a pickle was opened",)

    plain, zipped = tmp_path / "bomb.safetensors", tmp_path / "model.pth"
    plain.write_bytes(pickle.dumps(Bomb()))
    torch.save(network.state_dict(), zipped)
    for path in (plain, zipped):
        with pytest.raises(ModelError, match="is a pickle"):
            load_model(path)


@pytest.mark.parametrize(("keep", "sentence"), [(0, "only 0 bytes"), (100, "cut off"), (-1, "damaged or cut off")])
def test_truncated_files(model_path: Path, keep: int, sentence: str) -> None:
    model_path.write_bytes(model_path.read_bytes()[:keep])
    with pytest.raises(ModelError, match=sentence):
        load_model(model_path)


def test_huge_header_is_not_believed(model_path: Path) -> None:
    data = model_path.read_bytes()
    model_path.write_bytes(struct.pack("<Q", 2**62) + data[8:])
    with pytest.raises(ModelError, match="claims a header"):
        load_model(model_path)


def test_other_files(tmp_path: Path) -> None:
    path = tmp_path / "picture.safetensors"
    path.write_bytes(b"\x89PNG\r\n\x1a\n and so on and on")
    with pytest.raises(ModelError, match="not a safetensors file"):
        load_model(path)


def test_weights_without_a_card(tmp_path: Path, network: DeResUNet) -> None:
    path = tmp_path / "x.safetensors"
    save_file(network.state_dict(), path)
    with pytest.raises(ModelError, match="no card"):
        load_model(path)


def test_wrong_class_count_between_card_and_weights(model_path: Path) -> None:
    four = LabelSet.from_dict({"name": "four", "classes": ["a", "b", "c", "d"]})
    rewrite_card(model_path, network=CONFIG.to_dict() | {"classes": 4}, label_set=four.to_dict())
    with pytest.raises(ModelError, match=r"weights have 3 classes.*have 4"):
        load_model(model_path)


def test_wrong_class_count_between_network_and_labels(model_path: Path) -> None:
    rewrite_card(model_path, network=CONFIG.to_dict() | {"classes": 4})
    with pytest.raises(ModelError, match="network has 4 classes, but the label set 'three' has 3"):
        read_card(model_path)


def test_card_of_another_network(model_path: Path) -> None:
    rewrite_card(model_path, network=CONFIG.to_dict() | {"encoder": "resnet34"})
    with pytest.raises(ModelError, match=r"do not fit the network in the card.*lack"):
        load_model(model_path)
    rewrite_card(model_path, network=CONFIG.to_dict() | {"tail_width": 8})
    with pytest.raises(ModelError, match=r"do not fit.*not \("):
        load_model(model_path)


def test_card_of_a_huge_network_takes_no_memory(model_path: Path) -> None:
    huge = {"encoder": "resnet50", "base_width": 256, "decoder_widths": [4096] * 5, "tail_width": 512}
    rewrite_card(model_path, network=CONFIG.to_dict() | huge)
    with pytest.raises(ModelError, match="do not fit"):
        load_model(model_path)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"format": 99}, "format 99"),
        ({"size": [0, 10]}, "size"),
        ({"size": 5}, "wrong kind"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"depth_std_m": 0}, "depth_std_m"),
        ({"color_mean": [0.5, 0.5]}, "color_mean"),
        ({"scores": {"miou": "good"}}, "miou"),
        ({"scores": [1]}, "scores"),
        ({"name": ""}, "name"),
        ({"label_set": 3}, "label set"),
        ({"network": None}, "network"),
        ({"trained_on": 3}, "trained_on"),
    ],
)
def test_cards_with_wrong_fields(model_path: Path, fields: dict[str, Any], named: str) -> None:
    rewrite_card(model_path, **fields)
    with pytest.raises(ModelError, match=named):
        read_card(model_path)


def test_card_that_lacks_a_field() -> None:
    data = json.loads(CARD.to_json())
    del data["label_set"]
    with pytest.raises(ConfigurationError, match="lacks its field 'label_set'"):
        ModelCard.from_json(json.dumps(data))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 30_000), value=st.integers(0, 255))
def test_a_damaged_byte_raises_nothing_but_a_model_error(
    tmp_path: Path, model_path: Path, position: int, value: int
) -> None:
    data = bytearray(model_path.read_bytes())
    data[position] = value
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(data)
    with suppress(ModelError):
        load_model(path)
