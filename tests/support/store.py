"""A space past the mount: what another user of it sees and does."""

import json

from tests.support.space import Space, User


class Store:
    """Puts and gets files of a space past the mount, as another user of it would."""

    def __init__(self, space: Space, user: User) -> None:
        self._client = space.client(user)

    def put(self, path: str, data: bytes) -> None:
        """Create or replace a file."""
        self._client.put(f"/vault/files/{path}", content=data).raise_for_status()

    def get(self, path: str) -> bytes:
        """The bytes that the server holds."""
        answer = self._client.get(f"/vault/files/{path}", follow_redirects=True)
        answer.raise_for_status()
        return answer.content

    def exists(self, path: str) -> bool:
        """Whether the server has such a node."""
        return self._client.get(f"/vault/nodes/{path}").status_code == 200

    def names(self, path: str) -> list[str]:
        """The names in a folder, as the server lists them."""
        answer = self._client.get(f"/api/v1/children/{path}")
        answer.raise_for_status()
        entries = [json.loads(line) for line in answer.text.splitlines()]
        return [entry["path"] for entry in entries if entry.get("path")]

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()
