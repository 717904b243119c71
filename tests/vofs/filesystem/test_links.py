"""Link nodes as symbolic links: relative inside, URIs outside, never a file of this machine."""

import pytest

from vofs.filesystem.errors import OutsideMount
from vofs.filesystem.links import shown_target, stored_target
from vospace_model.uris import NodePath

ROOT = NodePath(("durand", "data"))
SPACE = "localhost~vault"


@pytest.mark.parametrize(
    ("link", "target", "shown"),
    [
        ("/durand/data/l", "vos://localhost~vault/durand/data/f", "f"),
        ("/durand/data/a/b/l", "vos://localhost!vault/durand/data/f", "../../f"),
        ("/durand/data/a/l", "vos://localhost~vault/durand/data/a", "."),
        ("/durand/data/a/l", "vos://localhost~vault/durand/data", ".."),
        ("/durand/data/l", "vos://localhost~vault/durand/other", None),
        ("/durand/data/l", "vos://elsewhere~vault/durand/data/f", None),
        ("/durand/data/l", "https://example.org/x", None),
    ],
)
def test_shown_target(link: str, target: str, shown: str | None) -> None:
    path = NodePath.parse(link)
    assert shown_target(path, target, authority=SPACE, root=ROOT) == (shown or target)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc", "file:///etc/passwd", "x"])
def test_target_on_this_machine_is_never_shown(target: str) -> None:
    link = NodePath.parse("/durand/data/l")
    with pytest.raises(OutsideMount):
        shown_target(link, target, authority=SPACE, root=ROOT)


@pytest.mark.parametrize(
    ("link", "text", "stored"),
    [
        ("/durand/data/l", "f", "vos://localhost~vault/durand/data/f"),
        ("/durand/data/a/l", "../f", "vos://localhost~vault/durand/data/f"),
        ("/durand/data/a/l", "./b//c", "vos://localhost~vault/durand/data/a/b/c"),
        ("/durand/data/a/l", "/mnt/x/f", "vos://localhost~vault/durand/data/f"),
        ("/durand/data/l", "a b%", "vos://localhost~vault/durand/data/a b%25"),
        ("/durand/data/l", "https://example.org/x", "https://example.org/x"),
        ("/durand/data/l", "vos://a~b/c", "vos://a~b/c"),
    ],
)
def test_stored_target(link: str, text: str, stored: str) -> None:
    path = NodePath.parse(link)
    assert stored_target(path, text, authority=SPACE, root=ROOT, mountpoint="/mnt/x") == stored


@pytest.mark.parametrize("text", ["../f", "/etc/passwd", "a/../../../f", "/mnt/xy", "/mnt"])
def test_target_outside_of_the_mount_is_not_stored(text: str) -> None:
    link = NodePath.parse("/durand/data/l")
    with pytest.raises(OutsideMount):
        stored_target(link, text, authority=SPACE, root=ROOT, mountpoint="/mnt/x")
