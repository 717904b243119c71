"""ForeignGroups: memberships in groups of other authorities, asked for only where one counts.

Decisions about access are pure: they look into the groups that a caller brings along. So the
memberships that a decision needs are asked for before it, outside of any transaction, and only
if a node on the way names a group of a configured service and nothing else decides already.

A service that fails means "not a member": what it guards stays shut. Nobody waits for it again
for some seconds, and only the beginning and the end of a failure are logged.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from vospace_server.domain.identity import Identity
from vospace_server.remote.gms_client import Asker, GmsClient, RemoteGroupsError

_LOG = logging.getLogger(__name__)

# A failing service is asked again after this.
RETRY_SECONDS: Final = 10.0
_MOST_ENTRIES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    group_uris: frozenset[str]
    until: float


class ForeignGroups:
    """What other group services said of the callers of late; shared by all threads."""

    def __init__(
        self,
        *,
        client: GmsClient,
        service_ids: Iterable[str],
        kept_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self.service_ids = frozenset(service_ids)
        self._kept_seconds = kept_seconds
        self._clock = clock
        # Guards the fields below. Held for look-ups only, never while asking.
        self._lock = threading.Lock()
        self._known: dict[tuple[int, str], _Known] = {}
        self._failing: set[str] = set()
        self._outcomes: Counter[tuple[str, str]] = Counter()

    def memberships(self, caller: Identity, group_uris: Iterable[str]) -> frozenset[str]:
        """The groups to which the caller belongs in the services that any of these are of.

        Takes at most the time that one question may take for each service, and is not to be
        called inside a transaction.
        """
        needed = {uri.partition("?")[0] for uri in group_uris} & self.service_ids
        found = [self._groups_of(service_id, caller) for service_id in sorted(needed)]
        return frozenset[str]().union(*found)

    def outcomes(self) -> Mapping[tuple[str, str], int]:
        """How often each service was asked with what result: `answered` or `failed`."""
        with self._lock:
            return dict(self._outcomes)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _groups_of(self, service_id: str, caller: Identity) -> frozenset[str]:
        asker = Asker(name=caller.name, bearer=caller.bearer)
        if not self._client.can_ask_for(asker):
            # Not even from memory: what counts must not depend on who was here before.
            return frozenset()
        key = (caller.user_id, service_id)
        now = self._clock()
        with self._lock:
            known = self._known.get(key)
        if known is not None and known.until > now:
            return known.group_uris
        try:
            group_uris, seconds = self._client.groups_of(service_id, asker), self._kept_seconds
            self._note_answer(service_id)
        except RemoteGroupsError as error:
            group_uris, seconds = frozenset[str](), min(RETRY_SECONDS, self._kept_seconds)
            self._note_failure(service_id, error)
        with self._lock:
            if len(self._known) >= _MOST_ENTRIES:
                self._known.clear()
            # From the question on: what was true then may be over when the answer is here.
            self._known[key] = _Known(group_uris=group_uris, until=now + seconds)
        return group_uris

    def _note_answer(self, service_id: str) -> None:
        with self._lock:
            self._outcomes[service_id, "answered"] += 1
            recovered = service_id in self._failing
            self._failing.discard(service_id)
        if recovered:
            _LOG.info("the group service %s answers again", service_id)

    def _note_failure(self, service_id: str, error: RemoteGroupsError) -> None:
        with self._lock:
            self._outcomes[service_id, "failed"] += 1
            begins = service_id not in self._failing
            self._failing.add(service_id)
        if begins:
            _LOG.warning("nobody counts as a member of its groups until it answers: %s", error)
