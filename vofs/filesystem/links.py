"""Link nodes as symbolic links, and back.

Inside the mount a link is relative, so that it leads to the same node wherever the space is
mounted. What a link node may point to outside of it has no name here: it is shown as the URI
that it is. No link ever leads to a file of this machine: the service may be anybody's.
"""

import posixpath
from typing import Final

from vofs.filesystem.errors import OutsideMount
from vospace_model.faults import Fault
from vospace_model.uris import NodePath, VosUri

_SCHEMES: Final = ("vos:", "http:", "https:", "ivo:", "ftp:")


def shown_target(link: NodePath, target: str, *, authority: str, root: NodePath) -> str:
    """What readlink(2) answers for a link node.

    A target that is neither a node of the mount nor a URI would be taken by the kernel for a
    path of this machine, so it is OutsideMount.
    """
    path = _node_of(target, authority)
    if path is not None and path.is_within(root):
        here = "/".join(link.parent.relative_to(root)) or "."
        there = "/".join(path.relative_to(root)) or "."
        return posixpath.relpath(there, here)
    if target.lower().startswith(_SCHEMES):
        return target
    raise OutsideMount(f"the link {link} points to {target!r}, which is no URI")


def stored_target(
    link: NodePath, text: str, *, authority: str, root: NodePath, mountpoint: str
) -> str:
    """The target of the link node for `symlink(text, link)`.

    Relative paths, and absolute ones below the mountpoint, become the URI of the node that
    they mean, whether it exists or not; URIs stay as they are. A path that leads out of the
    mount is OutsideMount: nobody else could follow it.
    """
    if text.lower().startswith(_SCHEMES):
        return text
    if text.startswith("/"):
        inside = posixpath.relpath(text, mountpoint)
        base: tuple[str, ...] = ()
    else:
        inside = text
        base = link.parent.relative_to(root)
    names = list(base)
    for part in inside.split("/"):
        if part in {"", "."}:
            continue
        if part != "..":
            names.append(part)
        elif names:
            names.pop()
        else:
            raise OutsideMount(f"{text!r} leads out of the mount")
    return str(VosUri(authority, NodePath((*root.names, *names))))


def _node_of(target: str, authority: str) -> NodePath | None:
    """The path in our space that a target names; None when it is elsewhere."""
    try:
        uri = VosUri.parse(target)
    except Fault:
        return None
    return uri.path if uri.authority == authority else None
