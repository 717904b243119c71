"""From a storage URL and an environment to the settings of a bucket."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from vospace_server.storage.registry import open_store
from vospace_server.storage.s3_errors import store_error
from vospace_server.storage.s3_settings import S3Settings, read_settings

KEYS = {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "hidden"}


def settings(url: str, environ: dict[str, str] | None = None) -> S3Settings:
    return read_settings(urlsplit(url), KEYS if environ is None else environ)


def test_a_bucket_alone_is_one_of_amazon() -> None:
    found = settings("s3://fits-files")

    assert found.endpoint == "https://s3.us-east-1.amazonaws.com"
    assert (found.bucket, found.region, found.prefix) == ("fits-files", "us-east-1", "")
    assert found.name_of("abc") == "abc"


def test_every_option_is_read() -> None:
    found = settings(
        "s3://fits?endpoint=http://rgw.example.org:7480/&region=canada&prefix=/a/b/&part=64MiB"
    )

    assert found.endpoint == "http://rgw.example.org:7480"
    assert (found.region, found.prefix, found.part_bytes) == ("canada", "a/b", 64 << 20)
    assert found.name_of("abc") == "a/b/abc"
    assert found.max_object_bytes == 640_000 << 20


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://", "a bucket is written s3://bucket"),
        ("s3://bucket/folder", "a bucket is written s3://bucket"),
        ("s3://key:secret@bucket", "a bucket is written s3://bucket"),
        (
            "s3://bucket?endpont=http://x",
            "'endpont' does not exist; there are endpoint, region",
        ),
        ("s3://bucket?endpoint=rgw.example.org", "endpoint is http"),
        ("s3://bucket?endpoint=http://key:secret@host", "endpoint is http"),
        ("s3://bucket?endpoint=http://host/path", "endpoint is http"),
        ("s3://bucket?region=a/b", "region is a name"),
        ("s3://bucket?prefix=a/../b", "prefix holds names"),
        ("s3://bucket?prefix=a//b", "prefix holds names"),
        ("s3://bucket?part=1MiB", "part is between 5MiB and 1GiB"),
        ("s3://bucket?part=large", "is not a size"),
    ],
)
def test_an_unusable_url_is_named(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings(url)


def test_keys_may_be_in_files(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("reader\n")
    (tmp_path / "secret").write_text("from-file\n")
    environ = {
        "AWS_ACCESS_KEY_ID_FILE": str(tmp_path / "id"),
        "AWS_SECRET_ACCESS_KEY_FILE": str(tmp_path / "secret"),
        "AWS_SECRET_ACCESS_KEY": "the file wins",
    }

    found = settings("s3://bucket", environ)

    assert (found.access_key_id, found.secret_access_key) == ("reader", "from-file")
    assert "from-file" not in repr(found)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "needs AWS_ACCESS_KEY_ID, or AWS_ACCESS_KEY_ID_FILE"),
        ({"AWS_ACCESS_KEY_ID": "x"}, "needs AWS_SECRET_ACCESS_KEY, or"),
        ({"AWS_ACCESS_KEY_ID_FILE": "/nowhere/key"}, "can't read /nowhere/key: No such file"),
    ],
)
def test_a_missing_key_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings("s3://bucket", environ)


def test_a_service_that_is_down_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(
        Exception, match=r"^http://127\.0\.0\.1:1 does not answer \(.*[Cc]onnection refused\)"
    ):
        open_store("s3://bucket?endpoint=http://127.0.0.1:1")


def test_without_the_extra_the_reason_is_one_sentence() -> None:
    program = (
        "import sys; sys.modules['obstore'] = None\n"
        "from vospace_server.storage.registry import open_store\n"
        "try: open_store('s3://bucket')\n"
        "except ValueError as error: print(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **KEYS},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.startswith(
        "an s3: store needs the extra [s3]: pip install 'vospace[s3]'"
    )


def test_other_stores_do_not_load_obstore() -> None:
    program = (
        "import sys; from vospace_server.storage.registry import open_store\n"
        "open_store('memory:'); print('obstore' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout == "False\n"


def test_an_unknown_failure_is_its_first_line_without_the_library_s_debris() -> None:
    found = settings("s3://bucket?endpoint=http://host")
    said = "Generic S3 error: the moon is in the way\n\nDebug source:\nGeneric { ... }"

    error = store_error("reading object x", said, found)

    assert str(error) == "the moon is in the way (while reading object x)"
