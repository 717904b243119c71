"""What an upload is asked to store, and what it has become."""

from dataclasses import dataclass

from vospace_model.jobs import JobResult
from vospace_model.uris import NodePath
from vospace_server.domain.content import Content
from vospace_server.domain.digests import Digests
from vospace_server.domain.node_view import NodeView
from vospace_server.services.upload_conditions import UploadConditions


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadOrder:
    """What is to be stored where, as far as it is known before the first byte.

    `job_id` is the job that ends with the upload, and that admits only one; `results` are
    those that it ends with.
    """

    path: NodePath
    declared_length: int | None
    announced: Digests
    conditions: UploadConditions
    media_type: str | None
    mtime_ns: int | None
    encoding: str | None = None
    job_id: str | None = None
    results: tuple[JobResult, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What an upload has become."""

    view: NodeView
    content: Content
    created: bool

    @property
    def digests(self) -> Digests:
        """The digests of the stored bytes."""
        return Digests(md5=self.content.md5, sha256=self.content.sha256)
