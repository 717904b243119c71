"""A real server with people who transfer things, and short ways to say what they do."""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

import httpx

from tests.support.space import Space, SpaceServer, furnished

CORE = "ivo://ivoa.net/vospace/core#"
_NAMESPACES = (
    'xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
_OVER = {"COMPLETED", "ERROR", "ABORTED"}
_SETTINGS = '[remote]\nallowed_networks = ["127.0.0.1/32"]\nidle_seconds = 20.0\n'


def uri(path: str, separator: str = "~") -> str:
    """The URI of a path that is written without a leading slash."""
    return f"vos://localhost{separator}vault/{path}"


def node(path: str, kind: str, inner: str = "", **properties: str) -> str:
    """A node document; keywords are core properties."""
    shown = "".join(
        f'<vos:property uri="{CORE}{name}">{escape(value)}</vos:property>'
        for name, value in properties.items()
    )
    return (
        f'<vos:node {_NAMESPACES} uri="{escape(uri(path))}" xsi:type="vos:{kind}" '
        f'version="2.1"><vos:properties>{shown}</vos:properties>{inner}</vos:node>'
    )


def transfer(
    path: str,
    direction: str,
    protocols: Mapping[str, str | None],
    *,
    view: str | None = None,
    length: int | None = None,
) -> str:
    """A transfer document; `protocols` by URI or core name, with endpoints or None."""
    parts = [f"<vos:target>{escape(uri(path, '!'))}</vos:target>"]
    parts.append(f"<vos:direction>{direction}</vos:direction>")
    if view is not None:
        parts.append(f'<vos:view uri="{view}"/>')
    for name, endpoint in protocols.items():
        whole = name.partition(" ")[0]
        whole = whole if ":" in whole else CORE + whole
        shown = "" if endpoint is None else f"<vos:endpoint>{escape(endpoint)}</vos:endpoint>"
        parts.append(f'<vos:protocol uri="{whole}">{shown}</vos:protocol>')
    if length is not None:
        parts.append(f'<vos:param uri="{CORE}length">{length}</vos:param>')
    return f'<vos:transfer {_NAMESPACES} version="2.1">{"".join(parts)}</vos:transfer>'


def internal(source: str, destination: str, *, keep: bool) -> str:
    """The transfer document of a move or copy."""
    return (
        f'<vos:transfer {_NAMESPACES} version="2.1"><vos:target>{uri(source)}</vos:target>'
        f"<vos:direction>{uri(destination)}</vos:direction>"
        f"<vos:keepBytes>{str(keep).lower()}</vos:keepBytes></vos:transfer>"
    )


@dataclass(kw_only=True)
class Job:
    """A job of somebody's."""

    client: httpx.Client
    url: str

    def text(self, resource: str) -> str:
        """One of its bare texts, exactly."""
        return self.client.get(f"{self.url}/{resource}").text

    def document(self, **parameters: str | int) -> str:
        """The whole document."""
        answer = self.client.get(self.url, params=parameters)
        answer.raise_for_status()
        return answer.text

    def post(self, resource: str = "phase", **form: str) -> httpx.Response:
        """A change."""
        return self.client.post(f"{self.url}/{resource}".rstrip("/"), data=form)

    def finish(self) -> str:
        """Wait until it is over; returns its phase."""
        for _ in range(30):
            phase = self.text("phase")
            if phase in _OVER:
                return phase
            self.document(WAIT=20, PHASE=phase)
        raise AssertionError(f"the job does not end: {self.document()}")

    def results(self) -> dict[str, str]:
        """Addresses of results by their ids."""
        found = re.findall(
            r'<uws:result id="([^"]*)"[^>]*xlink:href="([^"]*)"', self.document()
        )
        return dict(found)

    @property
    def progress(self) -> float | None:
        """How much is done, as the document says."""
        found = re.search(r"progress[^>]*>([0-9.]+)<", self.document())
        return None if found is None else float(found[1])


@dataclass(kw_only=True)
class Desk:
    """What one person does in a space."""

    client: httpx.Client
    folder: str = field(default_factory=lambda: f"durand/{secrets.token_hex(6)}")

    def at(self, name: str) -> str:
        """The path of a name in this test's folder."""
        return f"{self.folder}/{name}" if name else self.folder

    def mkdir(self, name: str, **properties: str) -> None:
        """A container."""
        path = self.at(name)
        document = node(path, "ContainerNode", "<vos:nodes/>", **properties)
        self.client.put(f"/vault/nodes/{path}", content=document).raise_for_status()

    def link(self, name: str, target: str) -> None:
        """A link to a name in this folder, or to a URL."""
        path = self.at(name)
        whole = target if ":" in target else uri(self.at(target))
        document = node(path, "LinkNode", f"<vos:target>{escape(whole)}</vos:target>")
        self.client.put(f"/vault/nodes/{path}", content=document).raise_for_status()

    def put(self, name: str, content: bytes = b"bytes") -> None:
        """A file."""
        answer = self.client.put(f"/vault/files/{self.at(name)}", content=content)
        answer.raise_for_status()

    def read(self, name: str) -> bytes | None:
        """The bytes of a file; None if there is no node."""
        answer = self.client.get(f"/vault/files/{self.at(name)}", follow_redirects=True)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        return answer.content

    def names(self, name: str = "") -> list[str]:
        """What is in a folder."""
        listing = self.node(name).partition("<vos:nodes>")[2]
        found = re.findall(r'<vos:node uri="([^"]*)"', listing)
        return [each.rpartition("/")[2] for each in found]

    def node(self, name: str) -> str:
        """A node's document."""
        answer = self.client.get(f"/vault/nodes/{self.at(name)}")
        answer.raise_for_status()
        return answer.text

    def set(self, name: str, kind: str, **properties: str) -> None:
        """Change core properties."""
        path = self.at(name)
        document = node(path, kind, **properties)
        self.client.post(f"/vault/nodes/{path}", content=document).raise_for_status()

    def make(self, document: str) -> Job:
        """A new job, not started."""
        made = self.client.post("/vault/transfers", content=document)
        assert made.status_code == httpx.codes.SEE_OTHER, made.text
        return Job(client=self.client, url=made.headers["location"])

    def run(self, document: str) -> Job:
        """A new job, started at once."""
        made = self.client.post("/vault/transfers?PHASE=RUN", content=document)
        assert made.status_code == httpx.codes.SEE_OTHER, made.text
        return Job(client=self.client, url=made.headers["location"])

    def move(self, source: str, destination: str) -> Job:
        """A finished move."""
        job = self.run(internal(self.at(source), self.at(destination), keep=False))
        job.finish()
        return job

    def copy(self, source: str, destination: str) -> Job:
        """A finished copy."""
        job = self.run(internal(self.at(source), self.at(destination), keep=True))
        job.finish()
        return job

    def negotiate(self, document: str) -> tuple[Job, str]:
        """A synchronous transfer: its job and its details."""
        answer = self.client.post("/vault/synctrans", content=document, follow_redirects=True)
        assert answer.status_code == httpx.codes.OK, answer.text
        url = str(answer.url).removesuffix("/results/transferDetails")
        return Job(client=self.client, url=url), answer.text


def endpoints_of(details: str) -> list[str]:
    """The endpoints in a transfer's details."""
    return re.findall(r"<vos:endpoint>([^<]*)</vos:endpoint>", details)


@contextmanager
def serving(place: Path) -> Iterator[Space]:
    """A server that may ask 127.0.0.1, with the people of `Space`."""
    settings = place / "server.toml"
    settings.write_text(_SETTINGS)
    server = SpaceServer(data_dir=place / "data", arguments=["--config", str(settings)])
    with server:
        yield furnished(server)


@contextmanager
def desk_of(space: Space, *, user: str = "owner", folder: str | None = None) -> Iterator[Desk]:
    """The desk of somebody, with a new folder unless one is given."""
    person = None if user == "nobody" else getattr(space, user)
    with space.client(person) as client:
        desk = Desk(client=client) if folder is None else Desk(client=client, folder=folder)
        if folder is None:
            desk.mkdir("")
        yield desk
