"""Content that says which it is: whoever reads it can tell a mixture from the real thing."""

import hashlib
import random
import re
from typing import Final

_HEAD: Final = re.compile(rb"<(?P<name>[^ ]{1,200}) (?P<version>\d+) (?P<size>\d+)>")
SMALLEST: Final = 300


def content_of(name: str, version: int, size: int) -> bytes:
    """One version of a file: a head that names it, then noise that belongs to the head."""
    head = f"<{name} {version} {size}>".encode()
    seed = hashlib.sha256(head).digest()
    return head + random.Random(seed).randbytes(size - len(head))


def version_of(content: bytes, name: str) -> int:
    """Which version the bytes are; fails unless they are all of that version and no other."""
    head = _HEAD.match(content)
    assert head is not None, f"{name} begins with {content[:40]!r}"
    assert head["name"].decode() == name
    version, size = int(head["version"]), int(head["size"])
    assert content == content_of(name, version, size), f"{name} is a mixture (v{version})"
    return version
