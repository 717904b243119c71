"""What tests of the storage browser share: a space of somebody's own, and rows of the page."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import httpx
from playwright.sync_api import Locator, Page, Request, expect

from tests.web.browsing import Visit
from tests.web.site import Person, WebSite


@dataclass(frozen=True, kw_only=True)
class Space:
    """An allocation, and the HTTP of its owner beside the browser."""

    owner: Person
    client: httpx.Client

    @property
    def page(self) -> str:
        """The address of its top folder."""
        return f"/storage/list/{self.owner.name}"

    def path(self, name: str = "") -> str:
        """The path of something in it."""
        return f"/{self.owner.name}/{name}" if name else f"/{self.owner.name}"

    def quoted(self, name: str = "") -> str:
        """The same for an address."""
        return quote(self.path(name), safe="/")

    def put(self, name: str, content: bytes = b"some bytes\n", media_type: str = "") -> None:
        """A file."""
        headers = {"content-type": media_type} if media_type else {}
        answer = self.client.put(
            f"/vault/files{self.quoted(name)}", content=content, headers=headers
        )
        assert answer.status_code in {200, 201}, answer.text

    def folder(self, name: str) -> None:
        """A folder."""
        self._make(name, {"type": "container"})

    def link(self, name: str, target: str) -> None:
        """A link."""
        self._make(name, {"type": "link", "target": target})

    def change(self, name: str, **change: object) -> None:
        """Permissions and properties."""
        answer = self.client.patch(f"/api/v1/nodes{self.quoted(name)}", json=change)
        assert answer.status_code == 200, answer.text

    def exists(self, name: str) -> bool:
        """Whether something is there."""
        return self.client.get(f"/api/v1/nodes{self.quoted(name)}").status_code == 200

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        answer = self.client.get(f"/vault/files{self.quoted(name)}", follow_redirects=True)
        assert answer.status_code in {200, 204}, answer.text
        return answer.content

    def entry(self, name: str = "") -> dict[str, object]:
        """What the server tells of a node."""
        answer: dict[str, object] = self.client.get(f"/api/v1/nodes{self.quoted(name)}").json()
        return answer

    def names(self, name: str = "") -> list[str]:
        """The names in a folder."""
        answer = self.client.get(f"/api/v1/folder{self.quoted(name)}")
        assert answer.status_code == 200, answer.text
        lines = self.client.get(f"/api/v1/children{self.quoted(name)}").text.splitlines()
        return [httpx.Response(200, text=line).json()["name"] for line in lines[1:-1]]

    def _make(self, name: str, document: dict[str, str]) -> None:
        answer = self.client.put(f"/api/v1/details{self.quoted(name)}", json=document)
        assert answer.status_code == 201, answer.text


@contextmanager
def open_space(site: WebSite, owner: Person, *, quota_bytes: int = 1 << 30) -> Iterator[Space]:
    """An allocation of somebody's own."""
    site.allocate(owner.name, owner, quota_bytes=quota_bytes)
    headers = {"Authorization": f"Bearer {site.new_token(owner)}"}
    with httpx.Client(base_url=site.url, headers=headers, timeout=30) as client:
        yield Space(owner=owner, client=client)


def browse(visit: Visit, person: Person | None, address: str, **how: object) -> Page:
    """A page of the storage browser, once the module has taken it over."""
    page = visit(person, address, **how)  # type: ignore[arg-type]
    wait_for_rows(page)
    return page


def wait_for_rows(page: Page) -> None:
    """Until the module shows a folder and nothing is being loaded."""
    expect(page.locator("#files.windowed")).to_be_visible()
    expect(page.locator("[data-browser]:not([aria-busy])")).to_be_attached()


def row(page: Page, name: str) -> Locator:
    """The row of an entry."""
    return page.locator("#rows tr").filter(has=page.locator(f"bdi:text-is({name!r})"))


def pick(page: Page, *names: str) -> None:
    """Select these rows and no others, by their boxes."""
    for box in page.locator("#rows tr[aria-selected=true] input").all():
        box.uncheck()
    for name in names:
        page.get_by_role("checkbox", name=f"Select {name}", exact=True).check()


def shown_names(page: Page) -> list[str]:
    """The names that are on the screen, in order."""
    return [name for name in page.locator("#rows .name bdi").all_inner_texts() if name != ".."]


def is_second_part(request: Request) -> bool:
    """Whether a request brings the second part of a large file."""
    return request.headers.get("content-range", "").startswith("bytes 16777216-")
