"""The header of a part: structure, and every keyword that counts pixels, for the new pixels.

A pixel p of the image is (p - first) / step + 1 in the part.
"""

import copy
import math
import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from astropy.io import fits

_STRUCTURE: Final = frozenset(
    {
        "SIMPLE", "XTENSION", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "EXTEND", "GROUPS",
        "BLOCKED", "CHECKSUM", "DATASUM", "ZHECKSUM", "ZDATASUM", "END",
    }
)  # fmt: skip
ALTERNATES: Final = ("", *string.ascii_uppercase)
# A header with one of these describes that axis of that system.
_DESCRIBES: Final = ("CRPIX", "CTYPE", "CRVAL", "CDELT")
# Of a primary header, these describe its own pixels and are of no meaning for an extension's.
_OWN: Final = frozenset(
    {
        "", "COMMENT", "HISTORY", "BSCALE", "BZERO", "BLANK", "BUNIT", "DATAMIN", "DATAMAX",
        "EXTNAME", "EXTVER", "EXTLEVEL", "WCSAXES", "WCSNAME", "RADESYS", "RADECSYS", "EQUINOX",
        "LONPOLE", "LATPOLE", "SPECSYS", "RESTFRQ", "RESTWAV",
    }
)  # fmt: skip
_OF_AXES: Final = re.compile(
    r"(CRPIX|CRVAL|CTYPE|CUNIT|CDELT|CROTA|CRDER|CSYER|CNAME|LTV|PV|PS|CD|PC|LTM)[0-9]"
    r"|(AP?|BP?)_(ORDER|DMAX|[0-9])"
)
_SIP: Final = {"A": 0, "B": 1, "AP": 0, "BP": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisCut:
    """What is taken of one axis: the first pixel (from 1), a signed step, and how many."""

    first: int
    step: int
    count: int
    length: int

    @property
    def is_whole(self) -> bool:
        """Whether the axis stays as it is."""
        return (self.first, self.step, self.count) == (1, 1, self.length)


def structure(header: fits.Header, counts: Sequence[int], *, primary: bool) -> fits.Header:
    """The mandatory keywords of an image of this size, and then all others of a header."""
    made = fits.Header()
    if primary:
        made["SIMPLE"] = (True, "conforms to FITS standard")
    else:
        made["XTENSION"] = ("IMAGE", "Image extension")
    made["BITPIX"] = (header["BITPIX"], "array data type")
    made["NAXIS"] = (len(counts), "number of array dimensions")
    for number, count in enumerate(counts, start=1):
        made[f"NAXIS{number}"] = count
    if not primary:
        made["PCOUNT"] = (0, "number of parameters")
        made["GCOUNT"] = (1, "number of groups")
    for card in header.cards:
        if not _is_structure(card.keyword, primary=primary):
            # A card of its own: the header may be asked for once more, for another section.
            made.append(copy.copy(card), end=True)
    return made


def _is_structure(keyword: str, *, primary: bool) -> bool:
    if keyword in _STRUCTURE or (keyword.startswith("NAXIS") and keyword[5:].isdigit()):
        return True
    return primary and keyword == "INHERIT"


def inherit(header: fits.Header, primary: fits.Header) -> None:
    """Give an extension that says so the keywords of the primary header that it lacks."""
    if header.get("INHERIT") is not True:
        return
    for card in primary.cards:
        own = card.keyword in _OWN or _OF_AXES.match(card.keyword)
        if not own and card.keyword not in header:
            header.append(card, end=True)


def move_pixels(header: fits.Header, cuts: Sequence[AxisCut]) -> None:
    """Change the keywords that count pixels, in place."""
    if any(cut.step != 1 for cut in cuts):
        _write_rotation_as_matrix(header)
    for axis, cut in enumerate(cuts, start=1):
        if cut.is_whole:
            continue
        for alternate in ALTERNATES:
            _move_axis(header, axis, cut, alternate)
        _move_physical(header, axis, cut)
    _scale_distortions(header, cuts)


def _move_axis(header: fits.Header, axis: int, cut: AxisCut, alternate: str) -> None:
    if not any(f"{name}{axis}{alternate}" in header for name in _DESCRIBES):
        return
    pixel = float(header.get(f"CRPIX{axis}{alternate}", 0.0))
    header[f"CRPIX{axis}{alternate}"] = (pixel - cut.first) / cut.step + 1
    if cut.step == 1:
        return
    columns = list(_column(header, axis, alternate))
    if not columns:
        name = f"CDELT{axis}{alternate}"
        header[name] = float(header.get(name, 1.0)) * cut.step
    for name, default in columns:
        header[name] = float(header.get(name, default)) * cut.step


def _column(header: fits.Header, axis: int, alternate: str) -> Iterator[tuple[str, float]]:
    """The elements of the matrix that a pixel axis is multiplied with, and their defaults."""
    count = int(header.get(f"WCSAXES{alternate}", header["NAXIS"]))
    element = re.compile(rf"(CD|PC)[0-9]+_[0-9]+{alternate}")
    used = {found[1] for card in header if (found := element.fullmatch(card))}
    if not used:
        return
    matrix = "CD" if "CD" in used else "PC"
    for row in range(1, count + 1):
        name = f"{matrix}{row}_{axis}{alternate}"
        # What is not stated is that of the unit matrix for PC, and nothing for CD.
        default = 1.0 if matrix == "PC" and row == axis else 0.0
        if name in header or default:
            yield name, default


def _write_rotation_as_matrix(header: fits.Header) -> None:
    """The old way to write a rotation of two axes has no place for a step on one of them."""
    angle = math.radians(float(header.get("CROTA2", 0.0)) or float(header.get("CROTA1", 0.0)))
    if angle == 0 or any(name in header for name in ("CD1_1", "PC1_1")):
        return
    scales = {n: float(header.get(f"CDELT{n}", 1.0)) for n in range(1, header["NAXIS"] + 1)}
    header["CD1_1"] = scales[1] * math.cos(angle)
    header["CD1_2"] = -scales[2] * math.sin(angle)
    header["CD2_1"] = scales[1] * math.sin(angle)
    header["CD2_2"] = scales[2] * math.cos(angle)
    for axis, scale in scales.items():
        if axis > 2:  # noqa: PLR2004 - those that are not rotated
            header[f"CD{axis}_{axis}"] = scale
        for name in (f"CDELT{axis}", f"CROTA{axis}"):
            header.remove(name, ignore_missing=True)


def _move_physical(header: fits.Header, axis: int, cut: AxisCut) -> None:
    """IRAF's physical pixels: p = LTM * physical + LTV."""
    offset, scale = f"LTV{axis}", f"LTM{axis}_{axis}"
    if offset in header or scale in header:
        shifted = (float(header.get(offset, 0.0)) - cut.first) / cut.step + 1
        header[offset] = shifted
        if cut.step != 1:
            header[scale] = float(header.get(scale, 1.0)) / cut.step


def _scale_distortions(header: fits.Header, cuts: Sequence[AxisCut]) -> None:
    """The polynomials of SIP are in pixels from CRPIX, so only steps change them."""
    steps = [cut.step for cut in cuts[:2]]
    if "A_ORDER" not in header or steps == [1, 1]:
        return
    for name in list(header):
        prefix, _, powers = name.partition("_")
        if prefix in _SIP and powers[:1].isdigit():
            power = [int(each) for each in powers.split("_")]
            factor = steps[0] ** power[0] * steps[1] ** power[1] / steps[_SIP[prefix]]
            header[name] = float(header[name]) * factor
