"""Validation against the published schemas, an extra step where their folder is present.

`VOSPACE_SCHEMAS` names the folder, else `shared/schemas` beside the repository is taken. The
tests assert everything else they have to say without it.
"""

import os
from pathlib import Path
from typing import Final

from lxml import etree

REPOSITORY: Final = Path(__file__).resolve().parents[2]
VOSPACE: Final = "http://www.ivoa.net/xml/VOSpace/v2.0"

# Where the schemas import one another by address, each gets its neighbour in the folder.
_LOCAL_NAMES: Final = {
    "http://www.ivoa.net/xml/Xlink/xlink.xsd": "XLINK.xsd",
    "http://www.ivoa.net/xml/VOResource/v1.0": "VOResource-v1.0.xsd",
    "http://www.ivoa.net/xml/STC/stc-v1.30.xsd": "STC-v1.3.xsd",
}

# The published schema of VOSpace has types for these documents but no fitting elements.
_ELEMENTS: Final = {
    "node": "Node",
    "GetPropertiesResponse": "GetPropertiesResponse",
    "GetViewsResponse": "GetViewsResponse",
    "GetProtocolsResponse": "GetProtocolsResponse",
}

_IMPORTS: Final = {
    VOSPACE: "wrapped-VOSpace.xsd",
    "http://www.ivoa.net/xml/UWS/v1.0": "UWS-v1.1.xsd",
    "http://www.ivoa.net/xml/VOSICapabilities/v1.0": "VOSICapabilities-v1.0.xsd",
    "http://www.ivoa.net/xml/VODataService/v1.1": "VODataService-v1.1.xsd",
    "http://www.ivoa.net/xml/VOSIAvailability/v1.0": "VOSIAvailability-v1.0.xsd",
}


def schema_folder() -> Path | None:
    """The folder of the published schemas, if there is one here."""
    named = os.environ.get("VOSPACE_SCHEMAS")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "schemas"
    return folder if folder.is_dir() else None


class Schemas:
    """The published schemas, or nothing: then `check` only parses."""

    def __init__(self, published: Path | None, work: Path) -> None:
        self._schema: etree.XMLSchema | None = None
        if published is not None:
            _copy_with_local_imports(published, work)
            self._schema = etree.XMLSchema(file=str(_write_wrappers(work)))

    def check(self, document: bytes, *, response: str | None = None) -> etree._Element:
        """Parse a document of ours, validate it where possible, and return its root.

        `response` is the published type of a document whose element is not published.
        """
        if self._schema is not None:
            # libxml2 reserves square brackets for the hosts of IPv6, also in a path, where
            # XSD allows them: names are written raw.
            root = etree.fromstring(document.replace(b"[", b"(").replace(b"]", b")"))
            if response is not None:
                root.tag = f"{{{VOSPACE}}}{response}"
            self._schema.assertValid(root)
        return etree.fromstring(document)


def _copy_with_local_imports(published: Path, work: Path) -> None:
    for source in published.glob("*.xsd"):
        text = source.read_bytes()
        for address, local in _LOCAL_NAMES.items():
            text = text.replace(
                f'schemaLocation="{address}"'.encode(), f'schemaLocation="{local}"'.encode()
            )
        (work / source.name).write_bytes(text)


def _write_wrappers(work: Path) -> Path:
    elements = "".join(
        f'<xs:element name="{name}" type="vos:{kind}"/>' for name, kind in _ELEMENTS.items()
    )
    include = '<xs:include schemaLocation="VOSpace-2.1.xsd"/>'
    (work / _IMPORTS[VOSPACE]).write_text(_schema_of(VOSPACE, include + elements))
    imports = "".join(
        f'<xs:import namespace="{namespace}" schemaLocation="{location}"/>'
        for namespace, location in _IMPORTS.items()
    )
    everything = work / "everything.xsd"
    everything.write_text(_schema_of("urn:everything", imports))
    return everything


def _schema_of(namespace: str, content: str) -> str:
    return (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        f'xmlns:vos="{VOSPACE}" targetNamespace="{namespace}" '
        f'elementFormDefault="qualified">{content}</xs:schema>'
    )
