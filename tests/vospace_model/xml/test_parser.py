"""The parser, against hostile documents."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vospace_model import Fault, InvalidArgument, RequestEntityTooLarge
from vospace_model.xml import MAX_DOCUMENT_BYTES
from vospace_model.xml.parser import parse_document

LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that must see no connection."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        yield server
        with pytest.raises(BlockingIOError):
            server.accept()


def refusal(document: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> str:
    """Why the document is refused; it must be, as an invalid argument."""
    with pytest.raises(InvalidArgument) as refused:
        parse_document(document, max_bytes=max_bytes)
    return refused.value.detail


def test_document_is_parsed_without_comments_and_instructions() -> None:
    root = parse_document(b"<?xml version='1.0'?><!-- c --><a>x<!-- y --><?p q?>z</a>")

    assert (root.tag, root.text, len(root)) == ("a", "xz", 0)


@pytest.mark.parametrize(
    "document",
    [
        "<!DOCTYPE a><a/>",
        "<?xml version='1.0'?>\n<!-- c --><?p q?> <!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        f"<!DOCTYPE a [<!ENTITY l0 'lol'>{LAUGHS}]><a>&l9;</a>",
        f"<!DOCTYPE a [<!ENTITY l0 'lol'>{LAUGHS}]><a b='&l9;'/>",
        "<!DOCTYPE a [<!ATTLIST a b CDATA 'c'>]><a/>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_document_type_of_any_kind_is_refused_unread(document: str, encoding: str) -> None:
    reason = refusal(document.encode(encoding))

    assert reason == "a document type declaration (DTD) is not allowed"


def test_nothing_is_fetched_from_the_network(listener: socket.socket) -> None:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"

    for document in (
        f"<!DOCTYPE a SYSTEM '{url}'><a/>",
        f"<!DOCTYPE a PUBLIC 'p' '{url}'><a/>",
        f"<!DOCTYPE a [<!ENTITY x SYSTEM '{url}'>]><a>&x;</a>",
        f"<!DOCTYPE a [<!ENTITY % p SYSTEM '{url}'> %p;]><a/>",
    ):
        refusal(document.encode())


def test_schema_locations_and_includes_are_not_followed(
    listener: socket.socket, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"

    root = parse_document(
        f"<a xmlns:xi='http://www.w3.org/2001/XInclude' "
        f"xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
        f"xsi:noNamespaceSchemaLocation='{url}'>"
        f"<xi:include href='{secret}' parse='text'/></a>".encode()
    )

    assert "secret" not in "".join(map(str, root.itertext()))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "line 1: Document is empty"),
        (b"hello", "line 1: Start tag expected, '<' not found"),
        (b"<a>\n<b>\n</a>", "line 3: Opening and ending tag mismatch: b line 2 and a"),
        (b"<a/><b/>", "line 1: Extra content at the end of the document"),
        (b"<a>\n&foo;</a>", "line 2: Entity 'foo' not defined"),
        (b"<q:a/>", "line 1: Namespace prefix q on a is not defined"),
        (b"<a a='1' a='2'/>", "line 1: Attribute a redefined"),
        (b"\xff\xfe<", "line 1: not UTF-16"),
        (b"\xff\xfe\x00\xd8", "line 1: not UTF-16"),
    ],
)
def test_malformed_document_is_refused_with_line_and_reason(
    document: bytes, reason: str
) -> None:
    assert refusal(document) == reason


@pytest.mark.parametrize(
    "document",
    [
        b"<a>\x00</a>",
        b"<a>\xe9</a>",
        b"<a>&#1;</a>",
        b"<?xml version='1.1'?><a>&#1;</a>",
        b"<a>\xed\xa0\x80</a>",
        " <a/>".encode("utf-16-le"),
        "<a/>".encode("utf-32"),
        b"\n<?xml version='1.0'?><a/>",
        b"<!-- a -- b --><a/>",
    ],
)
def test_impossible_characters_are_refused_with_a_line(document: bytes) -> None:
    assert refusal(document).startswith("line ")


@pytest.mark.parametrize(
    "document",
    [
        "<a>é</a>".encode(),
        "<a>é</a>".encode("utf-8-sig"),
        "<?xml version='1.0' encoding='utf8'?><a>é</a>".encode("utf-8-sig"),
        '<?xml version="1.0" encoding="UTF-8"?><a>é</a>'.encode(),
        "<a>é</a>".encode("utf-16"),
        '<?xml version="1.0" encoding="UTF-16"?><a>é</a>'.encode("utf-16"),
        b"\xfe\xff" + "<?xml version='1.0' encoding='UTF-16BE'?><a>é</a>".encode("utf-16-be"),
        b"<?xml version='1.0' encoding='US-ASCII'?><a>&#233;</a>",
    ],
)
def test_document_in_unicode_is_read_with_and_without_its_mark(document: bytes) -> None:
    assert parse_document(document).text == "é"


@pytest.mark.parametrize(
    ("encoding", "document"),
    [
        ("UTF-7", b"<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE a+AD4APA-a/+AD4-"),
        ("ISO-8859-1", b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>"),
        ("UTF-16", b"<?xml version='1.0' encoding='UTF-16'?><a/>"),
        ("UTF-8", "<?xml version='1.0' encoding='UTF-8'?><a/>".encode("utf-16")),
        ("IBM037", b"<?xml version='1.0' standalone='yes' encoding=\"IBM037\"?><a/>"),
    ],
)
def test_other_encodings_and_false_declarations_are_refused(
    encoding: str, document: bytes
) -> None:
    assert refusal(document) == f"line 1: send UTF-8; this says it is {encoding}"


def test_document_above_the_bound_is_too_large() -> None:
    document = b"<a>" + b"x" * (MAX_DOCUMENT_BYTES - 7) + b"</a>"

    assert parse_document(document).tag == "a"
    with pytest.raises(RequestEntityTooLarge) as refused:
        parse_document(document + b"\n")

    assert refused.value.detail == "the document has 32769 bytes; 32768 are allowed"


def test_nesting_is_bounded() -> None:
    assert parse_document(b"<a>" * 64 + b"</a>" * 64).tag == "a"
    assert refusal(b"<a>" * 65 + b"</a>" * 65) == "elements are nested more than 64 deep"


@pytest.mark.parametrize(
    "document",
    [
        b"<a>" * 10**5 + b"</a>" * 10**5,
        b"<a " + b" ".join(b'a%d="1"' % number for number in range(10**6)) + b"/>",
        b"<!-- " * 10**5,
        b"<!---->" * 10**5,
        b"<?a?>" * 10**5 + b"<!DOCTYPE",
        b" " * 10**6,
        b"<a" + b" xmlns:a='b'" * 10**5 + b"/>",
    ],
    ids=[
        "depth",
        "attributes",
        "open comments",
        "comments",
        "instructions",
        "blanks",
        "prefixes",
    ],
)
def test_monstrous_document_is_refused_quickly_whatever_the_bound(document: bytes) -> None:
    before = time.monotonic()

    refusal(document, max_bytes=len(document))

    assert time.monotonic() - before < 10


@given(st.binary(max_size=200) | st.text(alphabet="<>/a= '\"!-?&;[]DOCTYPE:\n").map(str.encode))
def test_any_bytes_are_parsed_or_refused_by_a_fault(document: bytes) -> None:
    try:
        parse_document(document)
    except Fault as fault:
        assert isinstance(fault, InvalidArgument)
