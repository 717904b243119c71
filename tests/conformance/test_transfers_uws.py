"""Transfers as jobs of UWS 1.1: phases, lists, waiting, times, errors and owners."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.conformance.transfer_desk import (
    CORE,
    Desk,
    Job,
    desk_of,
    endpoints_of,
    internal,
    serving,
    transfer,
    uri,
)
from tests.support.remote_host import RemoteHost
from tests.support.space import Space

PULL = {"httpget": None}
PUSH = {"httpput": None}


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    with serving(tmp_path_factory.mktemp("uws")) as made:
        yield made


@pytest.fixture(scope="module")
def host() -> Iterator[RemoteHost]:
    with RemoteHost(files={"/f": b"fetched"}) as remote:
        yield remote


@pytest.fixture
def desk(space: Space) -> Iterator[Desk]:
    with desk_of(space) as made:
        yield made


@pytest.fixture
def stranger(space: Space, desk: Desk) -> Iterator[Desk]:
    with desk_of(space, user="stranger", folder=desk.folder) as made:
        yield made


@pytest.fixture
def nobody(space: Space, desk: Desk) -> Iterator[Desk]:
    with desk_of(space, user="nobody", folder=desk.folder) as made:
        yield made


def stalled(desk: Desk, host: RemoteHost) -> Job:
    """A job that executes until it is stopped: its bytes never come."""
    host.reached.clear()
    host.cut.clear()
    job = desk.run(transfer(desk.at("new"), "pullToVoSpace", {"httpget": host.url("/stall")}))
    assert host.reached.wait(20)
    return job


def test_phases_are_bare_words_and_run_may_be_said_twice(desk: Desk) -> None:
    """Contract 7-11: phases byte for byte, lower-case run, RUN twice, ABORT when finished."""
    desk.put("f")
    job = desk.make(internal(desk.at("f"), desk.at("g"), keep=False))

    assert job.text("phase") == "PENDING"
    started = job.post(phase="RUN")
    assert (started.status_code, started.headers["location"]) == (303, job.url)
    assert job.finish() == "COMPLETED"
    assert job.post(PHASE="RUN").status_code == 303
    assert job.post(phase="ABORT").status_code == 303
    assert job.text("phase") == "COMPLETED"
    assert job.text("error") == ""


def test_waiting_is_bounded_and_ends_with_the_change(desk: Desk, host: RemoteHost) -> None:
    """Contract 5 row 66; Contract 7-11: WAIT=-1 is bounded; a job that is over, or in another
    phase, answers."""
    desk.put("f")
    done = desk.move("f", "g")
    pending = desk.make(internal(desk.at("g"), desk.at("h"), keep=False))

    assert ">COMPLETED<" in done.document(WAIT=-1)
    assert ">PENDING<" in pending.document(WAIT=60, PHASE="QUEUED")
    assert ">PENDING<" in pending.document(WAIT=0)
    refused = desk.client.get(pending.url, params={"WAIT": "soon"})
    assert (refused.status_code, refused.text.split(":")[0]) == (400, "InvalidArgument")

    job = stalled(desk, host)
    job.post(PHASE="ABORT")
    assert ">ABORTED<" in job.document(WAIT=-1)


def test_a_job_can_be_made_and_started_at_once(desk: Desk) -> None:
    """UWS 1.1 2.2.3.1: PHASE=RUN at creation starts the job."""
    desk.put("f")

    assert desk.run(internal(desk.at("f"), desk.at("g"), keep=False)).finish() == "COMPLETED"


def test_a_phase_that_no_job_can_get_leaves_no_job_over(desk: Desk) -> None:
    """UWS 1.1 2.2.3.1: a creation that is refused creates nothing."""
    document = internal(desk.at("f"), desk.at("g"), keep=False)

    for phase in ("", "HELD", "SUSPEND"):
        answer = desk.client.post("/vault/transfers", params={"PHASE": phase}, content=document)
        assert (answer.status_code, answer.text.split(":")[0]) == (400, "InvalidArgument")

    assert desk.at("f") not in "".join(
        desk.client.get(each).text
        for each in re.findall(
            'href="([^"]*)"', desk.client.get("/vault/transfers", params={"LAST": 3}).text
        )
    )


def test_the_list_is_the_owners_newest_first_and_filtered(
    desk: Desk, stranger: Desk, nobody: Desk
) -> None:
    """Contract 5 row 68; UWS 1.1 2.2.2.1: PHASE, AFTER and LAST choose from the list."""
    desk.put("f")
    jobs = [desk.make(internal(desk.at("f"), desk.at("g"), keep=False)) for _ in range(3)]
    ids = [job.url.rpartition("/")[2] for job in jobs]
    jobs[0].post(PHASE="RUN")
    jobs[0].finish()
    middle = re.search("<uws:creationTime>([^<]*)<", jobs[1].document())
    assert middle is not None

    def listed(**parameters: str) -> list[str]:
        answer = desk.client.get("/vault/transfers", params=parameters)
        assert answer.status_code == 200
        shown = re.findall(r'<uws:jobref id="([^"]*)"', answer.text)
        return [each for each in shown if each in ids]

    assert listed(PHASE="PENDING") == [ids[2], ids[1]]
    assert listed(LAST="1") == [ids[2]]
    assert ids[0] not in listed(AFTER=middle[1])
    assert set(listed(AFTER="2000-01-01")) == set(ids)
    assert listed(AFTER="2999-01-01") == []
    assert set(listed()) == set(ids)
    theirs = stranger.client.get("/vault/transfers")
    assert not any(each in theirs.text for each in ids)
    assert nobody.client.get("/vault/transfers").status_code == 401
    assert desk.client.get("/vault/transfers", params={"AFTER": "now"}).status_code == 400


def test_a_job_is_its_owners_business(desk: Desk, stranger: Desk, nobody: Desk) -> None:
    """Contract 7-12, 1.6: nobody else reads, runs, aborts, sets or deletes a job."""
    desk.put("f")
    job = desk.make(internal(desk.at("f"), desk.at("g"), keep=False))
    path = job.url.removeprefix(str(desk.client.base_url))

    for resource in ("", "/phase", "/error", "/results", "/parameters", "/owner"):
        assert stranger.client.get(f"{path}{resource}").status_code == 403
        assert nobody.client.get(f"{path}{resource}").status_code == 401
    for data in ({"PHASE": "RUN"}, {"PHASE": "ABORT"}, {"ACTION": "DELETE"}):
        assert stranger.client.post(path, data=data).status_code == 403
    assert (
        stranger.client.post(
            f"{path}/destruction", data={"DESTRUCTION": "2030-01-01T00:00:00"}
        ).status_code
        == 403
    )
    assert stranger.client.delete(path).status_code == 403
    assert job.text("phase") == "PENDING"
    assert job.text("owner") == "durand"


def test_a_deleted_job_is_gone(desk: Desk, host: RemoteHost) -> None:
    """Contract 5 row 69; UWS 1.1 2.2.3.3: DELETE and ACTION=DELETE destroy a job, also one that
    executes."""
    desk.put("f")
    job = desk.make(internal(desk.at("f"), desk.at("g"), keep=False))
    running = stalled(desk, host)

    by_method = desk.client.delete(job.url)
    by_action = running.post("", ACTION="DELETE")

    for answer in (by_method, by_action):
        assert answer.status_code == 303
        assert answer.headers["location"].endswith("/vault/transfers")
    for each in (job, running):
        assert desk.client.get(each.url).status_code == 404
    assert host.cut.wait(20)
    assert desk.read("new") is None


def test_an_abort_is_prompt_and_cuts_the_connection(desk: Desk, host: RemoteHost) -> None:
    """Contract 5 row 67; UWS 1.1 2.2.3.5: ABORT ends an executing job at once, its work soon
    after."""
    desk.put("new", b"as it was")
    job = stalled(desk, host)
    assert job.text("phase") == "EXECUTING"

    job.post(PHASE="ABORT")

    assert job.text("phase") == "ABORTED"
    assert host.cut.wait(20)
    assert desk.read("new") == b"as it was"


def test_destruction_and_duration_are_set_within_bounds(desk: Desk, host: RemoteHost) -> None:
    """Contract 5 row 69; UWS 1.1 2.2.3.4: DESTRUCTION and EXECUTIONDURATION are granted within
    bounds."""
    desk.put("f")
    job = desk.make(internal(desk.at("f"), desk.at("g"), keep=False))
    soon = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")

    assert job.post("destruction", DESTRUCTION=soon).status_code == 303
    assert job.text("destruction").startswith(soon)
    job.post("destruction", DESTRUCTION="2999-01-01T00:00:00Z")
    assert job.text("destruction") < "2100"
    assert job.post("executionduration", EXECUTIONDURATION="60").status_code == 303
    assert job.text("executionduration") == "60"
    job.post("executionduration", EXECUTIONDURATION=str(10**9))
    assert int(job.text("executionduration")) < 10**9
    for resource, form in (
        ("destruction", {"DESTRUCTION": "tomorrow"}),
        ("executionduration", {"EXECUTIONDURATION": "-1"}),
        ("executionduration", {}),
        ("owner", {"OWNER": "me"}),
    ):
        assert job.post(resource, **form).status_code == 400

    running = stalled(desk, host)
    running.post("executionduration", EXECUTIONDURATION="1")
    assert running.finish() == "ABORTED"


def test_a_job_document_says_what_the_transfer_is(desk: Desk) -> None:
    """Compliance row 29: the job shows target, direction, view, protocol and keepBytes."""
    push = desk.make(
        transfer(desk.at("f"), "pushToVoSpace", PUSH, view=f"{CORE}binaryview")
    ).document()
    copy = desk.make(internal(desk.at("f"), desk.at("g"), keep=True)).document()

    for part in (
        "<vos:direction>pushToVoSpace</vos:direction>",
        f'<vos:view uri="{CORE}binaryview"',
        f'<vos:protocol uri="{CORE}httpput"',
    ):
        assert part in push
    assert f"<vos:target>{uri(desk.at('f'))}</vos:target>" in copy
    assert "<vos:keepBytes>true</vos:keepBytes>" in copy
    names = (
        "jobId ownerId phase quote creationTime startTime endTime executionDuration "
        "destruction parameters results jobInfo"
    )
    order = names.split()
    places = [copy.index(f"<uws:{name}") for name in order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("document", "error", "phrase"),
    [
        (internal("durand/none", "durand/x", keep=False), "NodeNotFound", "Node Not Found"),
        (internal("durand/none", "durand/x", keep=True), "NodeNotFound", "Node Not Found"),
        (
            transfer("durand", "pullFromVoSpace", {"gridftp": None}),
            "ProtocolNotSupported",
            "Protocol Not Supported",
        ),
        (
            transfer("durand/f", "pullFromVoSpace", PULL, view=f"{CORE}rss"),
            "ViewNotSupported",
            "View Not Supported",
        ),
        (
            transfer("durand/f", "pullToVoSpace", {"gridftp": "http://x/"}),
            "ProtocolNotSupported",
            "Protocol Not Supported",
        ),
        (
            transfer("durand/f", "pullToVoSpace", {"httpget": "http://10.0.0.1/"}),
            "InvalidArgument",
            "10.0.0.1",
        ),
    ],
)
def test_a_fault_puts_the_job_into_error(
    desk: Desk, document: str, error: str, phrase: str
) -> None:
    """Compliance rows 31, 63 to 65: phase ERROR, the phrase, the bare name at /error."""
    job = desk.run(document)

    assert job.finish() == "ERROR"
    assert desk.client.get(f"{job.url}/error").content == error.encode()
    assert phrase in job.document()
    assert job.results() == {}


def test_a_name_that_is_taken_is_duplicate_node_without_a_full_stop(desk: Desk) -> None:
    """Contract 1.6: /error is the standard's DuplicateNode, whatever one client compares."""
    desk.put("f")
    desk.put("g")

    assert desk.move("f", "g").text("error") == "DuplicateNode"


