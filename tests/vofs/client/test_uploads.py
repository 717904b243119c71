"""Uploads: acknowledged means that the service has exactly these bytes."""

import base64
import hashlib
import io

import pytest

from tests.vofs.client.conftest import Asked, Reply, ScriptedServer
from vofs.client.connection import Connection
from vofs.client.errors import MalformedAnswer, Unreachable
from vofs.client.uploads import Upload, Uploads
from vospace_model.faults import PermissionDenied, PreconditionFailed

DATA = b"pixels" * 1000
MD5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()


def _digest(data: bytes) -> str:
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    return "md5=" + base64.b64encode(digest).decode()


def _upload(**conditions: object) -> Upload:
    return Upload(file=io.BytesIO(DATA), length=len(DATA), **conditions)  # type: ignore[arg-type]


def test_whole_file_is_sent_with_its_conditions(
    server: ScriptedServer, connection: Connection
) -> None:
    server.script = lambda asked: Reply(status=201, headers={"Digest": _digest(asked.body)})
    upload = _upload(md5=MD5, if_match="a" * 32, mtime_ns=1_700_000_000_000_000_001)
    assert Uploads(connection).put(f"{server.url}/f", upload) is None
    (asked,) = server.asked
    assert asked.body == DATA
    assert asked.headers["digest"] == _digest(DATA)
    assert asked.headers["if-match"] == f'"{"a" * 32}"'
    assert asked.headers["x-vospace-mtime-ns"] == "1700000000000000001"
    assert asked.headers["content-length"] == str(len(DATA))


def test_new_file_must_be_new_when_asked(
    server: ScriptedServer, connection: Connection
) -> None:
    server.replies(Reply(status=412, body=b"PreconditionFailed: exists\n"))
    with pytest.raises(PreconditionFailed):
        Uploads(connection).put(server.url, _upload(create_only=True))
    assert server.asked[0].headers["if-none-match"] == "*"


def test_other_bytes_than_those_sent_are_noticed(
    server: ScriptedServer, connection: Connection
) -> None:
    server.replies(Reply(status=201, headers={"Digest": _digest(b"other")}))
    with pytest.raises(MalformedAnswer, match="stored other bytes"):
        Uploads(connection).put(server.url, _upload())


def test_upload_that_broke_is_sent_again_from_its_beginning(
    server: ScriptedServer, connection: Connection
) -> None:
    left = [Reply(hang_up=True), Reply(status=503, body=b"ServiceBusy\n")]

    def script(asked: Asked) -> Reply:
        return (
            left.pop() if left else Reply(status=201, headers={"Digest": _digest(asked.body)})
        )

    server.script = script
    Uploads(connection).put(server.url, _upload())
    assert server.asked[-1].body == DATA


def test_refusal_is_told_at_once(server: ScriptedServer, connection: Connection) -> None:
    server.replies(Reply(status=403, body=b"PermissionDenied: /f\n"))
    with pytest.raises(PermissionDenied):
        Uploads(connection).put(server.url, _upload())
    assert len(server.asked) == 1


def test_dead_service_is_told_in_time(connection: Connection, dead_url: str) -> None:
    with pytest.raises(Unreachable):
        Uploads(connection).put(dead_url, _upload())


def test_file_that_shrinks_while_it_is_sent_is_not_acknowledged(
    server: ScriptedServer, connection: Connection
) -> None:
    server.replies(Reply(status=201))
    upload = Upload(file=io.BytesIO(b"short"), length=100)
    with pytest.raises(MalformedAnswer, match="became shorter"):
        Uploads(connection).put(server.url, upload)
