"""DiscardedUpload: bytes for `.null`, which are counted and hashed, and then are gone."""

import hashlib
from datetime import UTC, datetime

from vospace_model.faults import InvalidArgument
from vospace_server.database.engine import Database
from vospace_server.domain.content import Content, new_content_id
from vospace_server.domain.digests import Digests
from vospace_server.domain.node_view import NodeView
from vospace_server.services.job_ledger import check_job_takes_bytes, complete_job
from vospace_server.services.upload_orders import Stored, UploadOrder


class DiscardedUpload:
    """Takes an upload as if it were stored. `view` is of the container that the sink is in."""

    def __init__(self, *, database: Database, order: UploadOrder, view: NodeView) -> None:
        self._database = database
        self._order = order
        self._view = view
        self._received = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def write(self, chunk: bytes | bytearray) -> None:
        """Count the next bytes."""
        self._received += len(chunk)
        self._md5.update(chunk)
        self._sha256.update(chunk)

    def commit(self) -> Stored:
        """End the job of the upload; raises what the commit of a real one does."""
        declared = self._order.declared_length
        if declared is not None and declared != self._received:
            raise InvalidArgument(f"{declared} bytes were announced, {self._received} came")
        digests = Digests(md5=self._md5.hexdigest(), sha256=self._sha256.hexdigest())
        self._order.announced.check(digests)
        with self._database.write() as unit:
            check_job_takes_bytes(unit, self._order.job_id)
            complete_job(unit, self._order.job_id, now=datetime.now(UTC))
        content_id = new_content_id()
        content = Content(
            content_id=content_id,
            object_key=content_id,
            length=self._received,
            md5=self._md5.hexdigest(),
            sha256=self._sha256.hexdigest(),
        )
        return Stored(view=self._view, content=content, created=True)

    def abandon(self) -> None:
        """Nothing is left behind either way."""
