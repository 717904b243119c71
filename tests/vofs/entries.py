"""Nodes as a service describes them, for tests that need one or two."""

import dataclasses
from typing import Any

from vospace_model.api import Entry
from vospace_model.nodes import NodeType

_ENTRY = Entry(
    name="f",
    type=NodeType.DATA,
    id=1,
    length=0,
    mtime_ns=0,
    ctime_ns=0,
    owner="durand",
    public=False,
    readable=True,
    writable=True,
    version=1,
)


def entry_of(name: str = "f", **different: Any) -> Entry:
    """An empty private file of durand's, but for what is named."""
    return dataclasses.replace(_ENTRY, name=name, **different)