def test_a_refused_push_has_no_endpoint_and_a_redirect_is_a_plain_403(
    desk: Desk, stranger: Desk
) -> None:
    """Contract 7-12: 303, 200 without protocol, ERROR, PermissionDenied; redirect: 403."""
    made = stranger.client.post(
        "/vault/synctrans", content=transfer(desk.at("f"), "pushToVoSpace", PUSH)
    )
    details = stranger.client.get(made.headers["location"])
    job = made.headers["location"].removesuffix("/results/transferDetails")

    assert (made.status_code, details.status_code) == (303, 200)
    assert "<vos:protocol" not in details.text
    assert stranger.client.get(f"{job}/phase").text == "ERROR"
    assert stranger.client.get(f"{job}/error").content == b"PermissionDenied"
    form = {
        "TARGET": uri(desk.at("f")),
        "DIRECTION": "pushToVoSpace",
        "PROTOCOL": f"{CORE}httpput",
        "REQUEST": "redirect",
    }
    refused = stranger.client.get("/vault/synctrans", params=form)
    assert (refused.status_code, refused.text.split(":")[0]) == (403, "PermissionDenied")


def test_parameters_are_answered_with_the_details_or_a_redirect(desk: Desk) -> None:
    """Contract 5 rows 32 and 33; VOSpace 2.1 6.4.1: a form without REQUEST is answered with the
    transfer itself."""
    desk.put("f", b"pulled")
    form = {
        "target": uri(desk.at("f"), "!"),
        "direction": "pullFromVoSpace",
        "protocol": f"{CORE}httpget",
    }

    for answer in (
        desk.client.get("/vault/synctrans", params=form),
        desk.client.post("/vault/synctrans", data=form),
    ):
        assert answer.status_code == 200
        [endpoint] = endpoints_of(answer.text)
        assert httpx.get(endpoint).content == b"pulled"
    redirect = desk.client.get("/vault/synctrans", params={**form, "request": "redirect"})
    assert redirect.status_code == 303
    assert httpx.get(redirect.headers["location"]).content == b"pulled"


