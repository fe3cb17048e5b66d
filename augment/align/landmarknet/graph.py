"""From the weights to a network that onnxruntime runs: ONNX bytes, built in memory.

The package ships one file, safetensors, which holds numbers only and cannot run anything; how its
layers hang together stands in its metadata. A second file in ONNX's own format might disagree with
it. ONNX files are protocol buffers (https://protobuf.dev/programming-guides/encoding); the few
messages needed here are written directly, so that the package does not depend on ``onnx``. Field
numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augment.types import FloatArray

_IR_VERSION, _OPSET = 8, 13
_FLOAT = 1  # TensorProto.DataType


@dataclass(frozen=True)
class Layout:
    """What the file's metadata says: layers as mappings, and how to read the answers."""

    body: Sequence[Sequence[Mapping[str, Any]]]  # one stack a stride, each on the one before
    side: Sequence[Mapping[str, Any]]  # one a stride: into the pyramid
    head: Sequence[Mapping[str, Any]]  # on each level of the pyramid
    strides: Sequence[int]
    unit: float  # of boxes and points, in strides
    middle: float  # is taken from pixel levels


def read_layout(content: bytes) -> Layout:
    """The layout in the header of a safetensors file's bytes."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    return Layout(**json.loads(header["__metadata__"]["layout"]))


def model(layout: Layout, weights: Mapping[str, FloatArray]) -> bytes:
    """A serialized ONNX model: ``photo`` (1, 3, height, width) -> one map a stride."""
    nodes: list[bytes] = []
    taps = []
    name = "photo"
    for stack, side in zip(layout.body, layout.side, strict=True):
        for layer in stack:
            name = _layer(nodes, layer, name)
        taps.append(_layer(nodes, side, name))
    for level in reversed(range(len(taps) - 1)):
        larger = f"larger_{level}"
        nodes.append(_resize(taps[level + 1], larger))
        nodes.append(_node("Add", [taps[level], larger], f"level_{level}"))
        taps[level] = f"level_{level}"
    answers = []
    for level, name in enumerate(taps):
        for layer in layout.head:
            own = f"_{level}" if f"{layer['name']}.factors" in weights else ""
            name = _layer(nodes, layer, name, f"_{level}", own)
        answers.append(name)
    arrays = {"twice": np.array([1, 1, 2, 2], np.float32)}
    for name, array in weights.items():
        arrays |= _by_level(name, array, weights)
    tensors = [_tensor(name, array) for name, array in arrays.items()]
    channels = layout.head[-1]["outputs"]
    graph = b"".join(
        [_field(1, node) for node in nodes]
        + [_field(2, b"landmarknet")]
        + [_field(5, tensor) for tensor in tensors]
        + [_field(11, _value("photo", [1, 3, "height", "width"]))]
        + [
            _field(12, _value(name, [1, channels, f"height_{level}", f"width_{level}"]))
            for level, name in enumerate(answers)
        ]
    )
    opset = _field(1, b"") + _number(2, _OPSET)
    return _number(1, _IR_VERSION) + _field(7, graph) + _field(8, opset)


def _by_level(
    name: str, array: FloatArray, weights: Mapping[str, FloatArray]
) -> dict[str, FloatArray]:
    """The arrays as the nodes take them. A layer that all levels share has one weight in the file,
    and for each level factors and biases of its outputs.
    """
    layer, kind = name.rsplit(".", 1)
    factors = weights.get(f"{layer}.factors")
    if factors is None:
        return {name: array}
    if kind == "weight":
        return {
            f"{layer}_{level}.weight": array * factor[:, None, None, None]
            for level, factor in enumerate(factors)
        }
    if kind == "biases":
        return {f"{layer}_{level}.bias": bias for level, bias in enumerate(array)}
    return {}


def _layer(
    nodes: list[bytes], layer: Mapping[str, Any], given: str, copy: str = "", own: str = ""
) -> str:
    """Add a layer's nodes; returns the name of what it gives.

    Args:
        nodes: of the graph so far.
        layer: its settings.
        given: the name of its input.
        copy: makes the names of a layer differ that is there more than once.
        own: what the names of its arrays end in.
    """
    name, kernel, margin = layer["name"], layer["kernel"], layer["kernel"] // 2
    result = f"{name}{copy}"
    nodes.append(
        _node(
            "Conv",
            [given, f"{name}{own}.weight", f"{name}{own}.bias"],
            result,
            _integers("kernel_shape", [kernel, kernel]),
            _integers("strides", [layer["stride"]] * 2),
            _integers("pads", [margin] * 4),
            _integer("group", layer["inputs"] if layer["depthwise"] else 1),
        )
    )
    if layer["residual"]:
        nodes.append(_node("Add", [result, given], f"{result}+"))
        result = f"{result}+"
    if layer["rectified"]:
        nodes.append(_node("Relu", [result], f"{result}>0"))
        result = f"{result}>0"
    return result


def _resize(given: str, result: str) -> bytes:
    """To twice the size, each value four times."""
    return _node(
        "Resize",
        [given, "", "twice"],
        result,
        _text("coordinate_transformation_mode", "asymmetric"),
        _text("mode", "nearest"),
        _text("nearest_mode", "floor"),
    )


def _node(kind: str, given: Sequence[str], result: str, *attributes: bytes) -> bytes:
    return b"".join(
        [_field(1, name.encode()) for name in given]
        + [_field(2, result.encode()), _field(3, result.encode()), _field(4, kind.encode())]
        + [_field(5, attribute) for attribute in attributes]
    )


def _integer(name: str, value: int) -> bytes:
    return _field(1, name.encode()) + _number(3, value) + _number(20, 2)


def _integers(name: str, values: Sequence[int]) -> bytes:
    numbers = b"".join(_number(8, value) for value in values)
    return _field(1, name.encode()) + numbers + _number(20, 7)


def _text(name: str, value: str) -> bytes:
    return _field(1, name.encode()) + _field(4, value.encode()) + _number(20, 3)


def _tensor(name: str, array: FloatArray) -> bytes:
    sides = b"".join(_number(1, side) for side in array.shape)
    content = np.ascontiguousarray(array, dtype="<f4").tobytes()
    return sides + _number(2, _FLOAT) + _field(8, name.encode()) + _field(9, content)


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    sides = b"".join(
        _field(1, _number(1, side) if isinstance(side, int) else _field(2, side.encode()))
        for side in shape
    )
    tensor = _number(1, _FLOAT) + _field(2, sides)
    return _field(1, name.encode()) + _field(2, _field(1, tensor))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field: text, bytes, or a message."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    """Seven bits a byte, lowest first; the eighth says that more follow."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
