"""The S3 requests that obstore does not offer: look at multipart uploads, and join objects.

Parts of an upload whose server died are invisible, and paid for, until somebody asks for them.
Requests are signed as AWS Signature Version 4 says.
"""

import hashlib
import hmac
import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree as ET

from vospace_server.storage.s3_errors import store_error
from vospace_server.storage.s3_settings import S3Settings

TIMEOUT_SECONDS = 30.0
# The service reads and writes all bytes of a part before it answers that it was copied.
COPY_SECONDS = 300.0

_ALGORITHM = "AWS4-HMAC-SHA256"
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class IncompleteUpload:
    """A multipart upload that was begun and neither completed nor aborted."""

    name: str
    upload_id: str
    initiated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedRange:
    """The bytes from start up to, not including, stop of an object of the bucket."""

    name: str
    start: int
    stop: int


class S3Requests:
    """Signed requests to one bucket. Safe to use from any number of threads."""

    def __init__(self, settings: S3Settings, *, page_length: int = 1000) -> None:
        self._settings = settings
        self._page_length = str(page_length)
        self._host = urlsplit(settings.endpoint).netloc

    def incomplete_uploads(self, prefix: str) -> Iterator[IncompleteUpload]:
        """The uploads under way whose name begins with prefix. Raises StoreError."""
        asked = {"uploads": "", "prefix": prefix, "max-uploads": self._page_length}
        markers = {"key-marker": "NextKeyMarker", "upload-id-marker": "NextUploadIdMarker"}
        for page in self._pages("", asked, markers):
            yield from (_upload(element) for element in page.iterfind("{*}Upload"))

    def last_written(self, upload: IncompleteUpload) -> datetime:
        """When the newest part of an upload arrived, or the upload began. Raises StoreError."""
        asked = {"uploadId": upload.upload_id, "max-parts": self._page_length}
        markers = {"part-number-marker": "NextPartNumberMarker"}
        arrived = [
            datetime.fromisoformat(text)
            for page in self._pages(upload.name, asked, markers)
            for element in page.iterfind("{*}Part")
            if (text := element.findtext("{*}LastModified"))
        ]
        return max(arrived, default=upload.initiated)

    def abort_upload(self, upload: IncompleteUpload) -> None:
        """Remove all parts of an upload; harmless when it is gone. Raises StoreError."""
        self.send("DELETE", upload.name, {"uploadId": upload.upload_id}, missing_is_fine=True)

    def begin_upload(self, name: str) -> str:
        """Begin a multipart upload; gives its id. Raises StoreError."""
        answer = ET.fromstring(self.send("POST", name, {"uploads": ""}))  # noqa: S314 - as below
        return answer.findtext("{*}UploadId", "")

    def copy_part(self, upload: IncompleteUpload, number: int, source: CopiedRange) -> str:
        """Make a part of bytes that are stored already; gives its tag. Raises StoreError."""
        headers = {
            "x-amz-copy-source": quote(f"/{self._settings.bucket}/{source.name}"),
            "x-amz-copy-source-range": f"bytes={source.start}-{source.stop - 1}",
        }
        asked = {"partNumber": str(number), "uploadId": upload.upload_id}
        answer = self.send("PUT", upload.name, asked, headers=headers, seconds=COPY_SECONDS)
        return ET.fromstring(answer).findtext("{*}ETag", "")  # noqa: S314 - as below

    def complete_upload(self, upload: IncompleteUpload, tags: Sequence[str]) -> None:
        """Make an object of all parts of an upload. Raises StoreError."""
        document = ET.Element("CompleteMultipartUpload")
        for number, tag in enumerate(tags, start=1):
            part = ET.SubElement(document, "Part")
            ET.SubElement(part, "PartNumber").text = str(number)
            ET.SubElement(part, "ETag").text = tag
        answer = self.send(
            "POST",
            upload.name,
            {"uploadId": upload.upload_id},
            body=ET.tostring(document),
            seconds=COPY_SECONDS,
        )
        # The service begins to answer before it knows how it ends.
        if b"<Error>" in answer:
            text = answer.decode("utf-8", "replace")
            raise store_error(f"joining {upload.name}", text, self._settings)

    def send(  # noqa: PLR0913 - a request has so many parts
        self,
        method: str,
        name: str,
        parameters: Mapping[str, str],
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        body: bytes = b"",
        seconds: float = TIMEOUT_SECONDS,
        missing_is_fine: bool = False,
    ) -> bytes:
        """The body of the answer to one request. Raises StoreError.

        name is that of an object, or empty for the bucket itself.
        """
        path = quote(f"/{self._settings.bucket}/{name}".rstrip("/"))
        query = urlencode(sorted(parameters.items()), quote_via=quote, safe="")
        request = urllib.request.Request(  # noqa: S310 - the settings allow http(s) only
            f"{self._settings.endpoint}{path}?{query}", method=method, data=body or None
        )
        named = {**headers, "x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
        for header, value in self._signed(method, path, query, named).items():
            request.add_header(header, value)
        doing = f"sending {method} {path}"
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 - as above
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            if missing_is_fine and error.code == http.client.NOT_FOUND:
                return b""
            said = error.read(4096).decode("utf-8", "replace")
            text = said or f"{error.code} {error.reason}"
            raise store_error(doing, text, self._settings) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            text = f'error sending request: message: "{reason}"'
            raise store_error(doing, text, self._settings) from error

    def _pages(
        self, name: str, asked: Mapping[str, str], markers: Mapping[str, str]
    ) -> Iterator[ET.Element]:
        """The pages of a listing; markers says which element of one asks for the next."""
        after: dict[str, str] = {}
        while True:
            answer = self.send("GET", name, {**asked, **after}, missing_is_fine=bool(name))
            if not answer:
                return
            page = ET.fromstring(answer)  # noqa: S314 - from the operator's own store
            yield page
            if page.findtext("{*}IsTruncated") != "true":
                return
            after = {key: page.findtext(f"{{*}}{tag}", "") for key, tag in markers.items()}

    def _signed(
        self, method: str, path: str, query: str, named: Mapping[str, str]
    ) -> dict[str, str]:
        """The headers of a request that is made now, and those that authenticate it."""
        settings, now = self._settings, datetime.now(UTC)
        headers = {
            **named,
            "host": self._host,
            "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
        }
        if settings.session_token:
            headers["x-amz-security-token"] = settings.session_token
        names = ";".join(sorted(headers))
        lines = [f"{name}:{headers[name]}" for name in sorted(headers)]
        canonical = "\n".join(
            [method, path, query, *lines, "", names, named["x-amz-content-sha256"]]
        )
        scope = f"{now:%Y%m%d}/{settings.region}/s3/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = "\n".join([_ALGORITHM, headers["x-amz-date"], scope, digest])
        signature = _hmac(_signing_key(settings, scope), to_sign).hex()
        headers["authorization"] = (
            f"{_ALGORITHM} Credential={settings.access_key_id}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}"
        )
        return headers


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _signing_key(settings: S3Settings, scope: str) -> bytes:
    """The key for one day, region and service, as the scope lists them."""
    key = f"AWS4{settings.secret_access_key}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    return key


def _upload(element: ET.Element) -> IncompleteUpload:
    return IncompleteUpload(
        name=element.findtext("{*}Key", ""),
        upload_id=element.findtext("{*}UploadId", ""),
        initiated=datetime.fromisoformat(element.findtext("{*}Initiated", "")),
    )
