"""/transfers and /synctrans: negotiation, moves, and the jobs behind them."""

import time

import httpx
import pytest

from tests.vospace_server.http.documents import (
    CORE,
    container,
    data,
    endpoints_of,
    link,
    move,
    transfer,
    uri,
)

DETAILS = "/results/transferDetails"


def sync(client: httpx.Client, document: str) -> httpx.Response:
    """Send a transfer, without following where the answer leads."""
    return client.post("/vault/synctrans", content=document)


def details(client: httpx.Client, document: str) -> httpx.Response:
    response = client.post("/vault/synctrans", content=document, follow_redirects=True)
    assert str(response.url).endswith(DETAILS)
    return response


def job_of(response: httpx.Response) -> str:
    return str(response.url).removesuffix(DETAILS)


def run_move(client: httpx.Client, source: str, destination: str) -> str:
    """A move as `vmv` does it; returns the URL of the finished job."""
    made = client.post("/vault/transfers", content=move(source, destination))
    assert made.status_code == 303
    job = made.headers["location"]
    assert client.get(f"{job}/phase").text == "PENDING"
    started = client.post(f"{job}/phase", data={"PHASE": "RUN"})
    assert (started.status_code, started.headers["location"]) == (303, job)
    finish(client, job)
    return job


def finish(client: httpx.Client, job: str) -> None:
    """Wait until a job has ended; each answer comes with a change of phase."""
    while client.get(f"{job}/phase").text in {"PENDING", "QUEUED", "EXECUTING"}:
        client.get(job, params={"WAIT": 20}).raise_for_status()


def put_file(client: httpx.Client, path: str, content: bytes = b"bytes") -> None:
    client.put(f"/vault/files/{path}", content=content).raise_for_status()


def put_folder(client: httpx.Client, path: str) -> None:
    client.put(f"/vault/nodes/{path}", content=container(path)).raise_for_status()


def status(client: httpx.Client, path: str) -> int:
    return client.get(f"/vault/nodes/{path}").status_code


def test_a_push_leads_to_an_address_that_takes_the_bytes(
    alice: httpx.Client, anonymous: httpx.Client, folder: str
) -> None:
    made = sync(alice, transfer(f"{folder}/f", "pushToVoSpace", protocols=("httpsput",)))
    assert made.status_code == 303
    assert made.headers["location"].endswith(DETAILS)

    shown = alice.get(made.headers["location"])
    job = made.headers["location"].removesuffix(DETAILS)
    (endpoint,) = endpoints_of(shown.text)
    before = alice.get(f"{job}/phase").text
    stored = anonymous.put(endpoint, content=b"pushed")

    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/xml")
    assert f'uri="{CORE}httpsput"' in shown.text
    assert "securityMethod" not in shown.text
    assert before == "EXECUTING"
    assert stored.status_code == 201
    assert alice.get(f"{job}/phase").text == "COMPLETED"
    read = alice.get(f"/vault/files/{folder}/f", follow_redirects=True)
    assert read.content == b"pushed"


def test_a_pull_leads_to_the_bytes(
    alice: httpx.Client, anonymous: httpx.Client, folder: str
) -> None:
    put_file(alice, f"{folder}/f", b"pulled")
    alice.put(f"/vault/nodes/{folder}/l", content=link(f"{folder}/l", uri(f"{folder}/f")))

    for name in ("f", "l"):
        shown = details(
            alice,
            transfer(
                f"{folder}/{name}",
                "pullFromVoSpace",
                protocols=("httpget", "httpsget", "httpput"),
                view=f"{CORE}defaultview",
            ),
        )
        endpoints = endpoints_of(shown.text)

        assert len(endpoints) == 2
        assert anonymous.get(endpoints[0]).content == b"pulled"
        assert alice.get(f"{job_of(shown)}/phase").text == "COMPLETED"


