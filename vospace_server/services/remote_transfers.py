"""RemoteTransfers: bytes that the service itself fetches or sends (VOSpace 2.1, 6.4.2, 6.4.4).

The client names addresses of other hosts; whether they may be asked is decided in remote/.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from vospace_model.faults import Fault, InvalidArgument, ProtocolNotSupported, TransferFailed
from vospace_model.protocols import NegotiatedProtocol, ProtocolUri
from vospace_model.transfers import ExternalTransfer
from vospace_model.uris import NodePath
from vospace_server.domain.digests import Digests
from vospace_server.domain.reserved_names import invented
from vospace_server.remote.fetcher import Cutter, RemoteContent, RemoteFetcher
from vospace_server.services.data import DataService
from vospace_server.services.job_control import JobControl
from vospace_server.services.job_ledger import JobOutcome
from vospace_server.services.reading import ReadingService
from vospace_server.services.transfer_jobs import target_results
from vospace_server.services.transfers import check_plain_view
from vospace_server.services.tree import Tree
from vospace_server.services.upload_conditions import UploadConditions
from vospace_server.services.upload_orders import UploadOrder
from vospace_server.storage.object_store import read_range

READ_PROTOCOLS: Final = (ProtocolUri.HTTP_GET, ProtocolUri.HTTPS_GET)
WRITE_PROTOCOLS: Final = (ProtocolUri.HTTP_PUT, ProtocolUri.HTTPS_PUT)
ACCEPTED_PROTOCOLS: Final = (*READ_PROTOCOLS, *WRITE_PROTOCOLS)
"""What the service speaks as a client."""


class RemoteTransfers:
    """Does pullToVoSpace and pushFromVoSpace, as jobs.

    Both try one address after the other until one succeeds. Until then nothing has changed, so
    an interrupted one simply begins again.
    """

    def __init__(
        self,
        *,
        tree: Tree,
        data: DataService,
        reading: ReadingService,
        fetcher: RemoteFetcher,
    ) -> None:
        self._tree = tree
        self._data = data
        self._reading = reading
        self._fetcher = fetcher

    def pull(self, control: JobControl, transfer: ExternalTransfer) -> None:
        """Fetch bytes into a node, and end the job in the transaction that stores them.

        Raises what an upload raises, ViewNotSupported, ProtocolNotSupported, InvalidArgument
        for an address that must not be asked, and TransferFailed.
        """
        check_plain_view(transfer)
        endpoints = _endpoints(transfer, READ_PROTOCOLS)
        path = invented(self._tree.own_path(transfer.target), control.job_id)
        target = self._data.check(control.caller(), path, length=None)

        def fetch(url: str, cutter: Cutter) -> None:
            with self._fetcher.read(url, cutter) as content:
                self._store(control, transfer, target, content)

        _first_that_succeeds(control, endpoints, fetch)

    def push(self, control: JobControl, transfer: ExternalTransfer) -> JobOutcome:
        """Send the bytes of a node to an address; raises as `pull`, and what reading does."""
        check_plain_view(transfer)
        endpoints = _endpoints(transfer, WRITE_PROTOCOLS)
        opened = self._reading.open(control.caller(), self._tree.own_path(transfer.target))
        content = opened.ticket.content
        length = 0 if content is None else content.length

        def body() -> Iterator[bytes]:
            if content is None:
                return
            reader = self._reading.open_object(opened.ticket)
            try:
                sent = 0
                for chunk in read_range(reader, 0, length):
                    yield chunk
                    sent += len(chunk)
                    control.report(sent / length)
            finally:
                reader.close()

        def send(url: str, cutter: Cutter) -> None:
            self._fetcher.write(
                url, body, length=length, media_type=opened.ticket.media_type, cutter=cutter
            )

        _first_that_succeeds(control, endpoints, send)
        return JobOutcome()

    def _store(
        self,
        control: JobControl,
        transfer: ExternalTransfer,
        target: NodePath,
        content: RemoteContent,
    ) -> None:
        order = UploadOrder(
            path=target,
            declared_length=content.length,
            announced=Digests(),
            conditions=UploadConditions(exclusive=True),
            media_type=content.media_type,
            mtime_ns=None,
            job_id=control.job_id,
            results=tuple(target_results(transfer, self._tree.uri(target))),
        )
        upload = self._data.take(control.caller(), order)
        try:
            received = 0
            for chunk in content.chunks:
                upload.write(chunk)
                received += len(chunk)
                if content.length:
                    control.report(received / content.length)
            control.check()
            upload.commit()
        finally:
            upload.abandon()


def _endpoints(transfer: ExternalTransfer, protocols: Sequence[str]) -> list[str]:
    """The addresses that the client names, in its order."""
    known = [each for each in transfer.protocols if each.uri in protocols]
    if not known:
        named = ", ".join(each.uri for each in transfer.protocols) or "none"
        raise ProtocolNotSupported(f"{named}; accepted are {', '.join(protocols)}")
    found = [each.endpoint for each in known if isinstance(each, NegotiatedProtocol)]
    if not found:
        raise InvalidArgument("the protocol must say at which endpoint")
    return found


def _first_that_succeeds(
    control: JobControl, endpoints: Sequence[str], use: Callable[[str, Cutter], None]
) -> None:
    """Use the addresses in turn (VOSpace 2.1, 3.6.2); the last fault is that of the job."""
    for number, url in enumerate(endpoints, start=1):
        cutter = Cutter()
        try:
            with control.on_stop(cutter.cut):
                control.check()
                use(url, cutter)
        except (TransferFailed, InvalidArgument):
            control.check()
            if number == len(endpoints):
                raise
        except Fault:
            # The connection may have been cut because the job is over: then that is the reason.
            control.check()
            raise
        else:
            return
