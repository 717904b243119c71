"""Views that are parts of FITS files: what a transfer that names one asks for."""

from typing import Final

from vospace_model.faults import InvalidArgument
from vospace_model.views import Param, View, ViewUri
from vospace_server.domain.cutout import PARAMETERS, parse_cutout

PART_VIEWS: Final = frozenset({ViewUri.CADC_CUTOUT, ViewUri.CADC_HEADER})
_SODA: Final = "ivo://ivoa.net/std/SODA#"
_META: Final = ("META", "true")


def part_param(name: str, value: str) -> Param:
    """A parameter of an address as a parameter of a view."""
    return Param(uri=f"{_SODA}{name.upper()}", value=value)


def part_of(view: View | None) -> tuple[tuple[str, str], ...]:
    """The parameters of an address that a view asks for; none where the client adds them.

    Each is named by the end of its URI, as in `…#SUB`. CADC's clients name one like the view;
    its value is a section or `NAME=value`. The view of headers needs none.

    Raises InvalidArgument and OptionNotSupported for what no part has.
    """
    if view is None or view.uri not in PART_VIEWS:
        return ()
    pairs = tuple(map(_pair, view.params))
    if pairs and parse_cutout(pairs) is None:
        raise InvalidArgument("the parameters of the view ask for no part")
    return pairs or ((_META,) if view.uri == ViewUri.CADC_HEADER else ())


def _pair(param: Param) -> tuple[str, str]:
    name, value = param.uri.rpartition("#")[2].upper(), param.value.strip()
    if param.uri == ViewUri.CADC_CUTOUT:
        stated, _, rest = value.partition("=")
        is_section = value.startswith("[")
        name, value = ("SUB", value) if is_section else (stated.strip().upper(), rest)
    if name not in PARAMETERS:
        known = ", ".join(sorted(PARAMETERS))
        raise InvalidArgument(f"a part of a file is asked for by {known}, not {name[:40]!r}")
    return name, value