@pytest.mark.parametrize(
    ("path", "direction", "protocols", "view", "name"),
    [
        ("none", "pullFromVoSpace", ("httpget",), None, "NodeNotFound"),
        ("no/such", "pushToVoSpace", ("httpput",), None, "ContainerNotFound"),
        ("d", "pullFromVoSpace", ("httpget",), None, "ViewNotSupported"),
        ("f", "pullFromVoSpace", ("gridftp",), None, "ProtocolNotSupported"),
        ("f", "pullFromVoSpace", (), None, "ProtocolNotSupported"),
        ("f", "pullFromVoSpace", ("httpget",), f"{CORE}rss", "ViewNotSupported"),
        ("f", "pushFromVoSpace", ("httpput",), None, "OperationNotSupported"),
        ("f", "pullToVoSpace", ("httpget",), None, "OperationNotSupported"),
    ],
)
def test_a_transfer_that_can_not_be_has_no_endpoints_and_its_job_says_why(
    alice: httpx.Client,
    folder: str,
    path: str,
    direction: str,
    protocols: tuple[str, ...],
    view: str | None,
    name: str,
) -> None:
    put_file(alice, f"{folder}/f")
    put_folder(alice, f"{folder}/d")

    shown = details(
        alice, transfer(f"{folder}/{path}", direction, protocols=protocols, view=view)
    )

    assert shown.status_code == 200
    assert endpoints_of(shown.text) == []
    assert "<vos:protocol" not in shown.text
    job = job_of(shown)
    assert alice.get(f"{job}/phase").content == b"ERROR"
    assert alice.get(f"{job}/error").content == name.encode()


def test_a_push_where_the_caller_may_not_write_is_an_error_of_the_job(
    bob: httpx.Client, folder: str
) -> None:
    shown = details(bob, transfer(f"{folder}/f", "pushToVoSpace", protocols=("httpput",)))

    assert endpoints_of(shown.text) == []
    assert bob.get(f"{job_of(shown)}/error").text == "PermissionDenied"
    document = bob.get(job_of(shown)).text
    assert "<uws:message>Permission Denied</uws:message>" in document


def test_the_parameter_form_redirects_to_the_bytes(alice: httpx.Client, folder: str) -> None:
    put_file(alice, f"{folder}/f", b"pulled")
    parameters = {
        "TARGET": uri(f"{folder}/f", "localhost!vault"),
        "DIRECTION": "pullFromVoSpace",
        "PROTOCOL": f"{CORE}httpsget",
        "REQUEST": "redirect",
    }

    by_get = alice.get("/vault/synctrans", params=parameters)
    by_post = alice.post("/vault/synctrans", data={k.lower(): v for k, v in parameters.items()})

    for response in (by_get, by_post):
        assert response.status_code == 303
        assert "/vault/data/" in response.headers["location"]
        assert alice.get(response.headers["location"]).content == b"pulled"


def test_the_parameter_form_pushes_too(alice: httpx.Client, folder: str) -> None:
    parameters = {
        "TARGET": uri(f"{folder}/new"),
        "DIRECTION": "pushToVoSpace",
        "PROTOCOL": f"{CORE}httpput",
        "REQUEST": "redirect",
    }

    response = alice.get("/vault/synctrans", params=parameters)
    stored = alice.put(response.headers["location"], content=b"pushed")

    assert stored.status_code == 201
    read = alice.get(f"/vault/files/{folder}/new", follow_redirects=True)
    assert read.content == b"pushed"


@pytest.mark.parametrize(
    ("change", "status_code", "name"),
    [
        ({"TARGET": uri("alice/none")}, 404, "NodeNotFound"),
        ({"TARGET": "http://x/"}, 400, "InvalidArgument"),
        ({"DIRECTION": "pullToVoSpace"}, 400, "InvalidArgument"),
        ({"DIRECTION": "sideways"}, 400, "InvalidArgument"),
        ({"PROTOCOL": f"{CORE}gridftp"}, 400, "ProtocolNotSupported"),
        ({"REQUEST": "dance"}, 400, "InvalidArgument"),
    ],
)
def test_the_parameter_form_fails_as_plain_http(
    alice: httpx.Client, change: dict[str, str], status_code: int, name: str
) -> None:
    parameters = {
        "TARGET": uri("alice/f"),
        "DIRECTION": "pullFromVoSpace",
        "PROTOCOL": f"{CORE}httpget",
        "REQUEST": "redirect",
    }

    response = alice.get("/vault/synctrans", params=parameters | change)

    assert (response.status_code, response.text.split(":")[0]) == (status_code, name)


