"""Make face data sets fairness-balanced: audit, plan, generate, gate, and show what it did."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from augment.dataset import BalancedFaces

__all__ = ["BalancedFaces", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # BalancedFaces needs torch, which takes seconds to import; the stages that read no
    # pixels must start without it.
    if name == "BalancedFaces":
        from augment.dataset import BalancedFaces

        return BalancedFaces
    raise AttributeError(f"module 'augment' has no attribute {name!r}")
