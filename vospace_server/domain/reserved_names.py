"""The two reserved names of VOSpace 2.1 (section 3.1): `.auto` and `.null`."""

import hashlib
from typing import Final

from vospace_model.faults import InvalidURI
from vospace_model.uris import AUTO, NULL, NodePath

_DIGITS: Final = 24


def is_auto(path: NodePath) -> bool:
    """Whether the service is to invent the last name."""
    return not path.is_root and path.name == AUTO


def is_null(path: NodePath) -> bool:
    """Whether this is the sink."""
    return not path.is_root and path.name == NULL


def named_for_creation(path: NodePath, secret: str) -> NodePath:
    """Where createNode makes a node: `.auto` becomes a name invented from the secret.

    Raises InvalidURI for `.null`, where nothing can be.
    """
    if is_null(path):
        raise InvalidURI(
            f"{path} is the reserved name of what is thrown away; nothing is there"
        )
    return invented(path, secret)


def invented(path: NodePath, job_id: str) -> NodePath:
    """The path with the name that a job has invented instead of `.auto`; others as they are.

    The same for the same job however often it is asked, and telling nothing about its id.
    """
    if not is_auto(path):
        return path
    digest = hashlib.sha256(f"{AUTO} {job_id}".encode()).hexdigest()
    return path.parent.child(digest[:_DIGITS])
