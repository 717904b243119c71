"""HDUs of the new file, each of a length that is known before its first byte."""

import math
import typing
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from astropy.io import fits

from vospace_model.faults import InvalidData
from vospace_server.fits.keywords import AxisCut

_BLOCK: Final = 2880
# So much of an image is in memory at a time, about.
_SLAB_BYTES: Final = 8 << 20
_COPY_BYTES: Final = 1 << 20

# From and up to where, on each axis from the slowest, counted from 0 in the part.
Block = tuple[tuple[int, int], ...]


class Piece(typing.Protocol):
    """One HDU of the new file."""

    @property
    def length(self) -> int:
        """Its bytes, padding included."""

    def chunks(self) -> Iterator[bytes]:
        """Them."""


def is_image(hdu: Any) -> bool:
    """Whether an HDU has pixels to cut."""
    kinds = (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)
    grouped = isinstance(hdu, fits.GroupsHDU)
    return isinstance(hdu, kinds) and not grouped and bool(hdu.shape) and 0 not in hdu.shape


def encoded(header: fits.Header) -> bytes:
    """A header as it is stored."""
    text: str = header.tostring(sep="", endcard=True, padding=True)
    return text.encode("ascii")


class HeaderOnly:
    """An HDU that is only a header."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def chunks(self) -> Iterator[bytes]:
        """The header."""
        yield self._content


class StoredHdu:
    """An HDU as it is stored."""

    def __init__(self, hdu: Any) -> None:
        place = hdu.fileinfo()
        self._file = place["file"]
        self._start = place["hdrLoc"]
        self.length = place["datLoc"] + place["datSpan"] - place["hdrLoc"]

    def chunks(self) -> Iterator[bytes]:
        """Header and data, copied."""
        offset, stop = self._start, self._start + self.length
        while offset < stop:
            self._file.seek(offset)
            chunk = bytes(self._file.read(min(_COPY_BYTES, stop - offset)))
            if not chunk:
                raise InvalidData("the file is shorter than its headers say")
            offset += len(chunk)
            yield chunk


class CutImage:
    """A header, and the pixels of a section in the order of FITS, first axis fastest.

    Pixels of floating point may be divided by something.
    """

    def __init__(
        self, hdu: Any, cuts: Sequence[AxisCut], header: bytes, *, divisor: int = 1
    ) -> None:
        self._section = hdu.section
        # numpy counts axes from the slowest.
        self._cuts = tuple(reversed(cuts))
        self._tiles = tuple(getattr(hdu, "tile_shape", ()) or (1,) * len(cuts))
        self._pixel_bytes = abs(int(hdu.header["BITPIX"])) // 8
        self._header = header
        self._divisor = divisor
        count = math.prod(cut.count for cut in cuts)
        self._data_bytes = count * self._pixel_bytes
        self._padding = -self._data_bytes % _BLOCK
        self.length = len(header) + self._data_bytes + self._padding

    def chunks(self) -> Iterator[bytes]:
        """The header, and the pixels slab by slab."""
        yield self._header
        sent = 0
        for slab in self._slabs(tuple((0, cut.count) for cut in self._cuts)):
            chunk = self._pixels(slab)
            sent += len(chunk)
            yield chunk
        if sent != self._data_bytes:
            raise InvalidData("the file does not have the pixels that its headers promise")
        if self._padding:
            yield bytes(self._padding)

    def _slabs(self, wanted: Block) -> Iterator[Block]:
        """Pieces of a block of output pixels that fit into memory, in the order of FITS."""
        spans = [stop - start for start, stop in wanted]
        axis = next((n for n, span in enumerate(spans) if span > 1), None)
        # Pixels between those that are taken are read as well on the first axis of FITS and
        # within a tile, which is unpacked whole; elsewhere each is read alone.
        singly = any(
            abs(cut.step) > 1 and span > 1 and tile == 1
            for cut, span, tile in zip(self._cuts, spans, self._tiles, strict=True)
            if cut is not self._cuts[-1]
        )
        read = (
            (span - 1) * abs(cut.step) + 1 for cut, span in zip(self._cuts, spans, strict=True)
        )
        size = math.prod(read) * self._pixel_bytes
        if axis is None or (size <= _SLAB_BYTES and not singly):
            yield wanted
            return
        most = 1 if singly else max(1, _SLAB_BYTES // max(1, size // spans[axis]))
        for run in self._divided(axis, *wanted[axis], most):
            part = (*wanted[:axis], run, *wanted[axis + 1 :])
            if part == wanted:
                # A tile larger than that has to be unpacked whole in any case.
                yield wanted
            else:
                yield from self._slabs(part)

    def _divided(
        self, axis: int, start: int, stop: int, most: int
    ) -> Iterator[tuple[int, int]]:
        """Runs of an axis that end where tiles end, so that no tile is unpacked twice."""
        cut, tile = self._cuts[axis], self._tiles[axis]
        aligned = tile > 1 and cut.step > 0
        if aligned:
            most = max(most, -(-tile // cut.step))
        low = start
        while low < stop:
            high = min(stop, low + most)
            if aligned and high < stop:
                # Of the tile that the next pixel lies in, none is taken now.
                beyond = (cut.first - 1 + high * cut.step) % tile // cut.step
                high = high - beyond if high - beyond > low else high
            yield low, high
            low = high

    def _pixels(self, slab: Block) -> bytes:
        """The pixels of a block, big-endian as in FITS."""
        stored, taken = [], []
        for cut, (start, stop) in zip(self._cuts, slab, strict=True):
            ends = (
                cut.first - 1 + start * cut.step,
                cut.first - 1 + (stop - 1) * cut.step,
            )
            stored.append(slice(min(ends), max(ends) + 1))
            taken.append(slice(None, None, cut.step))
        pixels = self._section[tuple(stored)][tuple(taken)]
        if pixels.dtype.itemsize != self._pixel_bytes:
            raise InvalidData("the pixels are not of the type that the header says")
        if self._divisor != 1:
            pixels = pixels / pixels.dtype.type(self._divisor)
        as_stored = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder(">"))
        return bytes(as_stored.tobytes())
