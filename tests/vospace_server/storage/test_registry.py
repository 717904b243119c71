"""From a URL to a store."""

from pathlib import Path

import pytest

from vospace_server.storage.filesystem import FilesystemStore
from vospace_server.storage.memory import MemoryStore
from vospace_server.storage.registry import open_store


def test_a_file_url_is_a_directory(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/with%20space")

    assert isinstance(store, FilesystemStore)
    assert (tmp_path / "with space" / "objects").is_dir()
    assert store.properties.durable


def test_sync_can_be_switched_off(tmp_path: Path) -> None:
    assert not open_store(f"file://{tmp_path}?sync=no").properties.durable


def test_memory_is_neither_shared_nor_durable() -> None:
    store = open_store("memory:")

    assert isinstance(store, MemoryStore)
    assert not store.properties.shared
    assert not store.properties.durable


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host/", "no store is known for 'ftp'"),
        ("", "no store is known for"),
        ("file:relative", "file:///absolute/path"),
        ("file://elsewhere/path", "file:///absolute/path"),
        ("file:///tmp/x?fsync=no", "'fsync' does not exist"),
        ("file:///tmp/x?sync=perhaps", "one of yes, no"),
        ("memory://somewhere", "takes no options"),
    ],
)
def test_an_unusable_url_is_named(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_store(url)
