"""Tables in other HDUs that the coordinates of an image refer to; they follow it into a part.

A distortion (`CPDISja` with `WCSDVARR`, `D2IMDISj` and the older `AXISCORR` with `D2IMARR`) is
a correction of pixels in a grid over pixels, so the grid of a part is another one. A table of
coordinates (`-TAB`) is looked up behind CRPIX and stays as it is.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from astropy.io import fits

from vospace_server.fits.keywords import ALTERNATES, AxisCut, structure
from vospace_server.fits.pieces import CutImage, Piece, StoredHdu, encoded, is_image

_GRID_AXES: Final = 2
# The keyword, its record, the greatest correction, and the name of the extension.
_DISTORTIONS: Final = (
    *((f"CPDIS{{}}{a}", f"DP{{}}{a}", f"CPERR{{}}{a}", "WCSDVARR") for a in ALTERNATES),
    ("D2IMDIS{}", "D2IM{}", "D2IMERR{}", "D2IMARR"),
)

_TABLE_OF_AXIS: Final = re.compile(r"PS([0-9]+)_0([A-Z]?)")

Named = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Grid:
    """A distortion table for a part: where from, and for which pixels."""

    name: Named
    cuts: tuple[AxisCut, ...]
    # A pixel of the part is so many of the image, so a correction is that much smaller.
    step: int


@dataclass(slots=True)
class Lookups:
    """Collects the tables of the images of a new file.

    `taken` are the names that other HDUs of the new file have.
    """

    hdus: fits.HDUList
    taken: set[Named] = field(default_factory=set)
    pieces: list[Piece] = field(default_factory=list)
    _numbers: dict[_Grid, int] = field(default_factory=dict)

    def follow(self, header: fits.Header, cuts: Sequence[AxisCut]) -> None:
        """Add the tables of a part, and name them in its header; what is missing stays so."""
        self._modernise(header)
        for axis, cut in enumerate(cuts, start=1):
            for keyword, record, error, table in _DISTORTIONS:
                if str(header.get(keyword.format(axis), "")).strip().lower() != "lookup":
                    continue
                number = f"{record.format(axis)}.EXTVER"
                version = _whole(header.get(number, 1))
                grid = _Grid((table, version), tuple(cuts), cut.step)
                carried = self._carried(grid)
                if carried is not None:
                    header[number] = float(carried)
                _divide(header, (error.format(axis),), abs(cut.step))
        for name in _coordinate_tables(header):
            self._carry_whole(name)

    def _modernise(self, header: fits.Header) -> None:
        """Write AXISCORR, which has one table for all images, as D2IMDIS, which has many."""
        axis = header.get("AXISCORR")
        if axis not in {1, 2}:
            return
        hdu = self._find(("D2IMARR", 1))
        if hdu is None or not is_image(hdu) or len(hdu.shape) != 1:
            return
        del header["AXISCORR"]
        header[f"D2IMDIS{axis}"] = "Lookup"
        header[f"D2IM{axis}"] = "EXTVER: 1.0"
        header[f"D2IM{axis}"] = f"AXIS.{axis}: {axis}.0"

    def _carried(self, grid: _Grid) -> int | None:
        """The number that a table has in the new file; None when there is no such table."""
        if grid in self._numbers:
            return self._numbers[grid]
        hdu = self._find(grid.name)
        if hdu is None or not is_image(hdu) or len(hdu.shape) > _GRID_AXES:
            return None
        name, number = grid.name
        while (name, number) in self.taken:
            number += 1
        self.taken.add((name, number))
        self._numbers[grid] = number
        self.pieces.append(_grid_piece(hdu, grid, number))
        return number

    def _carry_whole(self, name: Named) -> None:
        hdu = self._find(name)
        if name not in self.taken and hdu is not None and not is_image(hdu):
            self.taken.add(name)
            self.pieces.append(StoredHdu(hdu))

    def _find(self, name: Named) -> Any:
        try:
            return self.hdus[name]
        except KeyError:
            return None


def _grid_piece(hdu: Any, grid: _Grid, number: int) -> CutImage:
    """A table whose grid lies over the pixels of a part.

    Its axes are those of the image, as astropy reads them: `AXIS.n` turns only the values.
    """
    counts = [*hdu.shape[::-1], 1][:_GRID_AXES]
    header = structure(hdu.header, counts, primary=False)
    header["EXTVER"] = number
    for axis, cut in enumerate(grid.cuts[: len(hdu.shape)], start=1):
        value, step = float(header.get(f"CRVAL{axis}", 0.0)), f"CDELT{axis}"
        header[f"CRVAL{axis}"] = (value - cut.first) / cut.step + 1
        header[step] = float(header.get(step, 1.0)) / cut.step
    if header["BITPIX"] > 0 or "BSCALE" in header or "BZERO" in header:
        header["BSCALE"] = float(header.get("BSCALE", 1.0))
        _divide(header, ("BSCALE", "BZERO"), grid.step)
        divisor = 1
    else:
        divisor = grid.step
    whole = [AxisCut(first=1, step=1, count=size, length=size) for size in hdu.shape[::-1]]
    return CutImage(hdu, whole, encoded(header), divisor=divisor)


def _divide(header: fits.Header, names: Sequence[str], divisor: int) -> None:
    for name in names:
        if name in header and divisor != 1:
            header[name] = float(header[name]) / divisor


def _coordinate_tables(header: fits.Header) -> Iterator[Named]:
    for card in header:
        found = _TABLE_OF_AXIS.fullmatch(card)
        if found is None:
            continue
        axis, alternate = found[1], found[2]
        name = header[card]
        kind = str(header.get(f"CTYPE{axis}{alternate}", ""))
        if kind[4:8] == "-TAB" and isinstance(name, str):
            yield name.strip().upper(), _whole(header.get(f"PV{axis}_1{alternate}", 1))


def _whole(value: object) -> int:
    """The number of an extension; what is none finds none."""
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else -1