def test_a_redirect_that_is_not_allowed_is_forbidden(bob: httpx.Client, folder: str) -> None:
    parameters = {
        "TARGET": uri(f"{folder}/f"),
        "DIRECTION": "pushToVoSpace",
        "PROTOCOL": f"{CORE}httpput",
        "REQUEST": "redirect",
    }

    response = bob.get("/vault/synctrans", params=parameters)

    assert (response.status_code, response.text.split(":")[0]) == (403, "PermissionDenied")


def test_missing_parameters_are_an_invalid_argument(alice: httpx.Client) -> None:
    for response in (
        alice.get("/vault/synctrans"),
        alice.get("/vault/synctrans", params={"TARGET": uri("alice")}),
        alice.post("/vault/synctrans", data={"DIRECTION": "pullFromVoSpace"}),
    ):
        assert (response.status_code, response.text.split(":")[0]) == (400, "InvalidArgument")


def test_an_announced_length_beyond_the_quota_is_refused(alice: httpx.Client) -> None:
    """Contract 5 row 80: negotiation of what does not fit."""
    document = transfer(
        "small/f", "pushToVoSpace", protocols=("httpput",), params={f"{CORE}length": "1001"}
    )

    shown = details(alice, document)

    assert endpoints_of(shown.text) == []
    assert alice.get(f"{job_of(shown)}/error").text == "QuotaExceeded"


def test_a_file_moves_to_a_new_name(alice: httpx.Client, folder: str) -> None:
    """Contract 5 rows 12 and 36; Compliance row 39: moveNode as a rename."""
    put_file(alice, f"{folder}/a")

    job = run_move(alice, f"{folder}/a", f"{folder}/b")

    assert alice.get(f"{job}/phase").content == b"COMPLETED"
    assert (status(alice, f"{folder}/a"), status(alice, f"{folder}/b")) == (404, 200)
    results = alice.get(f"{job}/results").text
    assert f'xlink:href="{uri(f"{folder}/b")}"' in results
    assert 'id="destination"' in results
    assert alice.get(f"{job}/error").text == ""


def test_a_prefix_of_a_name_is_no_ancestor(alice: httpx.Client, folder: str) -> None:
    for name in ("a", "ab"):
        put_folder(alice, f"{folder}/{name}")

    job = run_move(alice, f"{folder}/a", f"{folder}/ab/x")

    assert alice.get(f"{job}/phase").text == "COMPLETED"
    assert status(alice, f"{folder}/ab/x") == 200


@pytest.mark.parametrize(
    ("source", "destination", "error"),
    [
        ("d", "d/e", "InvalidArgument"),
        ("d", "d", "InvalidArgument"),
        ("f", "g", "DuplicateNode"),
        ("f", "f", "DuplicateNode"),
        ("d", "g", "DuplicateNode"),
        ("f", "full", "DuplicateNode"),
        ("none", "x", "NodeNotFound"),
        ("f", "no/such", "ContainerNotFound"),
    ],
)
def test_a_move_that_can_not_be_changes_nothing(
    alice: httpx.Client, folder: str, source: str, destination: str, error: str
) -> None:
    for name in ("f", "g"):
        put_file(alice, f"{folder}/{name}", name.encode())
    for name in ("d", "full"):
        put_folder(alice, f"{folder}/{name}")
    put_file(alice, f"{folder}/full/f")

    job = run_move(alice, f"{folder}/{source}", f"{folder}/{destination}")

    assert alice.get(f"{job}/phase").text == "ERROR"
    assert alice.get(f"{job}/error").text == error
    for name in ("f", "g", "d", "full/f"):
        assert status(alice, f"{folder}/{name}") == 200


def test_a_container_moved_into_itself_says_so(alice: httpx.Client, folder: str) -> None:
    put_folder(alice, f"{folder}/d")

    job = run_move(alice, f"{folder}/d", f"{folder}/d/e")

    assert "Cannot move container node into its descendants" in alice.get(job).text


def test_a_move_needs_permission_on_both_containers(
    alice: httpx.Client, bob: httpx.Client, folder: str
) -> None:
    put_file(alice, f"{folder}/f")

    job = run_move(bob, f"{folder}/f", f"{folder}/g")

    assert bob.get(f"{job}/error").text == "PermissionDenied"
    assert status(alice, f"{folder}/f") == 200


