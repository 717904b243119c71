"""Tells systemd that a unit of `Type=notify` is up (sd_notify(3), without its library)."""

import socket
from collections.abc import Mapping


def notify_ready(environment: Mapping[str, str]) -> None:
    """Send READY=1 where the environment says so; nothing otherwise."""
    address = environment.get("NOTIFY_SOCKET")
    if not address:
        return
    # A leading @ means a socket without a file.
    name = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier:
        notifier.sendto(b"READY=1\n", name)
