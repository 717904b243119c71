"""Documents of UWS 1.1: a job, the list of jobs, results and parameters (contract 1.6)."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from lxml import etree

from vospace_model.faults import InvalidArgument
from vospace_model.jobs import (
    ErrorSummary,
    ErrorType,
    ExecutionPhase,
    Job,
    JobParameter,
    JobReference,
    JobResult,
)
from vospace_model.timestamps import format_date_time, parse_timestamp
from vospace_model.transfers import Transfer
from vospace_model.xml.elements import (
    Children,
    boolean_of,
    check_root,
    describe,
    required_attribute,
    text_of,
    token_of,
)
from vospace_model.xml.markup import NIL, attribute, boolean, document, element, wrap
from vospace_model.xml.namespaces import (
    JOB_INFO,
    UWS,
    UWS_VERSION,
    VOSPACE,
    XLINK,
    XLINK_HREF,
    XSI,
)
from vospace_model.xml.parser import MAX_DOCUMENT_BYTES, parse_document
from vospace_model.xml.transfers import read_transfer_element, write_transfer_element

_NAMESPACES: Final = (
    attribute("xmlns:uws", UWS) + attribute("xmlns:xlink", XLINK) + attribute("xmlns:xsi", XSI)
)
_VERSIONED: Final = _NAMESPACES + attribute("version", UWS_VERSION)
_PROGRESS: Final = re.compile(r"0(\.[0-9]{1,9})?|1(\.0{1,9})?")
_JOB_PARTS: Final = frozenset(
    {
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
        "errorSummary",
        "jobInfo",
    }
)


def write_job(job: Job) -> bytes:
    """The document of a job, its elements in the order of the schema."""
    parts = [
        element("uws:jobId", job.job_id),
        *_optional("uws:runId", job.run_id),
        _nillable("uws:ownerId", job.owner),
        element("uws:phase", job.phase.value),
        _moment("uws:quote", job.quote),
        _moment("uws:creationTime", job.created),
        _moment("uws:startTime", job.started),
        _moment("uws:endTime", job.ended),
        element("uws:executionDuration", str(job.execution_duration_seconds)),
        _moment("uws:destruction", job.destruction),
        wrap("uws:parameters", map(_parameter, job.parameters)),
        wrap("uws:results", map(_result, job.results)),
    ]
    if job.error is not None:
        parts.append(_error(job.error))
    information = _job_info(job)
    if information:
        parts.append(wrap("uws:jobInfo", information))
    return document(wrap("uws:job", parts, _VERSIONED))


def write_job_list(references: Iterable[JobReference]) -> bytes:
    """The document of the jobs that a caller may see."""
    return document(wrap("uws:jobs", map(_reference, references), _VERSIONED))


def write_results(results: Iterable[JobResult]) -> bytes:
    """The document at a job's `/results`."""
    return document(wrap("uws:results", map(_result, results), _NAMESPACES))


def write_parameters(parameters: Iterable[JobParameter]) -> bytes:
    """The document at a job's `/parameters`."""
    return document(wrap("uws:parameters", map(_parameter, parameters), _NAMESPACES))


