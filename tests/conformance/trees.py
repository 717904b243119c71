"""Trees in a real space, made and read by the wire."""

import re
from collections.abc import Mapping

import httpx

from tests.vospace_server.http.documents import (
    CORE,
    children_of,
    container,
    link,
    node,
    uri,
)

CADC_CORE = "ivo://cadc.nrc.ca/vospace/core#"


class Tree:
    """A folder of somebody's, with short ways to put things into it."""

    def __init__(self, client: httpx.Client, root: str) -> None:
        self.client = client
        self.root = root

    def path(self, name: str = "") -> str:
        """The path of something in it."""
        return f"{self.root}/{name}" if name else self.root

    def folder(self, name: str, **properties: str) -> None:
        """Make a container."""
        path = self.path(name)
        answer = self.client.put(f"/vault/nodes/{path}", content=container(path, **properties))
        answer.raise_for_status()

    def file(self, name: str, content: bytes = b"x") -> None:
        """Put a file."""
        self.client.put(f"/vault/files/{self.path(name)}", content=content).raise_for_status()

    def link(self, name: str, target: str) -> None:
        """Make a link to a path of the space, or to a URL."""
        path = self.path(name)
        whole = target if ":" in target else uri(target)
        self.client.put(f"/vault/nodes/{path}", content=link(path, whole)).raise_for_status()

    def set(self, name: str, kind: str, properties: Mapping[str, str]) -> None:
        """Set properties."""
        path = self.path(name)
        document = node(path, kind, properties=properties)
        self.client.post(f"/vault/nodes/{path}", content=document).raise_for_status()

    def lock(self, name: str, kind: str = "ContainerNode") -> None:
        """Lock a node."""
        self.set(name, kind, {f"{CADC_CORE}islocked": "true"})

    def share(self, name: str, group: str, kind: str = "ContainerNode") -> None:
        """Let a group read and write a node."""
        self.set(name, kind, {f"{CORE}groupwrite": group})

    def exists(self, name: str = "") -> bool:
        """Whether there is such a node."""
        found = self.client.get(f"/vault/nodes/{self.path(name)}?limit=0")
        assert found.status_code in {200, 404}
        return found.status_code == httpx.codes.OK

    def names(self, name: str = "") -> list[str]:
        """The names in a container."""
        return children_of(self.client.get(f"/vault/nodes/{self.path(name)}").text)


def results_of(job: str) -> dict[str, str]:
    """The results in a job's document, by their ids."""
    return dict(re.findall(r'<uws:result id="([^"]*)"[^>]* xlink:href="([^"]*)"', job))


def phase_of(job: str) -> str:
    """The phase in a job's document."""
    found = re.search(r"<uws:phase>([A-Z]*)</uws:phase>", job)
    assert found is not None, job
    return found[1]
