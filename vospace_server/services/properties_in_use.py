"""PropertiesInUse: which properties the nodes of this space have, for getProperties."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from vospace_model.properties import Core
from vospace_server.database.engine import Database

# What each node has from its making on, the root included.
_OF_EVERY_NODE: Final = (Core.BTIME, Core.CREATOR, Core.CTIME, Core.DATE)
# Every row of the tables is looked at for the answer, so it may be somewhat old.
_KEPT_SECONDS: Final = 600.0


class PropertiesInUse:
    """Remembers the answer, so that asking often costs nothing."""

    def __init__(
        self, *, database: Database, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._clock = clock
        # Guards the two fields below, and lets one thread look while the others wait.
        self._lock = threading.Lock()
        self._uris: Sequence[str] = ()
        self._looked: float | None = None

    def uris(self) -> Sequence[str]:
        """The URIs in order, at most ten minutes old."""
        with self._lock:
            if self._looked is None or self._clock() - self._looked > _KEPT_SECONDS:
                with self._database.read() as unit:
                    own = unit.properties.uris_in_use()
                    standard = unit.properties.columns_in_use()
                self._uris = sorted({*own, *standard, *_OF_EVERY_NODE})
                self._looked = self._clock()
            return self._uris
