"""A person withdraws: out of every output, cache and made face, and kept out."""

from augment.withdrawing.forget import forget
from augment.withdrawing.request import Request

__all__ = ["Request", "forget"]
