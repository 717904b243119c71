"""Sending archives: alone, or as the work of a job that begins and ends with the stream."""

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing

import anyio
from starlette.responses import Response

from vospace_server.http.content_disposition import attachment
from vospace_server.http.responses import StreamedResponse, empty
from vospace_server.http.threads import in_batches, in_thread
from vospace_server.services.package_jobs import PackageJobs
from vospace_server.services.packages import Package


def describe_package(package: Package) -> Response:
    """The headers that sending it would have. Closes it."""
    package.close()
    return empty(200, _headers(package))


def send_package(package: Package) -> Response:
    """The archive. Closes it at the end."""
    return StreamedResponse(_stream(package), headers=_headers(package))


def send_of_job(package_jobs: PackageJobs, job_id: str, package: Package) -> Response:
    """The archive of a job, which executes meanwhile if it was waiting for this."""
    return StreamedResponse(_run(package_jobs, job_id, package), headers=_headers(package))


async def _run(
    package_jobs: PackageJobs, job_id: str, package: Package
) -> AsyncGenerator[bytes, None]:
    complete = False
    worker: str | None = None
    try:
        with anyio.CancelScope(shield=True):
            worker = await in_thread(package_jobs.begin, job_id)
        async with aclosing(_stream(package)) as chunks:
            async for chunk in chunks:
                yield chunk
        complete = True
    finally:
        if worker is not None:
            with anyio.CancelScope(shield=True):
                await in_thread(package_jobs.end, job_id, worker, complete=complete)


async def _stream(package: Package) -> AsyncGenerator[bytes, None]:
    """The archive, each batch made in a thread; whatever ends it ends the work."""
    chunks = package.chunks()
    try:
        async with aclosing(in_batches(chunks)) as batches:
            async for batch in batches:
                yield batch
    finally:
        with anyio.CancelScope(shield=True):
            await in_thread(_close, chunks, package)


def _close(chunks: Generator[bytes, None, None], package: Package) -> None:
    chunks.close()
    package.close()


def _headers(package: Package) -> dict[str, str]:
    return {
        "content-type": package.media_type,
        "content-length": str(package.length),
        "content-disposition": attachment(package.file_name),
        # Made for this caller, of what is there now.
        "cache-control": "private, no-store",
    }
