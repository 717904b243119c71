"""From a FITS file and a request to the bytes of a new FITS file, piece by piece.

Pixels are never scaled: what is stored is copied, and BSCALE, BZERO and BLANK go on meaning
what they meant. Of an image only the rows that are needed are read, of a compressed one only
the tiles; it comes out uncompressed.
"""

import io
import math
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from astropy.io import fits

from vospace_model.faults import InvalidArgument, InvalidData
from vospace_server.domain.cutout import CutoutRequest, HduName, PixelRange, Region, Section
from vospace_server.fits.keywords import AxisCut, inherit, move_pixels, structure
from vospace_server.fits.regions import pixels_covered

_BLOCK: Final = 2880
# So much of an image is in memory at a time, about.
_SLAB_BYTES: Final = 8 << 20
_COPY_BYTES: Final = 1 << 20
FITS_TYPE: Final = "application/fits"

# From and up to where, on each axis from the slowest, counted from 0 in the part.
Block = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What there is to send: its type, its length and its bytes."""

    media_type: str
    length: int
    chunks: Iterator[bytes]


class Piece(typing.Protocol):
    """One HDU of the new file."""

    @property
    def length(self) -> int:
        """Its bytes, padding included."""

    def chunks(self) -> Iterator[bytes]:
        """Them."""


def make_part(file: io.RawIOBase, request: CutoutRequest) -> Part | None:
    """The part of a file that is asked for; None when no image overlaps the region.

    Raises InvalidArgument and InvalidData; the chunks raise what astropy does when the file is
    not what its headers say.
    """
    if file.read(6) != b"SIMPLE":
        raise InvalidData("this file is not FITS, which begins with SIMPLE")
    file.seek(0)
    options = {"memmap": False, "lazy_load_hdus": True, "do_not_scale_image_data": True}
    if request.headers_only:
        return _headers(fits.open(file, disable_image_compression=True, **options))
    hdus = fits.open(file, **options)
    if request.region is not None:
        pieces = _in_region(hdus, request.region)
    else:
        pieces = [*_in_sections(hdus, request.sections)]
    if not pieces:
        return None
    return Part(
        media_type=FITS_TYPE,
        length=sum(piece.length for piece in pieces),
        chunks=(chunk for piece in pieces for chunk in piece.chunks()),
    )


def _headers(hdus: fits.HDUList) -> Part:
    """All headers as text, a card on each line and an empty line behind each header."""
    text = "\n\n".join(
        hdu.header.tostring(sep="\n", endcard=True, padding=False) for hdu in hdus
    )
    encoded = f"{text}\n".encode("ascii", "replace")
    return Part(media_type="text/plain", length=len(encoded), chunks=iter([encoded]))


# ---------------------------------------------------------------------- which pieces


def _in_sections(hdus: fits.HDUList, sections: Sequence[Section]) -> Iterator[Piece]:
    alone = len(sections) == 1
    if not alone:
        yield _empty_primary(hdus[0].header)
    for section in sections:
        hdu, shown = _find(hdus, section.hdu)
        if not _is_image(hdu):
            if section.ranges:
                raise InvalidArgument(f"{shown} is not an image, so it has no pixels to cut")
            if alone and hdu is not hdus[0]:
                # A table can't be a primary HDU.
                yield _empty_primary(hdus[0].header)
            yield _StoredHdu(hdu)
            continue
        cuts = _cuts(hdu.shape[::-1], section.ranges)
        if cuts is None:
            sizes = " x ".join(str(size) for size in hdu.shape[::-1])
            raise InvalidArgument(f"the section lies outside of {shown}, which is {sizes}")
        yield _image_piece(hdu, cuts, hdus[0].header, primary=alone)


def _in_region(hdus: fits.HDUList, region: Region) -> list[Piece]:
    found: list[tuple[Any, tuple[AxisCut, ...]]] = []
    placed = False
    for hdu in hdus:
        if not _is_image(hdu):
            continue
        ranges = pixels_covered(hdu, hdus, region)
        placed = placed or ranges is not None
        cuts = None if ranges is None else _cuts(hdu.shape[::-1], ranges)
        if cuts is not None:
            found.append((hdu, cuts))
    if not placed:
        raise InvalidArgument("no image of this file says where on the sky it is")
    alone = len(found) == 1
    pieces: list[Piece] = [] if alone or not found else [_empty_primary(hdus[0].header)]
    for hdu, cuts in found:
        pieces.append(_image_piece(hdu, cuts, hdus[0].header, primary=alone))
    return pieces


def _find(hdus: fits.HDUList, name: HduName | None) -> tuple[Any, str]:
    """The HDU of a name and how it is called; without a name, the first image with pixels."""
    if name is None:
        for number, hdu in enumerate(hdus):
            if _is_image(hdu):
                return hdu, f"[{number}]"
        raise InvalidArgument("there is no image in this file")
    key: Any = name.number
    if name.number is None:
        key = name.name if name.version is None else (name.name, name.version)
    try:
        hdu = hdus[key]
    except (KeyError, IndexError):
        raise InvalidArgument(f"this file has no extension {name}") from None
    if not hasattr(hdu, "fileinfo"):
        raise InvalidData(f"{name} is not of a kind that FITS knows")
    return hdu, str(name)


def _is_image(hdu: Any) -> bool:
    kinds = (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)
    grouped = isinstance(hdu, fits.GroupsHDU)
    return isinstance(hdu, kinds) and not grouped and bool(hdu.shape) and 0 not in hdu.shape


def _cuts(sizes: Sequence[int], ranges: Sequence[PixelRange]) -> tuple[AxisCut, ...] | None:
    """What is taken of each axis; None when there is nothing to take.

    Axes without a range are taken whole; a range without an axis may only mean its one pixel.
    """
    padded = [*ranges, *([PixelRange()] * (len(sizes) - len(ranges)))]
    lengths = [*sizes, *([1] * (len(ranges) - len(sizes)))]
    cuts = []
    for wanted, length in zip(padded, lengths, strict=True):
        found = wanted.on(length)
        if found is None:
            return None
        first, last, step = found
        count = (last - first) // step + 1
        cuts.append(AxisCut(first=first, step=step, count=count, length=length))
    return tuple(cuts[: len(sizes)])


# ---------------------------------------------------------------------- their bytes


def _empty_primary(header: fits.Header) -> "_Bytes":
    """The primary header of a file whose images are in extensions."""
    made = structure(header, (), primary=True)
    made.set("EXTEND", value=True, comment="there are extensions", after="NAXIS")
    return _Bytes(_encoded(made))


def _image_piece(
    hdu: Any, cuts: Sequence[AxisCut], first_header: fits.Header, *, primary: bool
) -> "_CutImage":
    made = structure(hdu.header, [cut.count for cut in cuts], primary=False)
    if primary:
        if hdu.header is not first_header:
            inherit(made, structure(first_header, (), primary=True))
        made = structure(made, [cut.count for cut in cuts], primary=True)
    move_pixels(made, cuts)
    return _CutImage(hdu, cuts, _encoded(made))


def _encoded(header: fits.Header) -> bytes:
    text: str = header.tostring(sep="", endcard=True, padding=True)
    return text.encode("ascii")


class _Bytes:
    """An HDU that is only a header."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def chunks(self) -> Iterator[bytes]:
        yield self._content


