"""What holds for every test: no network, no telemetry, nothing taken over from the shell."""

import ipaddress
import os
import socket
from typing import Any

import pytest

# Before any library reads them.
os.environ.update(
    {
        "DO_NOT_TRACK": "1",
        "DVC_NO_ANALYTICS": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_OFFLINE": "1",
        "MPLBACKEND": "Agg",
        "NO_ALBUMENTATIONS_UPDATE": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
)
for _name in ("AUGMENT_ENGINE", "AUGMENT_WORKERS", "PREFECT_API_URL", "RAY_ADDRESS"):
    os.environ.pop(_name, None)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that would reach another machine fails at once."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        # Ray asks for its own address by a datagram socket, which sends nothing.
        if self.family in (socket.AF_INET, socket.AF_INET6) and self.type == socket.SOCK_STREAM:
            host = str(address[0])
            own = host == "localhost" or ipaddress.ip_address(host).is_loopback
            if not own and host not in _own_addresses():
                raise AssertionError(f"a test wants to reach {host}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _own_addresses() -> set[str]:
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        return set()