def test_a_tree_is_copied_as_a_job(alice: httpx.Client, folder: str) -> None:
    put_folder(alice, f"{folder}/d")
    put_file(alice, f"{folder}/d/f", b"shared")
    document = move(f"{folder}/d", f"{folder}/e").replace(">false<", ">true<")

    job = alice.post("/vault/transfers?PHASE=RUN", content=document).headers["location"]
    finish(alice, job)

    assert alice.get(f"{job}/phase").text == "COMPLETED"
    assert f'xlink:href="{uri(f"{folder}/e")}"' in alice.get(f"{job}/results").text
    for name in ("d", "e"):
        read = alice.get(f"/vault/files/{folder}/{name}/f", follow_redirects=True)
        assert read.content == b"shared"


def test_a_copy_is_no_synchronous_transfer(alice: httpx.Client, folder: str) -> None:
    put_file(alice, f"{folder}/f")
    document = move(f"{folder}/f", f"{folder}/g").replace(">false<", ">true<")

    made = sync(alice, document)

    job = made.headers["location"].removesuffix(DETAILS)
    assert alice.get(f"{job}/error").text == "OperationNotSupported"
    assert status(alice, f"{folder}/g") == 404


def test_an_asynchronous_pull_has_details_when_it_has_run(
    alice: httpx.Client, folder: str
) -> None:
    """Contract 5 row 31: a job with transferDetails."""
    put_file(alice, f"{folder}/f", b"pulled")
    document = transfer(f"{folder}/f", "pullFromVoSpace", protocols=("httpget",))

    job = alice.post("/vault/transfers", content=document).headers["location"]
    early = alice.get(f"{job}{DETAILS}")
    alice.post(f"{job}/phase", content="phase=RUN", headers=FORM)
    finish(alice, job)

    assert early.status_code == 404
    assert f"{job}{DETAILS}" in alice.get(job).text
    (endpoint,) = endpoints_of(alice.get(f"{job}{DETAILS}").text)
    assert alice.get(endpoint).content == b"pulled"


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_running_twice_and_aborting_late_are_harmless(alice: httpx.Client, folder: str) -> None:
    put_file(alice, f"{folder}/a")
    job = run_move(alice, f"{folder}/a", f"{folder}/b")

    again = alice.post(f"{job}/phase", content="phase=RUN", headers=FORM)
    abort = alice.post(f"{job}/phase", data={"PHASE": "ABORT"})

    assert (again.status_code, abort.status_code) == (303, 303)
    assert alice.get(f"{job}/phase").content == b"COMPLETED"


def test_a_job_that_waits_can_be_aborted_and_deleted(alice: httpx.Client, folder: str) -> None:
    made = alice.post("/vault/transfers", content=move(f"{folder}/a", f"{folder}/b"))
    job = made.headers["location"]

    alice.post(f"{job}/phase", data={"PHASE": "ABORT"})
    aborted = alice.get(f"{job}/phase").text
    deleted = alice.delete(job)

    assert aborted == "ABORTED"
    assert deleted.status_code == 303
    assert deleted.headers["location"].endswith("/vault/transfers")
    assert alice.get(job).status_code == 404
    other = alice.post("/vault/transfers", content=move(f"{folder}/a", f"{folder}/b"))
    by_action = alice.post(other.headers["location"], data={"ACTION": "DELETE"})
    assert by_action.status_code == 303
    assert alice.get(other.headers["location"]).status_code == 404


@pytest.mark.parametrize("phase", ["JUMP", ""])
def test_an_unknown_phase_is_an_invalid_argument(
    alice: httpx.Client, folder: str, phase: str
) -> None:
    made = alice.post("/vault/transfers", content=move(f"{folder}/a", f"{folder}/b"))

    response = alice.post(f"{made.headers['location']}/phase", data={"PHASE": phase})

    assert (response.status_code, response.text.split(":")[0]) == (400, "InvalidArgument")


