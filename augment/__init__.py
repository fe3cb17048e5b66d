"""Make face data sets fairness-balanced: audit, plan, generate, gate, and show what it did."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from augment.dataset import BalancedFaces
    from augment.editing import AgeEditor, MaskWearer

__all__ = ["AgeEditor", "BalancedFaces", "MaskWearer", "__version__"]
__version__ = "0.1.0"

_WHERE = {
    "AgeEditor": "augment.editing",
    "BalancedFaces": "augment.dataset",
    "MaskWearer": "augment.editing",
}


def __getattr__(name: str) -> Any:
    # These need torch, which takes seconds to import; the stages that read no pixels must start
    # without it.
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'augment' has no attribute {name!r}")