class _StoredHdu:
    """An HDU as it is stored."""

    def __init__(self, hdu: Any) -> None:
        place = hdu.fileinfo()
        self._file = place["file"]
        self._start = place["hdrLoc"]
        self.length = place["datLoc"] + place["datSpan"] - place["hdrLoc"]

    def chunks(self) -> Iterator[bytes]:
        offset, stop = self._start, self._start + self.length
        while offset < stop:
            self._file.seek(offset)
            chunk = bytes(self._file.read(min(_COPY_BYTES, stop - offset)))
            if not chunk:
                raise InvalidData("the file is shorter than its headers say")
            offset += len(chunk)
            yield chunk


class _CutImage:
    """A header, and the pixels of a section in the order of FITS, first axis fastest."""

    def __init__(self, hdu: Any, cuts: Sequence[AxisCut], header: bytes) -> None:
        self._section = hdu.section
        # numpy counts axes from the slowest.
        self._cuts = tuple(reversed(cuts))
        self._tiles = tuple(getattr(hdu, "tile_shape", ()) or (1,) * len(cuts))
        self._pixel_bytes = abs(int(hdu.header["BITPIX"])) // 8
        self._header = header
        count = math.prod(cut.count for cut in cuts)
        self._data_bytes = count * self._pixel_bytes
        self._padding = -self._data_bytes % _BLOCK
        self.length = len(header) + self._data_bytes + self._padding

    def chunks(self) -> Iterator[bytes]:
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
        as_stored = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder(">"))
        return bytes(as_stored.tobytes())
