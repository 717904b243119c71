"""What part of a FITS file is asked for: pixels, a region of the sky, or the headers alone.

`SUB` is CADC's syntax of pixel sections (that of CFITSIO), `CIRCLE`, `POLYGON` and `POS` are
SODA's (IVOA SODA 1.0), all angles in degrees of ICRS. `BOX` is that of CADC: centre, width and
height on the sky.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from typing_extensions import override

from vospace_model.faults import InvalidArgument, OptionNotSupported

PARAMETERS: Final = frozenset({"SUB", "CIRCLE", "POLYGON", "BOX", "POS", "META"})
# SODA's other parameters; leaving them out would give more than was asked for.
_NOT_OFFERED: Final = frozenset({"BAND", "TIME", "POL"})
_MAX_SECTIONS: Final = 100
_MAX_AXES: Final = 99
_MAX_VERTICES: Final = 1000

_SUB: Final = re.compile(r"\[([^\[\]]{0,200})\](?:\[([^\[\]]{1,1000})\])?")
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_NAME: Final = re.compile(r"([A-Za-z][^,:*\[\]]{0,80})(?:,\s*([0-9]{1,9}))?")
_RANGE: Final = re.compile(
    r"(?P<all>-?\*)|(?P<first>[+-]?[0-9]{1,18})(?::(?P<last>[+-]?[0-9]{1,18}|\*))?"
)
_STEP: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelRange:
    """Pixels of one axis from `first` to `last`, both included and counted from 1.

    None is the end of the axis on that side. A range that goes down is given in that order.
    """

    first: int | None = None
    last: int | None = None
    step: int = 1
    backwards: bool = False

    def on(self, length: int) -> tuple[int, int, int] | None:
        """First pixel, last pixel and signed step on an axis; None when nothing overlaps."""
        low = 1 if self.first is None else self.first
        high = length if self.last is None else self.last
        backwards = self.backwards or low > high
        low, high = max(1, min(low, high)), min(length, max(low, high))
        if low > high:
            return None
        if backwards:
            return high, low + (high - low) % self.step, -self.step
        return low, high - (high - low) % self.step, self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class HduName:
    """An extension by its number (0: the primary), or by its name and version."""

    number: int | None = None
    name: str = ""
    version: int | None = None

    @override
    def __str__(self) -> str:
        if self.number is not None:
            return f"[{self.number}]"
        return f"[{self.name}]" if self.version is None else f"[{self.name},{self.version}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One `SUB`: an extension (None: the first image), and pixels (none: all of it)."""

    hdu: HduName | None
    ranges: tuple[PixelRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """All points not farther than a radius from a point."""

    longitude: float
    latitude: float
    radius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """The inside of great-circle arcs between points (longitude, latitude)."""

    vertices: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyRange:
    """Between two longitudes and two latitudes."""

    longitudes: tuple[float, float]
    latitudes: tuple[float, float]


Region = Circle | Polygon | SkyRange


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoutRequest:
    """Sections, or a region, or the headers alone: one of the three."""

    sections: tuple[Section, ...] = ()
    region: Region | None = None
    headers_only: bool = False


def parse_cutout(parameters: Sequence[tuple[str, str]]) -> CutoutRequest | None:
    """What the parameters of a request ask for; None when that is the whole file.

    Raises InvalidArgument for what can't be understood, OptionNotSupported for parameters of
    SODA that are not offered.
    """
    named = [(name.upper(), value) for name, value in parameters]
    asked = [(name, value) for name, value in named if name in PARAMETERS]
    if not asked:
        return None
    refused = sorted({name for name, _ in named if name in _NOT_OFFERED})
    if refused:
        raise OptionNotSupported(f"cutouts by {', '.join(refused)} are not offered")
    headers_only = any(_flag(value) for name, value in asked if name == "META")
    sections = tuple(parse_section(value) for name, value in asked if name == "SUB")
    regions = [parse_region(name, value) for name, value in asked if name in _REGIONS]
    if len(regions) + bool(sections) + headers_only > 1:
        raise InvalidArgument("ask for sections (SUB), or for one region, or for META")
    if len(sections) > _MAX_SECTIONS:
        raise InvalidArgument(f"at most {_MAX_SECTIONS} sections can be asked for at once")
    if not (sections or regions or headers_only):
        return None
    return CutoutRequest(
        sections=sections,
        region=regions[0] if regions else None,
        headers_only=headers_only,
    )


def parse_section(text: str) -> Section:
    """`[EXT]`, `[x1:x2,y1:y2]` or `[EXT][x1:x2,y1:y2]`. Raises InvalidArgument."""
    found = _SUB.fullmatch(text.strip())
    if found is None:
        raise InvalidArgument(f"SUB is [EXT][x1:x2,y1:y2], not {text[:80]!r}")
    if found[2] is not None:
        return Section(hdu=_hdu_name(found[1]), ranges=_ranges(found[2]))
    if _NUMBER.fullmatch(found[1].strip()) or _NAME.fullmatch(found[1].strip()):
        return Section(hdu=_hdu_name(found[1]), ranges=())
    return Section(hdu=None, ranges=_ranges(found[1]))


def _hdu_name(text: str) -> HduName:
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return HduName(number=int(text))
    found = _NAME.fullmatch(text)
    if found is None:
        raise InvalidArgument(f"an extension is a number, NAME or NAME,VERSION; not {text!r}")
    version = None if found[2] is None else int(found[2])
    return HduName(name=found[1].strip(), version=version)


def _ranges(text: str) -> tuple[PixelRange, ...]:
    parts = text.split(",")
    if len(parts) > _MAX_AXES:
        raise InvalidArgument(f"no image has more than {_MAX_AXES} axes")
    return tuple(_range(part.strip()) for part in parts)


def _range(text: str) -> PixelRange:
    """`*`, `-*`, `a`, `a:b`, `a:*`, each with `:STEP` behind it (`a` alone without)."""
    head, step = text, 1
    if text.count(":") == 2 or (":" in text and text.partition(":")[0] in {"*", "-*"}):  # noqa: PLR2004 - a:b:step
        head, _, tail = text.rpartition(":")
        if _STEP.fullmatch(tail.strip()) is None or int(tail) == 0:
            raise InvalidArgument(f"the step in {text!r} is a number from 1")
        step = int(tail)
    found = _RANGE.fullmatch(head.replace(" ", ""))
    if found is None:
        raise InvalidArgument(f"a range of pixels is a:b, a:b:step or *; not {text[:80]!r}")
    if found["all"]:
        return PixelRange(step=step, backwards=found["all"] == "-*")
    first = int(found["first"])
    if found["last"] == "*":
        return PixelRange(first=first, step=step)
    last = first if found["last"] is None else int(found["last"])
    return PixelRange(first=first, last=last, step=step)


def parse_region(name: str, text: str) -> Region:
    """A region as the parameter of that name spells it. Raises InvalidArgument."""
    shape, values = name, text.split()
    if name == "POS":
        shape, values = (values[0].upper() if values else ""), values[1:]
        if shape not in {"CIRCLE", "POLYGON", "RANGE"}:
            raise InvalidArgument("POS is CIRCLE, RANGE or POLYGON and their numbers")
    if len(values) > 2 * _MAX_VERTICES:
        raise InvalidArgument(f"a polygon has at most {_MAX_VERTICES} vertices")
    return _SHAPES[shape]([_number(shape, value) for value in values])


def _number(shape: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number) or (math.isinf(number) and shape != "RANGE"):
        raise InvalidArgument(f"{text[:40]!r} in {shape} is not a number of degrees")
    return number


def _circle(numbers: Sequence[float]) -> Circle:
    if len(numbers) != 3 or not 0 < numbers[2] <= 180:  # noqa: PLR2004 - degrees
        raise InvalidArgument("CIRCLE is longitude, latitude and radius in degrees")
    _check_latitudes(numbers[1:2])
    return Circle(longitude=numbers[0], latitude=numbers[1], radius=numbers[2])


def _polygon(numbers: Sequence[float]) -> Polygon:
    if len(numbers) < 6 or len(numbers) % 2:  # noqa: PLR2004 - three points
        raise InvalidArgument("POLYGON is longitude and latitude of three points or more")
    _check_latitudes(numbers[1::2])
    return Polygon(vertices=tuple(zip(numbers[::2], numbers[1::2], strict=True)))


def _sky_range(numbers: Sequence[float]) -> SkyRange:
    if len(numbers) != 4:  # noqa: PLR2004 - two ranges
        raise InvalidArgument("RANGE is two longitudes and two latitudes in degrees")
    west, east = max(-360.0, numbers[0]), min(360.0, numbers[1])
    south, north = max(-90.0, numbers[2]), min(90.0, numbers[3])
    if west > east or south > north:
        raise InvalidArgument("the second limit of a RANGE is not below the first")
    if east - west > 360:  # noqa: PLR2004 - degrees
        west, east = 0.0, 360.0
    return SkyRange(longitudes=(west, east), latitudes=(south, north))


def _box(numbers: Sequence[float]) -> Polygon:
    if len(numbers) != 4 or not (0 < numbers[2] < 180 and 0 < numbers[3] < 180):  # noqa: PLR2004 - degrees
        raise InvalidArgument("BOX is longitude, latitude, width and height in degrees")
    longitude, latitude, width, height = numbers
    south, north = latitude - height / 2, latitude + height / 2
    _check_latitudes((latitude, south, north))
    half = width / 2 / max(math.cos(math.radians(latitude)), 1e-6)
    if half >= 180:  # noqa: PLR2004 - degrees
        raise InvalidArgument("this BOX holds a pole; ask for a RANGE or a CIRCLE")
    west, east = longitude - half, longitude + half
    return Polygon(vertices=((west, south), (east, south), (east, north), (west, north)))


def _check_latitudes(latitudes: Sequence[float]) -> None:
    if any(abs(latitude) > 90 for latitude in latitudes):  # noqa: PLR2004 - degrees
        raise InvalidArgument("a latitude is between -90 and 90 degrees")


def _flag(text: str) -> bool:
    stated = text.strip().lower()
    if stated not in {"true", "false", "1", "0"}:
        raise InvalidArgument(f"META is true or false, not {text[:40]!r}")
    return stated in {"true", "1"}


_SHAPES: Final[Mapping[str, Callable[[Sequence[float]], Region]]] = {
    "CIRCLE": _circle,
    "POLYGON": _polygon,
    "RANGE": _sky_range,
    "BOX": _box,
}
_REGIONS: Final = frozenset({"CIRCLE", "POLYGON", "BOX", "POS"})
