"""A tiny face embedder as an ONNX file: the mean colour of each cell of a grid, from level 128."""

import hashlib
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

SIZE = 16
CELLS = 4


def write_embedder(path: Path, layout: str = "nchw", size: int | str = SIZE) -> dict[str, Any]:
    """Write it; returns the settings of a judge that uses it."""
    shape = [1, 3, size, size] if layout == "nchw" else [1, size, size, 3]
    side = SIZE // CELLS
    pool = helper.make_node("AveragePool", ["planes"], ["cells"], kernel_shape=[side, side],
                            strides=[side, side])  # fmt: skip
    order = [0, 1, 2, 3] if layout == "nchw" else [0, 3, 1, 2]
    nodes = [
        helper.make_node("Transpose", ["face"], ["planes"], perm=order),
        pool,
        helper.make_node("Flatten", ["cells"], ["numbers"]),
    ]
    graph = helper.make_graph(
        nodes,
        "embedder",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("numbers", TensorProto.FLOAT, [1, 3 * CELLS**2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content = model.SerializeToString()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert onnx.load(path)
    return {"model": path, "sha256": hashlib.sha256(content).hexdigest(), "size": SIZE, "shown": 1}
