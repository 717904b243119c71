"""Made-up content for tests."""

import hashlib
import random

MEBIBYTE = 1024 * 1024


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes without a pattern, the same for the same seed."""
    return random.Random(seed).randbytes(size)


def md5(data: bytes) -> str:
    """The MD5 of some bytes, in hexadecimal."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
