"""What the application answers to, asked of itself."""

import asyncio
from pathlib import Path

from vospace_server.app import create_app
from vospace_server.config import ServerConfig
from vospace_server.http.routing import TreeRoute


def served_methods(data_dir: Path) -> dict[str, frozenset[str]]:
    """Each route of the application with the methods that it knows."""
    data_dir.mkdir()
    app = create_app(ServerConfig(data_dir=data_dir))

    async def close() -> None:
        async with app.router.lifespan_context(app):
            pass

    asyncio.run(close())
    routes = [route for route in app.routes if isinstance(route, TreeRoute)]
    assert len(routes) == len(app.routes)
    return {
        route._template.removesuffix("/{path}"): frozenset(route._endpoints) for route in routes
    }
