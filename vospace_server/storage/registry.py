"""From a storage URL to a store: the one table of the stores that exist."""

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from vospace_server.storage.filesystem import FilesystemStore
from vospace_server.storage.memory import MemoryStore
from vospace_server.storage.object_store import ObjectStore
from vospace_server.storage.s3_settings import read_settings


def _open_directory(url: SplitResult) -> ObjectStore:
    path = unquote(url.path)
    if url.netloc not in {"", "localhost"} or not path.startswith("/"):
        raise ValueError("a directory is written file:///absolute/path")
    options = _options(url, {"sync": {"yes": True, "no": False}})
    return FilesystemStore(Path(path), sync=options.get("sync", True))


def _open_memory(url: SplitResult) -> ObjectStore:
    if url.netloc or url.path or url.query:
        raise ValueError("the store in memory is written memory: and takes no options")
    return MemoryStore()


def _open_bucket(url: SplitResult) -> ObjectStore:
    settings = read_settings(url, os.environ)
    try:
        # Loaded here because obstore comes with the extra [s3] only.
        from vospace_server.storage.s3 import S3Store  # noqa: PLC0415
    except ImportError as error:
        raise ValueError(
            f"an s3: store needs the extra [s3]: pip install 'vospace[s3]' ({error})"
        ) from None
    store = S3Store(settings)
    store.check()
    return store


_STORES: dict[str, Callable[[SplitResult], ObjectStore]] = {
    "file": _open_directory,
    "memory": _open_memory,
    "s3": _open_bucket,
}


def open_store(url: str) -> ObjectStore:
    """The store that a URL names: file:///path[?sync=no], memory: or s3://bucket[?…].

    Raises ValueError with a sentence for a URL that names none, StoreError when it can't be
    prepared.
    """
    parts = urlsplit(url)
    opener = _STORES.get(parts.scheme)
    if opener is None:
        known = ", ".join(f"{scheme}:" for scheme in sorted(_STORES))
        raise ValueError(f"no store is known for {parts.scheme or url!r}; there are {known}")
    return opener(parts)


def _options(url: SplitResult, allowed: dict[str, dict[str, bool]]) -> dict[str, bool]:
    """The options in a URL's query. Raises ValueError for an unknown name or value."""
    chosen: dict[str, bool] = {}
    for name, values in parse_qs(url.query, keep_blank_values=True).items():
        meanings = allowed.get(name)
        if meanings is None:
            raise ValueError(f"the storage option {name!r} does not exist")
        if values[-1] not in meanings:
            raise ValueError(f"the storage option {name} is one of {', '.join(meanings)}")
        chosen[name] = meanings[values[-1]]
    return chosen
