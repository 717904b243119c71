"""What is needed to reach a bucket: from the storage URL and from the environment.

    s3://BUCKET?endpoint=https://s3.example.org&region=us-east-1&prefix=space&part=16MiB

The keys never stand in the URL. They come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
(and AWS_SESSION_TOKEN), or from the files that the same names with _FILE point at.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

from vospace_model.byte_sizes import parse_size

EXAMPLE = "s3://bucket?endpoint=https://host&region=us-east-1&prefix=space"
DEFAULT_REGION = "us-east-1"
DEFAULT_PART_BYTES = 16 << 20
MIN_PART_BYTES = 5 << 20
MAX_PART_BYTES = 1 << 30
# A multipart upload has at most this many parts, in every S3 there is.
MAX_PARTS = 10_000

_OPTIONS = ("endpoint", "region", "prefix", "part")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,62}", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*", re.ASCII)
_REGION = re.compile(r"[A-Za-z0-9-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """One bucket, or the part of it below a prefix, and the keys that open it."""

    bucket: str
    endpoint: str
    region: str
    prefix: str
    """Empty, or names joined by slashes, without one at either end."""
    part_bytes: int
    """The size of a part of a large upload; at most MAX_PARTS of them make an object."""
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    @property
    def max_object_bytes(self) -> int:
        """The longest object that can be written with parts of this size."""
        return self.part_bytes * MAX_PARTS

    def name_of(self, key: str) -> str:
        """The name that an object has in the bucket."""
        return f"{self.prefix}/{key}" if self.prefix else key


def read_settings(url: SplitResult, environ: Mapping[str, str]) -> S3Settings:
    """The settings that a URL and an environment make together.

    Raises ValueError with a sentence that says what is wrong or missing.
    """
    bucket = url.netloc
    if _BUCKET.fullmatch(bucket) is None or url.path not in {"", "/"}:
        raise ValueError(f"a bucket is written {EXAMPLE}")
    options = _options(url)
    region = options.get("region", DEFAULT_REGION)
    if _REGION.fullmatch(region) is None:
        raise ValueError(f"the storage option region is a name, not {region!r}")
    return S3Settings(
        bucket=bucket,
        endpoint=_endpoint(options.get("endpoint"), region),
        region=region,
        prefix=_prefix(options.get("prefix", "")),
        part_bytes=_part_bytes(options.get("part")),
        access_key_id=_needed("AWS_ACCESS_KEY_ID", environ),
        secret_access_key=_needed("AWS_SECRET_ACCESS_KEY", environ),
        session_token=_secret("AWS_SESSION_TOKEN", environ),
    )


def _options(url: SplitResult) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, values in parse_qs(url.query, keep_blank_values=True).items():
        if name not in _OPTIONS:
            raise ValueError(
                f"the storage option {name!r} does not exist; there are {', '.join(_OPTIONS)}"
            )
        options[name] = values[-1]
    return options


def _endpoint(text: str | None, region: str) -> str:
    if text is None:
        return f"https://s3.{region}.amazonaws.com"
    parts = urlsplit(text)
    usable = parts.scheme in {"http", "https"} and parts.hostname and not parts.username
    if not usable or parts.path not in {"", "/"} or parts.query:
        raise ValueError(f"the storage option endpoint is http(s)://host[:port], not {text!r}")
    return f"{parts.scheme}://{parts.netloc}"


def _prefix(text: str) -> str:
    prefix = text.strip("/")
    if prefix and _PREFIX.fullmatch(prefix) is None:
        raise ValueError(
            "the storage option prefix holds names of letters, digits, dot, dash and "
            f"underscore, joined by slashes, not {text!r}"
        )
    return prefix


def _part_bytes(text: str | None) -> int:
    part_bytes = DEFAULT_PART_BYTES if text is None else parse_size(text)
    if not MIN_PART_BYTES <= part_bytes <= MAX_PART_BYTES:
        raise ValueError(f"the storage option part is between 5MiB and 1GiB, not {text}")
    return part_bytes


def _needed(name: str, environ: Mapping[str, str]) -> str:
    secret = _secret(name, environ)
    if secret is None:
        raise ValueError(f"an s3: store needs {name}, or {name}_FILE with the path of a file")
    return secret


def _secret(name: str, environ: Mapping[str, str]) -> str | None:
    """A variable, or the content of the file that its namesake with _FILE points at."""
    path = environ.get(f"{name}_FILE")
    if not path:
        return environ.get(name) or None
    try:
        return Path(path).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ValueError(f"{name}_FILE: can't read {path}: {reason}") from None
