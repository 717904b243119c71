"""The bytes in which the cache writes down what it holds.

Identity block (512 bytes): the content it belongs to, protected by a crc32. Granule record
(8 bytes): the crc32 of the granule's data, a check that binds it to content and position, and
a last byte that is 1. A record proves itself, so it may be written in place at any time: one
that was torn, copied from elsewhere or zeroed is not a record.
"""

import struct
from collections.abc import Iterable
from itertools import count
from typing import Final

from vofs.cache.checksum import crc32
from vofs.cache.content_identity import ContentIdentity

IDENTITY_BYTES: Final = 512
RECORD_BYTES: Final = 8
ABSENT: Final = bytes(RECORD_BYTES)
# Changes with the layout; a cache written by another version is refetched.
_MAGIC: Final = b"VOFSIDX1"
# magic, granule shift, has md5, length of the id, length, md5, the first bytes of the id.
_IDENTITY: Final = struct.Struct("<8sBBHQ16s")
_CRC: Final = struct.Struct("<I")
_ID_BYTES: Final = IDENTITY_BYTES - _IDENTITY.size - _CRC.size
# The crc32 of the data; above 24 bits of the check, the byte that says "present".
_RECORD: Final = struct.Struct("<II")
_CHECK_MASK: Final = 0xFFFFFF
_CHECK_INPUT: Final = struct.Struct("<QI")
_PRESENT: Final = 1
_PRESENT_BITS: Final = _PRESENT << 24
# The number that stands for "the digest of the whole was checked" in place of a granule's.
_WHOLE: Final = (1 << 63) + 1


def pack_identity(identity: ContentIdentity) -> bytes:
    """The identity block of a content."""
    text = identity.content_id.encode("utf-8", "surrogatepass")
    block = _IDENTITY.pack(
        _MAGIC,
        identity.granule_shift,
        identity.md5 is not None,
        min(len(text), 0xFFFF),
        identity.length,
        identity.md5 or bytes(16),
    ) + text[:_ID_BYTES].ljust(_ID_BYTES, b"\0")
    return block + _CRC.pack(crc32(block))


def describes(block: bytes, identity: ContentIdentity) -> bool:
    """Whether this identity block belongs to this content, read as this version writes it."""
    expected = pack_identity(identity)
    if block == expected:
        return True
    if len(block) != IDENTITY_BYTES or identity.md5 is not None:
        # A digest that one side lacks is no contradiction; a different one is.
        without = ContentIdentity(
            content_id=identity.content_id, length=identity.length, md5=None
        )
        return block == pack_identity(without)
    fields = _IDENTITY.unpack_from(block)
    with_digest = ContentIdentity(
        content_id=identity.content_id, length=identity.length, md5=fields[-1]
    )
    return block == pack_identity(with_digest)


def read_identity(block: bytes) -> tuple[str, int] | None:
    """The content id (cut when long) and the length; None when this is no identity block."""
    if len(block) != IDENTITY_BYTES or not block.startswith(_MAGIC):
        return None
    if _CRC.unpack(block[-_CRC.size :])[0] != crc32(block[: -_CRC.size]):
        return None
    _, _, _, id_length, length, _ = _IDENTITY.unpack_from(block)
    text = block[_IDENTITY.size : -_CRC.size][:id_length]
    # The cut may go through a character.
    return text.decode("utf-8", "replace"), length


class RecordMaker:
    """Makes and reads the granule records of one content."""

    __slots__ = ("_seed",)

    def __init__(self, identity: ContentIdentity) -> None:
        self._seed = crc32(identity.key.encode())

    def record(self, granule: int, crc: int) -> bytes:
        """The record of a granule whose data has this crc32."""
        check = crc32(_CHECK_INPUT.pack(granule, crc), self._seed)
        return _RECORD.pack(crc, check & _CHECK_MASK | _PRESENT_BITS)

    def records(self, first: int, crcs: Iterable[int]) -> bytes:
        """The records of granules that follow one another."""
        return b"".join(map(self.record, count(first), crcs))

    def crc_of(self, granule: int, record: bytes) -> int | None:
        """The crc32 that the granule's data must have; None when this is no record of it."""
        if len(record) != RECORD_BYTES or record[-1] != _PRESENT:
            return None
        (crc,) = _CRC.unpack_from(record)
        return crc if record == self.record(granule, crc) else None

    def whole_record(self) -> bytes:
        """The mark that the digest of the whole content was found right."""
        return self.record(_WHOLE, self._seed)


def presence_of(records: bytes) -> bytes:
    """One byte for each record, not zero where there seems to be one."""
    return records[RECORD_BYTES - 1 :: RECORD_BYTES]