def read_job(data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Job:
    """The job that a document describes; InvalidArgument if it describes none.

    Services of UWS 1.0 give no time of creation; the start of the epoch stands for it.
    """
    root = parse_document(data, max_bytes=max_bytes)
    check_root(root, UWS, "job")
    parts = Children(root, UWS, _JOB_PARTS)
    return Job(
        job_id=token_of(parts.required("jobId")),
        run_id=parts.text("runId"),
        owner=parts.text("ownerId"),
        phase=_read_phase(parts.required("phase")),
        quote=_read_moment(parts, "quote"),
        created=_read_moment(parts, "creationTime") or parse_timestamp("1970-01-01T00:00:00"),
        started=_read_moment(parts, "startTime"),
        ended=_read_moment(parts, "endTime"),
        execution_duration_seconds=_read_count(parts.text("executionDuration") or "0"),
        destruction=_read_moment(parts, "destruction"),
        parameters=tuple(map(_read_parameter, parts.within("parameters", "parameter", UWS))),
        results=tuple(map(_read_result, parts.within("results", "result", UWS))),
        error=_read_error(parts.only("errorSummary")),
        transfer=_read_job_info(parts.only("jobInfo")),
        progress=_read_progress(parts.only("jobInfo")),
    )


def _optional(name: str, value: str | None) -> list[str]:
    return [] if value is None else [element(name, value)]


def _nillable(name: str, value: str | None) -> str:
    return f"<{name} {NIL}/>" if value is None else element(name, value)


def _moment(name: str, moment: datetime | None) -> str:
    return _nillable(name, None if moment is None else format_date_time(moment))


def _link(href: str) -> str:
    return attribute("xlink:type", "simple") + attribute("xlink:href", href)


def _parameter(parameter: JobParameter) -> str:
    attributes = attribute("id", parameter.parameter_id)
    attributes += attribute("byReference", boolean(parameter.by_reference))
    return element("uws:parameter", parameter.value, attributes)


def _result(result: JobResult) -> str:
    attributes = attribute("id", result.result_id) + _link(result.href)
    if result.size is not None:
        attributes += attribute("size", str(result.size))
    if result.media_type is not None:
        attributes += attribute("mime-type", result.media_type)
    return wrap("uws:result", (), attributes)


def _error(error: ErrorSummary) -> str:
    attributes = attribute("type", error.error_type.value)
    attributes += attribute("hasDetail", boolean(error.has_detail))
    return wrap("uws:errorSummary", [element("uws:message", error.message)], attributes)


def _reference(job: JobReference) -> str:
    parts = [
        element("uws:phase", job.phase.value),
        *_optional("uws:runId", job.run_id),
        _nillable("uws:ownerId", job.owner),
        _moment("uws:creationTime", job.created),
    ]
    return wrap("uws:jobref", parts, attribute("id", job.job_id) + _link(job.href))


def _job_info(job: Job) -> list[str]:
    """What UWS lets a service add: the transfer first, where clients of others look for it."""
    parts = [] if job.transfer is None else [write_transfer_element(job.transfer)]
    if job.progress is not None:
        namespace = attribute("xmlns:info", JOB_INFO)
        parts.append(element("info:progress", f"{job.progress:.4f}", namespace))
    return parts


def _read_phase(source: etree._Element) -> ExecutionPhase:
    word = token_of(source)
    try:
        return ExecutionPhase(word)
    except ValueError as error:
        raise InvalidArgument(f"{describe(source)} {word[:40]!r} is not of UWS") from error


def _read_moment(parts: Children, name: str) -> datetime | None:
    text = parts.text(name)
    return parse_timestamp(text) if text else None


def _read_count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > len(str(2**63)):
        raise InvalidArgument(f"{text[:40]!r} is not a number")
    return int(text)


def _read_parameter(source: etree._Element) -> JobParameter:
    return JobParameter(
        parameter_id=required_attribute(source, "id"),
        value=text_of(source),
        by_reference=boolean_of(source, source.get("byReference", "false")),
    )


def _read_result(source: etree._Element) -> JobResult:
    size = source.get("size")
    return JobResult(
        result_id=required_attribute(source, "id"),
        href=source.get(XLINK_HREF, ""),
        size=None if size is None else _read_count(size),
        media_type=source.get("mime-type"),
    )


def _read_error(source: etree._Element | None) -> ErrorSummary | None:
    if source is None:
        return None
    transient = source.get("type") == ErrorType.TRANSIENT.value
    return ErrorSummary(
        message=Children(source, UWS, {"message"}).text("message") or "",
        error_type=ErrorType.TRANSIENT if transient else ErrorType.FATAL,
        has_detail=boolean_of(source, source.get("hasDetail", "false")),
    )


def _read_job_info(source: etree._Element | None) -> Transfer | None:
    if source is None:
        return None
    found = source.find(f"{{{VOSPACE}}}transfer")
    return None if found is None else read_transfer_element(found)


def _read_progress(source: etree._Element | None) -> float | None:
    found = None if source is None else source.find(f"{{{JOB_INFO}}}progress")
    if found is None:
        return None
    word = token_of(found)
    if _PROGRESS.fullmatch(word) is None:
        raise InvalidArgument(f"{describe(found)} {word[:40]!r} is not between 0 and 1")
    return float(word)
