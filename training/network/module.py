"""The training step: DeResUNet with its loss, its optimiser and its scores, as a Lightning module."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Literal

import lightning
import numpy as np
import torch
from lightning.pytorch.trainer.states import TrainerFn
from numpy.typing import NDArray
from torch import Tensor, nn

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from rgbd_seg.models.card import IMAGENET_MEAN, IMAGENET_STD
from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig, Fusion, pad_to_stride
from rgbd_seg.models.encoders import parameters_up_to
from rgbd_seg.models.imagenet import color_statistics
from rgbd_seg.models.model_file import ModelCard
from training.data.data_module import RgbdData
from training.data.depth_statistics import DepthStatistics
from training.data.sample import Size
from training.data.survey import class_pixels, median_frequency_weights
from training.network.depthwise import hasten_depthwise
from training.network.initial_weights import load_initial_weights
from training.network.loss import lovasz_softmax, targets, weighted_cross_entropy
from training.network.schedule import OptimizerOptions, build_optimizer, rate_at, training_progress
from training.network.scoring import Scoring, confusion_of, scores_of
from training.scores import Scores

_log = logging.getLogger(__name__)
_PRECISIONS = ("32-true", "16-mixed", "bf16-mixed")
_NARROW = 16
_PICTURES_FOR_WEIGHTS = 1000


class SegmentationModule(lightning.LightningModule):
    """Trains one member of the DeResUNet family on batches of `training.data.data_module`.

    `card` describes the network, its classes and its input; it travels in every checkpoint.
    """

    color_mean: Tensor
    color_std: Tensor
    depth_mean: Tensor
    depth_std: Tensor
    class_weights: Tensor | None

    def __init__(
        self,
        label_set: LabelSet,
        size: Size,
        depth: DepthStatistics,
        encoder: str = "resnet50",
        fusion: Fusion = "dual",
        base_width: int = 64,
        decoder_widths: tuple[int, int, int, int, int] = (2048, 1024, 512, 256, 64),
        tail_width: int = 8,
        name: str = "DeResUNet",
        trained_on: str = "",
        licence: str = "",
        initial_weights: str = "random",
        optimizer: OptimizerOptions = OptimizerOptions(),  # noqa: B008 (frozen)
        side_weight: float = 0.0,
        lovasz_weight: float = 0.0,
        class_weights: Sequence[float] | Literal["auto"] | None = None,
        label_smoothing: float = 0.0,
        freeze_batch_norm: bool | Literal["encoders"] = False,
        frozen_scales: int = 0,
        channels_last: bool = True,
    ) -> None:
        """Builds the network.

        Args:
            label_set: The classes; comes from the data.
            size: Input (height, width); comes from the data.
            depth: Statistics of the training depth; comes from the data.
            encoder: "resnet18", "resnet34", "resnet50", or a network of timm or torchvision, such as
                "timm:tf_efficientnet_lite0".
            fusion: How colour and depth come together: "dual", "early", "color" or "depth".
            base_width: Channels of an encoder's stem.
            decoder_widths: Channels of the decoder, coarse to fine.
            tail_width: Channels at full resolution.
            name: How people call the model.
            trained_on: Training data in words, for the card; empty for what the data say of themselves.
            licence: Terms of use of the weights, for the card.
            initial_weights: "random", "imagenet" (encoders only), or a model file ("real", "real-fine", "demo": ours)
                whose weights are taken wherever they fit; a head for other classes starts anew.
            optimizer: Optimiser and schedule of its learning rate.
            side_weight: Weight of additional losses at 1/8, 1/16 and 1/32 of the input; 0 for none.
            lovasz_weight: Weight of the Lovász-Softmax loss, which stands for the mean IoU itself; 0 for none.
            class_weights: Weight of each class in the loss, None for equal ones; "auto": median frequency weights of up
                to 1,000 training pictures, none above 5 (the command `data` shows them).
            label_smoothing: Share of each target that is spread over all classes.
            freeze_batch_norm: Keeps the running statistics of batch normalisation (for tiny batches or fine-tuning):
                everywhere, or those of the pretrained "encoders" alone.
            frozen_scales: How many scales of the encoders, the finest first, keep the weights that they begin with; no
                gradient is computed for them, which saves time.
            channels_last: Memory layout that is faster on CPUs and tensor cores.
        """
        super().__init__()
        config = DeResUNetConfig(len(label_set), encoder, fusion, base_width, decoder_widths, tail_width)
        color = color_statistics(encoder) or (IMAGENET_MEAN, IMAGENET_STD)
        self.card = ModelCard(
            name,
            config,
            label_set,
            (size[0], size[1]),
            color_mean=color[0],
            color_std=color[1],
            depth_mean_m=depth.mean_m,
            depth_std_m=depth.std_m,
            depth_max_m=depth.max_m,
            trained_on=trained_on,
            licence=licence,
        )
        self._auto_weights = class_weights == "auto"
        if class_weights == "auto":
            class_weights = [1.0] * len(label_set)  # Until the data are known.
        if class_weights is not None and len(class_weights) != len(label_set):
            raise ConfigurationError(
                f"model.class_weights has {len(class_weights)} numbers, but there are {len(label_set)} classes"
            )
        self.network = DeResUNet(config)
        self.initialised_by = load_initial_weights(self.network, label_set, initial_weights)
        if not 0 <= frozen_scales <= 5:
            raise ConfigurationError(f"model.frozen_scales must be 0..5, not {frozen_scales}")
        for part in (self.network.encoder.color, self.network.encoder.depth):
            if frozen_scales and part is not None:
                for parameter in parameters_up_to(part, frozen_scales):
                    parameter.requires_grad_(False)
        self._layout = torch.contiguous_format
        if channels_last:
            self._adopt_layout(torch.channels_last)
        self._optimizer_options = optimizer
        self._side_weight = side_weight
        self._lovasz_weight = lovasz_weight
        self._smoothing = label_smoothing
        self._freeze_batch_norm = freeze_batch_norm
        self.sides = nn.ModuleList()
        if side_weight > 0:
            self.sides = nn.ModuleList(nn.Conv2d(width, len(label_set), 1) for width in config.decoder_widths[:3])
        weights = torch.tensor(class_weights) if class_weights is not None else None
        self.register_buffer("class_weights", weights, persistent=False)
        for name_, mean, std in (
            ("color", self.card.color_mean, self.card.color_std),
            ("depth", (depth.mean_m,), (depth.std_m,)),
        ):
            self.register_buffer(f"{name_}_mean", torch.tensor(mean).reshape(-1, 1, 1), persistent=False)
            self.register_buffer(f"{name_}_std", torch.tensor(std).reshape(-1, 1, 1), persistent=False)
        self.scoring = Scoring(label_set.names)
        self.train_confusion = confusion_of(label_set.names)
        self.validation: Scores | None = None
        self.kept_weights = ""  # "averaged" or "plain", where weights are averaged.
        self._plateau: torch.optim.lr_scheduler.ReduceLROnPlateau | None = None
        self._restored_plateau: dict[str, Any] | None = None
        self.last_batch: dict[str, Any] = {}
        self.last_prediction: list[NDArray[np.uint8]] = []

    def normalized(self, color: Tensor, depth_m: Tensor) -> tuple[Tensor, Tensor]:
        """What the network is fed: as the deployed graph does it.

        Args:
            color: (N, 3, h, w) uint8.
            depth_m: (N, 1, h, w) float32 metres, 0 = hole.

        Returns:
            Normalised colour and depth, float32; holes are 0 after normalisation.
        """
        normal_color = (color.float() / 255 - self.color_mean) / self.color_std
        normal_depth = (depth_m.clamp(max=self.card.depth_max_m) - self.depth_mean) / self.depth_std
        normal_depth = torch.where(depth_m > 0, normal_depth, torch.zeros_like(normal_depth))
        return normal_color.contiguous(memory_format=self._layout), normal_depth

    def forward(self, color: Tensor, depth_m: Tensor) -> Tensor:
        """Logits (N, classes, h, w) of uint8 colour and depth in metres."""
        return self.network(*self.normalized(color, depth_m))  # type: ignore[no-any-return]

    def training_step(self, batch: dict[str, Any], batch_index: int) -> Tensor:
        """The loss of one batch."""
        self.last_batch = batch
        target = targets(torch.stack(list(batch["labels"])))
        color, depth = (pad_to_stride(p) for p in self.normalized(batch["color"], batch["depth_m"]))
        scales = self.network.decode(color, depth)
        height, width = target.shape[-2:]
        logits = self.network.classify_features(scales[-1])[..., :height, :width]
        weights = batch["weights"]
        loss = self._loss(logits, target, weights)
        self.log("train/loss", loss.detach(), prog_bar=True, batch_size=len(target))
        if self._lovasz_weight > 0:
            loss = loss + self._lovasz_weight * lovasz_softmax(logits, target, weights)
        for side, features in zip(self.sides, scales, strict=False):
            step = color.shape[-1] // features.shape[-1]
            coarse = target[..., step // 2 :: step, step // 2 :: step]
            logits_side = side(features)[..., : coarse.shape[-2], : coarse.shape[-1]]
            loss = loss + self._side_weight * self._loss(logits_side, coarse, weights)
        self.train_confusion.update(logits.detach().argmax(1), target)
        return loss

    def _loss(self, logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        total, count = weighted_cross_entropy(logits, target, weights, self.class_weights, self._smoothing)
        if self.trainer.world_size > 1:  # The average over the processes is then the loss of the whole batch.
            count = self.trainer.strategy.reduce(count, reduce_op="mean")
        return total / count.clamp(min=torch.finfo(count.dtype).tiny)

    def setup(self, stage: str) -> None:
        """Refuses precisions that spoil depth, and keeps narrow networks in the layout that is safe for them.

        Raises:
            ConfigurationError: The precision is none of those that leave weights and input in float32.
        """
        if self.trainer.precision not in _PRECISIONS:
            raise ConfigurationError(
                f"trainer.precision must be one of {', '.join(_PRECISIONS)}, not {self.trainer.precision}: others "
                "change the input too, and half precision tells depth to centimetres only"
            )
        # With fewer than 16 channels, channels last, oneDNN writes beyond its memory in the backward pass of strided
        # 1x1 convolutions, as between stages (PyTorch 2.14, bfloat16 of AVX-512): "double free or corruption".
        in_bfloat16 = self.trainer.precision == "bf16-mixed" and self.trainer.strategy.root_device.type == "cpu"
        if in_bfloat16 and self.card.network.base_width < _NARROW:
            self._adopt_layout(torch.contiguous_format)
        if in_bfloat16:
            hasten_depthwise(self.network)

    def _adopt_layout(self, layout: torch.memory_format) -> None:
        self.network = self.network.to(memory_format=layout)
        self._layout = layout

    def on_fit_start(self) -> None:
        """Says on the card what is trained on, where the recipe does not, and always that a model made the labels."""
        data = getattr(self.trainer, "datamodule", None)
        if not isinstance(data, RgbdData):
            return
        if not self.card.trained_on:  # Without a word it means random weights.
            self.card = replace(self.card, trained_on=data.description)
        if self._auto_weights and self.class_weights is not None:
            weights = median_frequency_weights(class_pixels(data.pictures("train"), _PICTURES_FOR_WEIGHTS))
            self.class_weights.copy_(torch.from_numpy(weights))
        if data.predicted:
            _log.warning("the labels are %s, not truth: the network learns that model's mistakes", data.predicted)
        known = {"labels": data.predicted, "depth": data.depth_kind}
        self.card = replace(self.card, details={**self.card.details, **{k: v for k, v in known.items() if v}})

    def on_train_start(self) -> None:
        """Freezes what is to be frozen: Lightning itself leaves the modes of modules as it finds them."""
        self.train()

    def on_train_epoch_start(self) -> None:
        """Clears the training scores."""
        self.train_confusion.reset()

    def on_train_epoch_end(self) -> None:
        """Logs the training scores of the epoch.

        Raises:
            ConfigurationError: There was nothing to learn from: no pixel of the epoch had a label.
        """
        if not self.train_confusion.update_called:
            return  # The run goes on from a checkpoint after the last step of an epoch, whose scores were told then.
        scores = scores_of(self.train_confusion, self.card.label_set.names)
        if not scores.matrix.any():
            raise ConfigurationError(
                f"no pixel of epoch {self.current_epoch} had a label: all were void (0). Look at the labels with the "
                "command show"
            )
        self.log("train/miou", scores.miou, prog_bar=True, sync_dist=True)

    def train(self, mode: bool = True) -> SegmentationModule:
        """Training or evaluation mode; frozen batch normalisation stays in evaluation mode."""
        super().train(mode)
        if mode and self._freeze_batch_norm:
            frozen = self.network.encoder if self._freeze_batch_norm == "encoders" else self
            for module in frozen.modules():
                if isinstance(module, nn.BatchNorm2d | nn.SyncBatchNorm):
                    module.eval()
        return self

    def validation_step(self, batch: dict[str, Any], batch_index: int) -> None:
        """Scores one batch at the labels' own sizes."""
        self.score(batch)

    def score(self, batch: dict[str, Any]) -> None:
        """Adds one batch to the scores."""
        self.last_prediction = self.scoring.add(self(batch["color"], batch["depth_m"]), batch["labels"])

    def on_validation_epoch_start(self) -> None:
        self.scoring.reset()

    def on_validation_epoch_end(self) -> None:
        """Logs mIoU, the accuracies, and the IoU of every class."""
        scores, loss = self.scoring.scores(), self.scoring.loss
        if not self.trainer.sanity_checking:  # Scores of weights that have learned nothing belong on no card.
            self.validation = scores
            if self._plateau is not None and self.trainer.state.fn == TrainerFn.FITTING:
                self._plateau.step(loss)
        # All processes have the same figures; sync_dist only tells Lightning so.
        self.log("val/loss", loss, prog_bar=True, sync_dist=True)
        self.log("val/miou", scores.miou, prog_bar=True, sync_dist=True)
        self.log("val/pixel_accuracy", scores.pixel_accuracy, sync_dist=True)
        self.log("val/mean_accuracy", scores.mean_accuracy, sync_dist=True)
        for class_name, iou in zip(scores.names, scores.iou, strict=True):
            self.log(f"iou/{class_name}", float(iou), sync_dist=True)

    def test_step(self, batch: dict[str, Any], batch_index: int) -> None:
        """The same as a validation step."""
        self.validation_step(batch, batch_index)

    on_test_epoch_start = on_validation_epoch_start
    on_test_epoch_end = on_validation_epoch_end

    @property
    def learning_rate(self) -> float:
        """The optimiser's rate at its highest."""
        return self._optimizer_options.learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self._optimizer_options = replace(self._optimizer_options, learning_rate=rate)

    def configure_optimizers(self) -> Any:
        """The optimiser and its schedule."""
        options = self._optimizer_options
        optimizer = build_optimizer(self, options)
        if options.schedule == "constant":
            return optimizer
        if options.schedule == "plateau":
            # Stepped with each validation: Lightning would do so after the checkpoints of the epoch are written, and a
            # run that goes on from them would leave the step out.
            self._plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=options.patience)
            if self._restored_plateau is not None:
                self._plateau.load_state_dict(self._restored_plateau)
            return optimizer
        rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: rate_at(training_progress(self.trainer), options))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rate, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds the card, so that a checkpoint can be evaluated and exported, and what else a run goes on with."""
        checkpoint["card"] = self.finished_card().to_json()
        is_between = self.trainer.fit_loop.epoch_loop.batch_progress.is_last_batch  # The next epoch counts for itself.
        if self.train_confusion.update_called and not is_between:
            checkpoint["train_confusion"] = self.train_confusion.compute().cpu()
        if self._plateau is not None:
            checkpoint["plateau"] = self._plateau.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes back what a run goes on with."""
        if "train_confusion" in checkpoint and self.trainer.is_global_zero:  # It is the sum over all processes.
            self.train_confusion.confmat += checkpoint["train_confusion"].to(self.train_confusion.confmat)
        self._restored_plateau = checkpoint.get("plateau")

    def finished_card(self) -> ModelCard:
        """The card with the latest validation scores and what is known of the run."""
        scores = {f"val_{k}": v for k, v in self.validation.summary().items()} if self.validation is not None else {}
        finite = {k: v for k, v in scores.items() if v == v}
        details = dict(self.card.details) | {
            "steps": str(self.global_step),
            "optimizer": str(asdict(self._optimizer_options)),
        }
        if self.kept_weights:
            details["weights"] = self.kept_weights
        return replace(self.card, scores=finite, details=details)
