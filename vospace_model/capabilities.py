"""Capabilities of a node: third-party interfaces to it (VOSpace 2.1, section 3.4).

Those of the service are in `vospace_model.vosi`.
"""

from dataclasses import dataclass
from typing import Final

from vospace_model.views import Param


class CapabilityUri:
    """The identifiers that the standard gives, by versions of VOSpace."""

    VOSPACE_2_1: Final = "ivo://ivoa.net/vospace/core#vospace-2.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """An interface under which a node can also be reached."""

    uri: str
    endpoint: str | None = None
    params: tuple[Param, ...] = ()
