"""Sizes as people write them, with one meaning for the server and the mount.

`10GiB` is ten times 1024 to the third bytes, `10GB` ten times 1000 to the third.
"""

import re

_FACTORS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "PB": 10**15,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
    "PIB": 2**50,
}
_BINARY_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")
_SIZE = re.compile(r"(\d{1,18})(?:\.(\d{1,6}))?\s*([A-Za-z]*)", re.ASCII)
# A signed 64-bit column holds it.
MAX_SIZE = 2**63 - 1


def parse_size(text: str) -> int:
    """Bytes of `4096`, `10GiB`, `1.5 TB`, `512k`… ; raises ValueError with a sentence.

    One letter means the binary unit, as `df -h` writes it: `10G` is `10GiB`.
    """
    match = _SIZE.fullmatch(text.strip())
    unit = match[3].upper() if match else ""
    if len(unit) == 1 and unit != "B":
        unit += "IB"
    if match is None or unit not in _FACTORS:
        raise ValueError(f"{text!r} is not a size; write bytes, or a unit as in 500MB or 10GiB")
    fraction = match[2] or ""
    size = int(match[1] + fraction) * _FACTORS[unit] // int("1" + "0" * len(fraction))
    if size > MAX_SIZE:
        raise ValueError(f"{text!r} is more than a service can count (8 EiB)")
    return size


def format_size(size_bytes: int) -> str:
    """The size in the largest binary unit that it fills, at most one decimal: `1.5 GiB`."""
    if size_bytes < 2**10:
        return f"{size_bytes} B"
    exponent = min((size_bytes.bit_length() - 1) // 10, len(_BINARY_UNITS))
    value = size_bytes / 2 ** (10 * exponent)
    return f"{value:.1f}".removesuffix(".0") + f" {_BINARY_UNITS[exponent - 1]}"
