"""The crc32 of the cache's records: zlib's own polynomial, by the quickest code there is.

A cold read computes it of every byte, and ISA-L does so ten times as fast as zlib. Its wheels
are for x86-64 and arm64; elsewhere zlib gives the same numbers.
"""

try:
    from isal.isal_zlib import crc32
except ImportError:
    from zlib import crc32

__all__ = ["crc32"]
