"""Capabilities of a node: third-party interfaces to it (VOSpace 2.1, section 3.4).

Those of the service are in `vospace_model.vosi`.
"""

from dataclasses import dataclass

from vospace_model.views import Param


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """An interface under which a node can also be reached."""

    uri: str
    endpoint: str | None = None
    params: tuple[Param, ...] = ()