def test_a_form_makes_an_asynchronous_job_too(desk: Desk) -> None:
    """UWS 1.1 2.2.3.1: parameters make a job, which shows them."""
    desk.put("f")
    form = {
        "TARGET": uri(desk.at("f")),
        "DIRECTION": "pullFromVoSpace",
        "PROTOCOL": f"{CORE}httpget",
        "PHASE": "RUN",
        "RUNID": "night 7",
    }

    made = desk.client.post("/vault/transfers", data=form)
    job = Job(client=desk.client, url=made.headers["location"])

    assert job.finish() == "COMPLETED"
    assert f'id="TARGET" byReference="false">{uri(desk.at("f"))}<' in job.text("parameters")
    assert job.results()["transferDetails"].endswith("/results/transferDetails")
    # What is said of the job is none of its parameters (UWS 1.1, 2.1.2).
    assert "<uws:runId>night 7</uws:runId>" in job.document()
    assert not re.search('id="(PHASE|RUNID)"', job.text("parameters"))


def test_a_job_has_the_name_that_its_client_gives_it(desk: Desk) -> None:
    """UWS 1.1 2.1.2: RUNID at the creation is told with the job and in the list."""
    document = internal(desk.at("f"), desk.at("g"), keep=False)

    made = desk.client.post("/vault/transfers?RUNID=n-8", content=document)

    job = desk.client.get(made.headers["location"]).text
    listed = desk.client.get("/vault/transfers", params={"LAST": 1}).text
    assert "<uws:runId>n-8</uws:runId>" in job
    assert "<uws:runId>n-8</uws:runId>" in listed
    for bad in ("", "x" * 65, "a\n"):
        refused = desk.client.post("/vault/transfers", params={"RUNID": bad}, content=document)
        assert refused.status_code == 400


def test_a_job_that_executes_when_the_server_stops_is_gone_on_with(
    desk: Desk, host: RemoteHost, space: Space
) -> None:
    """Contract 1.6: a restart with a job EXECUTING; it is done by the next process."""
    job = stalled(desk, host)

    space.server.stop()
    space.server.start()

    # The new process begins it anew.
    host.reached.clear()
    assert host.reached.wait(20)
    assert job.text("phase") == "EXECUTING"
    job.post(PHASE="ABORT")
    assert job.finish() == "ABORTED"
