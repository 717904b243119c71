"""From a FITS file and a request to the bytes of a new FITS file, piece by piece.

Pixels are never scaled: what is stored is copied, and BSCALE, BZERO and BLANK go on meaning
what they meant. Of an image only the rows that are needed are read, of a compressed one only
the tiles; it comes out uncompressed.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from astropy.io import fits

from vospace_model.faults import InvalidArgument, InvalidData
from vospace_server.domain.cutout import CutoutRequest, HduName, PixelRange, Region, Section
from vospace_server.fits.keywords import AxisCut, inherit, move_pixels, structure
from vospace_server.fits.lookups import Lookups
from vospace_server.fits.pieces import (
    CutImage,
    HeaderOnly,
    Piece,
    StoredHdu,
    encoded,
    is_image,
)
from vospace_server.fits.regions import pixels_covered

FITS_TYPE: Final = "application/fits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What there is to send: its type, its length and its bytes."""

    media_type: str
    length: int
    chunks: Iterator[bytes]


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
    chosen = [(section, *_find(hdus, section.hdu)) for section in sections]
    lookups = Lookups(hdus, taken={(hdu.name, hdu.ver) for _, hdu, _ in chosen})
    if not alone:
        yield _empty_primary(hdus[0].header)
    for section, hdu, shown in chosen:
        if not is_image(hdu):
            if section.ranges:
                raise InvalidArgument(f"{shown} is not an image, so it has no pixels to cut")
            if alone and hdu is not hdus[0]:
                # A table can't be a primary HDU.
                yield _empty_primary(hdus[0].header)
            yield StoredHdu(hdu)
            continue
        cuts = _cuts(hdu.shape[::-1], section.ranges)
        if cuts is None:
            sizes = " x ".join(str(size) for size in hdu.shape[::-1])
            raise InvalidArgument(f"the section lies outside of {shown}, which is {sizes}")
        yield _image_piece(hdu, cuts, lookups, primary=alone)
    yield from lookups.pieces


def _in_region(hdus: fits.HDUList, region: Region) -> list[Piece]:
    found: list[tuple[Any, tuple[AxisCut, ...]]] = []
    placed = False
    for hdu in hdus:
        if not is_image(hdu):
            continue
        ranges = pixels_covered(hdu, hdus, region)
        placed = placed or ranges is not None
        cuts = None if ranges is None else _cuts(hdu.shape[::-1], ranges)
        if cuts is not None:
            found.append((hdu, cuts))
    if not placed:
        raise InvalidArgument("no image of this file says where on the sky it is")
    alone = len(found) == 1
    lookups = Lookups(hdus)
    pieces: list[Piece] = [] if alone or not found else [_empty_primary(hdus[0].header)]
    for hdu, cuts in found:
        pieces.append(_image_piece(hdu, cuts, lookups, primary=alone))
    return [*pieces, *lookups.pieces]


def _find(hdus: fits.HDUList, name: HduName | None) -> tuple[Any, str]:
    """The HDU of a name and how it is called; without a name, the first image with pixels."""
    if name is None:
        for number, hdu in enumerate(hdus):
            if is_image(hdu):
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


def _empty_primary(header: fits.Header) -> HeaderOnly:
    """The primary header of a file whose images are in extensions."""
    made = structure(header, (), primary=True)
    made.set("EXTEND", value=True, comment="there are extensions", after="NAXIS")
    return HeaderOnly(encoded(made))


def _image_piece(
    hdu: Any, cuts: Sequence[AxisCut], lookups: Lookups, *, primary: bool
) -> CutImage:
    """The pixels of an image; the tables that its coordinates refer to go to `lookups`."""
    made = structure(hdu.header, [cut.count for cut in cuts], primary=False)
    first_header = lookups.hdus[0].header
    if primary:
        if hdu.header is not first_header:
            inherit(made, structure(first_header, (), primary=True))
        made = structure(made, [cut.count for cut in cuts], primary=True)
    move_pixels(made, cuts)
    lookups.follow(made, cuts)
    return CutImage(hdu, cuts, encoded(made))
