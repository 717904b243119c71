"""Views: the formats in which a node takes or gives its bytes (VOSpace 2.1, section 3.3)."""

from dataclasses import dataclass
from typing import Final


class ViewUri:
    """The URIs of views that are known by name."""

    ANY: Final = "ivo://ivoa.net/vospace/core#anyview"
    BINARY: Final = "ivo://ivoa.net/vospace/core#binaryview"
    DEFAULT: Final = "ivo://ivoa.net/vospace/core#defaultview"
    CADC_DATA: Final = "ivo://cadc.nrc.ca/vospace/view#data"
    CADC_CUTOUT: Final = "ivo://cadc.nrc.ca/vospace/view#cutout"
    CADC_HEADER: Final = "ivo://cadc.nrc.ca/vospace/view#header"
    TAR: Final = "ivo://ivoa.net/vospace/core#tar"
    TAR_GZ: Final = "ivo://ivoa.net/vospace/core#targz"
    ZIP: Final = "ivo://ivoa.net/vospace/core#zip"
    CADC_PACKAGE: Final = "vos://cadc.nrc.ca~vospace/CADC/std/Pkg-1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A named parameter of a view, protocol, capability or transfer."""

    uri: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A format; `original` says that the bytes are those that were stored."""

    uri: str
    original: bool = True
    params: tuple[Param, ...] = ()
