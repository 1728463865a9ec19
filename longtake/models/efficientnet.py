"""EfficientNet-Lite0: names what an image shows, and places images in the space of texts.

The network (Tan & Le, "EfficientNet", ICML 2019; the Lite form has ReLU6, no squeeze and
excitation and a fixed stem and head) is written out here for weights whose batch norms can be
folded into the convolutions. Padding is TensorFlow's "same": the odd pixel at the far edge.

An image's vector is the sum of its likeliest classes' text vectors, weighted by probability
(ConSE: Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings",
ICLR 2014), so any text can be compared with any image.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longtake.models.protocols import Image
from longtake.models.quiet import threads_of, torch_threads

# (kernel, stride, repeats) of each stage; widths are read from the weights.
_STAGES = ((3, 1, 1), (3, 2, 2), (5, 2, 2), (3, 2, 3), (5, 1, 3), (5, 2, 4), (3, 1, 1))
_SIDE = 224
_MEAN, _STD = 127.0, 128.0
_EPSILON = 1e-3


@dataclass(frozen=True, slots=True)
class Labels:
    """Names of the classes: one readable label and WordNet lemmas each, and broader groups."""

    labels: tuple[str, ...]
    lemmas: tuple[tuple[str, ...], ...]
    groups: tuple[tuple[str, tuple[int, ...]], ...]


@cache
def labels() -> Labels:
    """Read the names of the thousand ImageNet classes."""
    text = resources.files("longtake.models").joinpath("imagenet_labels.json").read_text("utf-8")
    read = json.loads(text)
    return Labels(
        tuple(entry["label"] for entry in read["classes"]),
        tuple(tuple(entry["lemmas"]) for entry in read["classes"]),
        tuple((name, tuple(members)) for name, members in read["groups"].items()),
    )


class EfficientNetLite0:
    """The network alone: images to class probabilities."""

    def __init__(self, weights: Path, *, threads: int = 0) -> None:
        from safetensors.torch import load_file

        self._pool = ThreadPoolExecutor(threads_of(threads), "sight", lambda: torch_threads(1))
        state = load_file(weights)
        self._stem = _folded(state, "_conv_stem", "_bn0")
        self._blocks = []
        index = 0
        for kernel, stride, repeats in _STAGES:
            for repeat in range(repeats):
                block = _block(state, f"_blocks.{index}")
                self._blocks.append((kernel, stride if repeat == 0 else 1, block))
                index += 1
        self._head = _folded(state, "_conv_head", "_bn1")
        self._classes = (state["_fc.weight"], state["_fc.bias"])
        self._run = self._pool.submit(self._compiled).result()

    def probabilities(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return [len(images), 1000] probabilities.

        Images run one by one, each on one thread: for a network this small that is faster than
        batches, and an image's probabilities never depend on its company.
        """
        rows = np.zeros((len(images), 1000), np.float32)
        for row, found in zip(rows, self._pool.map(self._one, images), strict=True):
            row[:] = found
        return rows

    def _one(self, image: Image) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            x = torch.from_numpy(_prepare(image)).permute(2, 0, 1).unsqueeze(0)
            return np.asarray(torch.softmax(self._run(x), dim=1)[0].numpy())

    def _compiled(self) -> Any:
        """The network traced, with weights laid out for this processor: half the time."""
        import torch

        module = torch.nn.Module()
        module.forward = self._forward
        example = torch.zeros((1, 3, _SIDE, _SIDE))
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            jit: Any = torch.jit
            traced = jit.freeze(jit.trace(module.eval(), example, check_trace=False))
            fast = jit.optimize_for_inference(traced)
            for _ in range(3):  # The executor settles on its plan before the first real image.
                fast(example)
        return fast

    def _forward(self, x: Any) -> Any:
        import torch

        relu6 = torch.nn.functional.relu6
        x = relu6(_convolve(x, self._stem, 3, 2))
        for kernel, stride, (expand, depthwise, project) in self._blocks:
            y = relu6(_convolve(x, expand, 1, 1)) if expand else x
            y = relu6(_convolve(y, depthwise, kernel, stride, groups=y.shape[1]))
            y = _convolve(y, project, 1, 1)
            x = x + y if y.shape == x.shape and stride == 1 else y
        x = relu6(_convolve(x, self._head, 1, 1)).mean((2, 3))
        return torch.nn.functional.linear(x, *self._classes)


def _block(state: dict[str, Any], name: str) -> tuple[Any, Any, Any]:
    expand = None
    if f"{name}._expand_conv.weight" in state:
        expand = _folded(state, f"{name}._expand_conv", f"{name}._bn0")
    depthwise = _folded(state, f"{name}._depthwise_conv", f"{name}._bn1")
    return expand, depthwise, _folded(state, f"{name}._project_conv", f"{name}._bn2")


def _folded(state: dict[str, Any], convolution: str, norm: str) -> tuple[Any, Any]:
    """A convolution with the batch norm behind it folded in: (weight, bias)."""
    import torch

    scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + _EPSILON)
    weight = state[f"{convolution}.weight"] * scale[:, None, None, None]
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return weight.contiguous(memory_format=torch.channels_last), bias


def _convolve(x: Any, weights: tuple[Any, Any], kernel: int, stride: int, groups: int = 1) -> Any:
    import torch

    padding: list[int] = []
    for size in (x.shape[3], x.shape[2]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        padding += [total // 2, total - total // 2]
    if padding[0] == padding[1] == padding[2] == padding[3]:
        return torch.nn.functional.conv2d(
            x, *weights, stride=stride, padding=padding[0], groups=groups
        )
    x = torch.nn.functional.pad(x, padding)
    return torch.nn.functional.conv2d(x, *weights, stride=stride, groups=groups)


def _prepare(image: Image) -> NDArray[np.float32]:
    """The whole image, squeezed to the network's square: nothing at the edges is cut off."""
    import cv2

    shrinks = min(image.shape[:2]) >= _SIDE
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    square = cv2.resize(image, (_SIDE, _SIDE), interpolation=way)
    return (np.asarray(square, np.float32) - _MEAN) / _STD
