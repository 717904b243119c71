"""The crc32 of cached and of written bytes: zlib's polynomial, by the quickest code there is.

A cold read and a close with `-o writeback` compute it of every byte, and ISA-L does so ten
times as fast as zlib. Its wheels are for x86-64 and arm64; elsewhere zlib gives the same.
"""

try:
    from isal.isal_zlib import crc32
except ImportError:
    from zlib import crc32

__all__ = ["crc32"]
