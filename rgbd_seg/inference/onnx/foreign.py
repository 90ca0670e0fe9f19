"""Somebody else's network for ONNX Runtime: its file between the two ends that its card describes."""

from __future__ import annotations

import numpy as np

from rgbd_seg.errors import ModelError
from rgbd_seg.inference.chain import Chain
from rgbd_seg.inference.foreign.ends import postprocessing, preprocessing
from rgbd_seg.inference.foreign.file import NetworkFile
from rgbd_seg.inference.onnx.runtime import find_provider, open_sessions
from rgbd_seg.inference.resize import Size

_ONNX_TYPES = {"float32": "float", "float16": "float16", "int64": "int64", "int32": "int32", "uint8": "uint8"}


class OnnxNetwork(NetworkFile):
    """An ONNX file and its card as three models that run one after the other."""

    def parts(self, frame_size: Size) -> Chain:
        """The models for frames of that size, without smoothing; each is the path of a file, or its bytes."""
        return Chain(
            {
                "before": lambda: preprocessing(self.card, frame_size).SerializeToString(),
                "network": lambda: str(self.path),
                "behind": lambda: self._behind(frame_size),
            }
        )

    def _behind(self, frame_size: Size) -> bytes:
        element, shape = self._output_of_a_trial()
        self.check_output(shape)
        data: bytes = postprocessing(self.card, element, shape, frame_size).SerializeToString()
        return data

    def _output_of_a_trial(self) -> tuple[str, tuple[int, ...]]:
        """Element type and shape of the output, by running the network once: files may leave them open."""
        (network,) = open_sessions([str(self.path)], find_provider("cpu"), None)
        before = preprocessing(self.card, self.card.size)
        shapes = {
            output.name: [d.dim_value for d in output.type.tensor_type.shape.dim] for output in before.graph.output
        }
        try:
            (result,) = network.run(
                [self.card.output.output], {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
            )
        except Exception as error:  # ONNX Runtime's own exceptions have no common base.
            raise ModelError(f"{self.path.name} does not take what its card says: {str(error)[:500]}") from None
        element = _ONNX_TYPES.get(result.dtype.name)
        if element is None:
            raise ModelError(f"the network's output has the type {result.dtype.name}, which is not supported")
        return element, result.shape
