"""A SAMP hub with its web profile, and a program at it that loads what it is told to load."""

import fcntl
import queue
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

with warnings.catch_warnings():
    # It moves to pyvo, of which no release has it yet.
    warnings.simplefilter("ignore")
    from astropy.samp import SAMPHubServer, SAMPIntegratedClient


class Consent:
    """Answers the hub's question whether a page may connect, and notes who asked."""

    queue_request: "queue.Queue[Any]"
    queue_result: "queue.Queue[bool]"

    def __init__(self) -> None:
        self.answer = True
        self.asked: list[tuple[str, str]] = []

    def run(self) -> None:
        """Answer until the hub is about to end."""
        while (request := self.queue_request.get()) is not None:
            identity, _address, origin = request
            self.asked.append((identity["samp.name"], origin))
            self.queue_result.put(self.answer)

    def end(self) -> None:
        """Answer no more."""
        self.queue_request.put(None)


@dataclass
class Program:
    """Something like TOPCAT: fetches what it is sent, without any credentials."""

    client: SAMPIntegratedClient
    refuses: str = ""
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def take(
        self,
        _key: str,
        _sender: str,
        message_id: str,
        mtype: str,
        params: dict[str, str],
        _extra: dict[str, str],
    ) -> None:
        """A call of the hub's."""
        if self.refuses:
            error = {"samp.errortxt": self.refuses}
            self.client.reply(message_id, {"samp.status": "samp.error", "samp.error": error})
            return
        content = httpx.get(params["url"], follow_redirects=True).raise_for_status().content
        self.received.append((mtype, params, content))
        self.client.reply(message_id, {"samp.status": "samp.ok", "samp.result": {}})


@dataclass(frozen=True, kw_only=True)
class Hub:
    """A hub that runs at the one port that the web profile has."""

    server: SAMPHubServer
    consent: Consent

    @contextmanager
    def program(self, name: str, *mtypes: str) -> Iterator[Program]:
        """A program that takes these messages."""
        client = SAMPIntegratedClient(name=name)
        client.connect(hub=self.server)
        program = Program(client=client)
        for mtype in mtypes:
            client.bind_receive_call(mtype, program.take)
        try:
            yield program
        finally:
            client.disconnect()

    @property
    def names(self) -> list[str]:
        """Who is connected."""
        known = self.server._metadata.values()
        return sorted(each.get("samp.name", "") for each in known)


@contextmanager
def only_one_with_the_port() -> Iterator[None]:
    """Keeps other runs of tests on this computer from the one port that hubs have."""
    with (Path(tempfile.gettempdir()) / "vospace-tests-samp.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def open_hub(folder: Path) -> Iterator[Hub]:
    """A hub; its lock file is in a folder of ours."""
    consent = Consent()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = SAMPHubServer(lockfile=str(folder / "samp"), web_profile_dialog=consent)
        server.start()
    try:
        assert server._web_profile, "somebody else's hub has the port 21012"
        answering = threading.Thread(target=consent.run)
        answering.start()
        try:
            yield Hub(server=server, consent=consent)
        finally:
            consent.end()
            answering.join()
    finally:
        server.stop()
