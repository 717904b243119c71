"""Fixtures of the model's tests: schemas to validate against, golden documents."""

import os
from collections.abc import Callable
from typing import Final

import pytest

from tests.vospace_model.schemas import REPOSITORY, Schemas, schema_folder

_DOCUMENTS: Final = REPOSITORY / "tests" / "documents"


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Schemas:
    """The published schemas, where they are present."""
    return Schemas(schema_folder(), tmp_path_factory.mktemp("schemas"))


@pytest.fixture
def golden() -> Callable[[str, bytes], None]:
    """Compare a document with the reviewed one of that name in tests/documents.

    With VOSPACE_UPDATE_DOCUMENTS=1 the reviewed one is written anew, to be read as a diff.
    """

    def compare(name: str, document: bytes) -> None:
        path = _DOCUMENTS / name
        if os.environ.get("VOSPACE_UPDATE_DOCUMENTS") == "1":
            path.write_bytes(document)
        assert document.decode() == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def received() -> Callable[[str], bytes]:
    """A document as others send it, from tests/documents/received."""

    def read(name: str) -> bytes:
        return (_DOCUMENTS / "received" / name).read_bytes()

    return read
