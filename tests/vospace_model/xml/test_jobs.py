"""Documents of jobs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from tests.vospace_model.schemas import Schemas
from tests.vospace_model.strategies import jobs
from vospace_model import (
    Direction,
    ErrorSummary,
    ErrorType,
    ExecutionPhase,
    ExternalTransfer,
    InvalidArgument,
    Job,
    JobParameter,
    JobReference,
    JobResult,
    NodeNotFound,
    ProtocolUri,
    RequestedProtocol,
    VosUri,
    error_summary,
)
from vospace_model.xml import (
    MAX_RESPONSE_BYTES,
    read_job,
    write_job,
    write_job_list,
    write_parameters,
    write_results,
)

UWS = "http://www.ivoa.net/xml/UWS/v1.0"
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

COMPLETED = Job(
    job_id="b0d1",
    phase=ExecutionPhase.COMPLETED,
    created=CREATED,
    owner="durand",
    run_id="my run",
    quote=CREATED,
    started=CREATED + timedelta(seconds=1),
    ended=CREATED + timedelta(seconds=2, milliseconds=500),
    execution_duration_seconds=3600,
    destruction=CREATED + timedelta(days=7),
    parameters=(JobParameter(parameter_id="target", value="vos://localhost~vault/x"),),
    results=(
        JobResult(result_id="transferDetails", href="http://localhost/vault/transfers/b0d1/x"),
        JobResult(result_id="report", href="final:3", size=12, media_type="text/plain"),
    ),
    transfer=ExternalTransfer(
        targets=(VosUri.parse("vos://localhost~vault/durand/f"),),
        direction=Direction.PULL_FROM_VOSPACE,
        protocols=(RequestedProtocol(uri=ProtocolUri.HTTP_GET),),
    ),
)
FAILED = Job(
    job_id="b0d2",
    phase=ExecutionPhase.ERROR,
    created=CREATED,
    error=error_summary(NodeNotFound("vos://localhost~vault/x")),
)


def job_document(content: str) -> bytes:
    """A job with this content."""
    return f"<uws:job xmlns:uws='{UWS}'>{content}</uws:job>".encode()


@pytest.mark.parametrize(
    ("name", "job"), [("job-completed.xml", COMPLETED), ("job-error.xml", FAILED)]
)
def test_job_is_written_as_reviewed_and_read_back(
    name: str, job: Job, golden: Callable[[str, bytes], None], schemas: Schemas
) -> None:
    document = write_job(job)

    schemas.check(document)
    golden(name, document)
    assert read_job(document) == job


@given(jobs)
def test_every_job_survives_its_document(schemas: Schemas, job: Job) -> None:
    document = write_job(job)

    schemas.check(document)
    assert read_job(document, max_bytes=MAX_RESPONSE_BYTES) == job


def test_elements_of_a_job_stand_in_the_order_of_the_schema(schemas: Schemas) -> None:
    root = schemas.check(write_job(COMPLETED))

    assert [str(child.tag).rpartition("}")[2] for child in root] == [
        "jobId",
        "runId",
        "ownerId",
        "phase",
        "quote",
        "creationTime",
        "startTime",
        "endTime",
        "executionDuration",
        "destruction",
        "parameters",
        "results",
        "jobInfo",
    ]
    assert root.get("version") == "1.1"


def test_list_of_jobs_is_written_as_reviewed(
    golden: Callable[[str, bytes], None], schemas: Schemas
) -> None:
    document = write_job_list(
        [
            JobReference(
                job_id="b0d1",
                href="http://localhost/vault/transfers/b0d1",
                phase=ExecutionPhase.EXECUTING,
                created=CREATED,
                owner="durand",
                run_id="my run",
            ),
            JobReference(
                job_id="b0d2",
                href="http://localhost/vault/transfers/b0d2",
                phase=ExecutionPhase.PENDING,
                created=CREATED,
            ),
        ]
    )

    schemas.check(document)
    golden("job-list.xml", document)


def test_results_and_parameters_are_written_as_reviewed(
    golden: Callable[[str, bytes], None], schemas: Schemas
) -> None:
    for name, document in (
        ("job-results.xml", write_results(COMPLETED.results)),
        ("job-parameters.xml", write_parameters(COMPLETED.parameters)),
    ):
        schemas.check(document)
        golden(name, document)


def test_job_of_an_older_service_is_read(received: Callable[[str], bytes]) -> None:
    assert read_job(received("other-service-job.xml")) == Job(
        job_id="k2x9",
        phase=ExecutionPhase.ERROR,
        created=datetime(1970, 1, 1, tzinfo=UTC),
        quote=CREATED,
        execution_duration_seconds=60,
        error=ErrorSummary(message="Node Busy", error_type=ErrorType.TRANSIENT),
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "line 1: job has no jobId"),
        ("<uws:jobId>a</uws:jobId>", "line 1: job has no phase"),
        (
            "<uws:jobId>a</uws:jobId><uws:phase>DONE</uws:phase>",
            "line 1: phase 'DONE' is not of UWS",
        ),
        (
            (
                "<uws:jobId>a</uws:jobId><uws:phase>PENDING</uws:phase>"
                "<uws:creationTime>now</uws:creationTime>"
            ),
            "'now' is not a time (YYYY-MM-DDTHH:MM:SS.sss)",
        ),
        *(
            (
                (
                    "<uws:jobId>a</uws:jobId><uws:phase>PENDING</uws:phase>"
                    f"<uws:executionDuration>{number}</uws:executionDuration>"
                ),
                f"{number[:40]!r} is not a number",
            )
            for number in ("-1", "1.5", "٣", "9" * 5000)
        ),
        (
            (
                "<uws:jobId>a</uws:jobId><uws:phase>PENDING</uws:phase>"
                "<uws:results><uws:result/></uws:results>"
            ),
            "line 1: result has no attribute id",
        ),
        ("<jobId>a</jobId>", f"line 1: jobId is of no namespace; it belongs to {UWS}"),
    ],
)
def test_wrong_job_is_refused_with_the_reason(content: str, reason: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        read_job(job_document(content))

    assert refused.value.detail == reason