def test_a_wait_ends_with_the_job_or_with_its_time(alice: httpx.Client, folder: str) -> None:
    made = alice.post("/vault/transfers", content=move(f"{folder}/a", f"{folder}/b"))
    job = made.headers["location"]

    began = time.monotonic()
    waiting = alice.get(job, params={"WAIT": 1})
    waited = time.monotonic() - began
    other_phase = alice.get(job, params={"WAIT": 30, "PHASE": "EXECUTING"})
    alice.post(f"{job}/phase", data={"PHASE": "ABORT"})
    finished = alice.get(job, params={"WAIT": 30})

    assert 0.9 < waited < 10
    assert "<uws:phase>PENDING</uws:phase>" in waiting.text
    assert "<uws:phase>PENDING</uws:phase>" in other_phase.text
    assert "<uws:phase>ABORTED</uws:phase>" in finished.text
    assert time.monotonic() - began < 20


def test_jobs_are_seen_by_their_owner_alone(
    alice: httpx.Client, bob: httpx.Client, anonymous: httpx.Client, folder: str
) -> None:
    job = run_move(alice, f"{folder}/none", f"{folder}/b")

    for resource in ("", "/phase", "/error", "/results", "/owner"):
        assert bob.get(job + resource).status_code == 403
        assert anonymous.get(job + resource).status_code == 401
    assert bob.delete(job).status_code == 403
    listed = alice.get("/vault/transfers")
    assert (listed.status_code, listed.headers["content-type"]) == (200, "text/xml")
    assert job in listed.text
    assert job not in bob.get("/vault/transfers").text
    assert anonymous.get("/vault/transfers").status_code == 401


def test_the_list_of_jobs_is_filtered(alice: httpx.Client, folder: str) -> None:
    first = alice.post("/vault/transfers", content=move(f"{folder}/a", f"{folder}/b"))
    second = run_move(alice, f"{folder}/none", f"{folder}/b")

    failed = alice.get("/vault/transfers", params={"PHASE": "ERROR"}).text
    last = alice.get("/vault/transfers", params={"LAST": 1}).text

    assert second in failed
    assert first.headers["location"] not in failed
    assert last.count("<uws:jobref ") == 1
    assert alice.get("/vault/transfers", params={"PHASE": "NONE"}).status_code == 400


def test_the_resources_of_a_job_are_bare_text(alice: httpx.Client, folder: str) -> None:
    job = run_move(alice, f"{folder}/none", f"{folder}/b")

    assert alice.get(f"{job}/phase").content == b"ERROR"
    assert alice.get(f"{job}/error").content == b"NodeNotFound"
    assert alice.get(f"{job}/owner").content == b"alice"
    assert alice.get(f"{job}/executionduration").content == b"0"
    assert alice.get(f"{job}/quote").content == b""
    assert alice.get(f"{job}/destruction").text.endswith("Z")
    assert alice.get(f"{job}/phase").headers["content-type"] == "text/plain"
    assert alice.get(f"{job}/parameters").headers["content-type"] == "text/xml"
    assert alice.get(f"{job}/nonsense").status_code == 404
    assert alice.get("/vault/transfers/none").status_code == 404


def test_a_transfer_document_that_is_none_is_refused(alice: httpx.Client) -> None:
    for address in ("/vault/transfers", "/vault/synctrans"):
        for document in ("", "<a/>", "<broken", data("alice/x")):
            response = alice.post(address, content=document)
            assert response.status_code == 400, document
        too_large = alice.post(address, content=" " * 40_000)
        assert too_large.status_code == 413


def test_anonymous_callers_negotiate_for_public_files(
    alice: httpx.Client, anonymous: httpx.Client, folder: str
) -> None:
    put_file(alice, f"{folder}/f", b"public")
    for path, document in (
        ("alice", container("alice", ispublic="true")),
        (folder, container(folder, ispublic="true")),
        (f"{folder}/f", data(f"{folder}/f", ispublic="true")),
    ):
        alice.post(f"/vault/nodes/{path}", content=document).raise_for_status()

    shown = details(
        anonymous, transfer(f"{folder}/f", "pullFromVoSpace", protocols=("httpget",))
    )
    refused = details(
        anonymous, transfer(f"{folder}/new", "pushToVoSpace", protocols=("httpput",))
    )
    alice.post("/vault/nodes/alice", content=container("alice", ispublic="false"))

    (endpoint,) = endpoints_of(shown.text)
    assert anonymous.get(endpoint).content == b"public"
    assert endpoints_of(refused.text) == []
    assert anonymous.get(f"{job_of(refused)}/error").text == "NotAuthenticated"
