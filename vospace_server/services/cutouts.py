"""CutoutService: a part of the FITS file behind a ticket."""

from collections.abc import Sequence

from vospace_server.fits.process import Cutout, CutoutJob, FitsWorkers
from vospace_server.services.reading import ReadingService
from vospace_server.services.tickets import ReadTicket


class CutoutService:
    """Begins cutouts; the bytes are made in a worker while they are sent."""

    def __init__(self, *, reading: ReadingService, workers: FitsWorkers) -> None:
        self._reading = reading
        self._workers = workers

    def begin(
        self, ticket: ReadTicket, parameters: Sequence[tuple[str, str]], name: str
    ) -> Cutout:
        """A part of the content of a ticket; close it afterwards.

        Raises NodeNotFound when there is no content (any more), OperationNotSupported where
        cutouts are not installed, ServiceBusy when too many are being made.
        """
        reader = self._reading.open_object(ticket)
        try:
            return self._workers.begin(
                reader, CutoutJob(parameters=tuple(parameters), name=name)
            )
        except BaseException:
            reader.close()
            raise

    def close(self) -> None:
        """End what waits; no cutout may be going on."""
        self._workers.close()
