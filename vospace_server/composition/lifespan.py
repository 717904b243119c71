"""What runs beside the requests, from the start of a process to its end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from starlette.applications import Starlette
from starlette.types import Lifespan

from vospace_server.composition.jobs import Jobs
from vospace_server.composition.services import Services
from vospace_server.database.engine import Database
from vospace_server.http.threads import in_thread
from vospace_server.services.garbage import GarbageService
from vospace_server.services.sizes import SizeService
from vospace_server.storage.object_store import ObjectStore
from vospace_server.workers.housekeeping import Housekeeping
from vospace_server.workers.sweeper import Sweeper

# A replaced or deleted content can be read for so long by whoever has it open.
GARBAGE_GRACE: Final = timedelta(hours=24)


def build_lifespan(
    database: Database, store: ObjectStore, services: Services, jobs: Jobs
) -> Lifespan[Starlette]:
    """Starts the threads that work beside the requests, and closes everything at the end."""
    housekeeping = Housekeeping(
        sizes=SizeService(database=database),
        deletions=services.deletions,
        quota=services.quota,
    )
    garbage = GarbageService(database=database, store=store, grace=GARBAGE_GRACE)
    sweeper = Sweeper(
        garbage=garbage,
        jobs=jobs.ledger,
        copies=services.copies,
        transactions=services.transaction_ends,
    )

    def stop() -> None:
        jobs.runner.stop()
        sweeper.stop()
        housekeeping.stop()
        services.cutouts.close()
        services.data.close()
        if services.foreign_groups is not None:
            services.foreign_groups.close()
        store.close()
        database.close()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        jobs.runner.start(jobs=jobs.ledger, work=jobs.work)
        housekeeping.start()
        sweeper.start()
        try:
            yield
        finally:
            await in_thread(stop)

    return lifespan
