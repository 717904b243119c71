"""Everything a document may hold, as hypothesis makes it up."""

import string
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from vospace_model import (
    Capability,
    ContainerNode,
    DataNode,
    Direction,
    ErrorSummary,
    ErrorType,
    ExecutionPhase,
    ExternalTransfer,
    InternalTransfer,
    Job,
    JobParameter,
    JobResult,
    LinkNode,
    NegotiatedProtocol,
    Node,
    NodePath,
    Param,
    Property,
    RemoveProperty,
    RequestedProtocol,
    SecurityMethod,
    SetProperty,
    StructuredDataNode,
    UnstructuredDataNode,
    View,
    VosUri,
)

# Every character a name may hold, with those that are awkward in URIs and XML made likely.
_AWKWARD = st.sampled_from(list(" %?#&<>\"'+~!;:@$=,*()[]{}|\\^`é中🔭\u00a0\u2028\ufffe\uffff"))
_ANY = st.characters(
    exclude_characters="/",
    exclude_categories=("Cc", "Cs"),
)
names = (
    st.text(st.one_of(_ANY, _AWKWARD), min_size=1, max_size=60)
    .filter(lambda name: name not in {".", ".."})
    .filter(lambda name: len(name.encode()) <= 255)
)
paths = st.builds(NodePath, st.lists(names, max_size=4).map(tuple))
authorities = st.sampled_from(["localhost~vault", "cadc.nrc.ca~vault", "a~b~c"])
vos_uris = st.builds(VosUri, authorities, paths)

texts = st.text(
    st.one_of(
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"),
        st.sampled_from(list("\t\n\r &<>\"']")),
    ),
    max_size=40,
)
_uri_texts = st.text(
    string.ascii_letters + string.digits + "/?&=~!:.-_", min_size=1, max_size=20
)
uris = st.builds("ivo://example.org/{}#{}".format, _uri_texts, _uri_texts)
keys = st.one_of(uris, st.text(string.ascii_letters, min_size=1, max_size=8))
moments = st.integers(0, 2**45).map(
    lambda milliseconds: datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
)

params = st.lists(st.builds(Param, uri=uris, value=texts), max_size=2).map(tuple)
views = st.builds(View, uri=uris, original=st.booleans(), params=params)
view_lists = st.lists(views, max_size=2).map(tuple)
capabilities = st.lists(
    st.builds(Capability, uri=uris, endpoint=st.none() | uris, params=params), max_size=2
).map(tuple)
security_methods = st.lists(st.builds(SecurityMethod, uri=st.none() | uris), max_size=2).map(
    tuple
)
protocols = st.one_of(
    st.builds(RequestedProtocol, uri=uris, security_methods=security_methods, params=params),
    st.builds(
        NegotiatedProtocol,
        uri=uris,
        endpoint=uris,
        security_methods=security_methods,
        params=params,
    ),
)

properties = st.lists(
    st.builds(Property, uri=keys, value=texts, read_only=st.booleans()),
    max_size=4,
    unique_by=lambda item: item.uri,
).map(tuple)
changes = st.lists(
    st.one_of(
        st.builds(SetProperty, uri=keys, value=texts), st.builds(RemoveProperty, uri=keys)
    ),
    max_size=4,
    unique_by=lambda item: item.uri,
).map(tuple)
data_nodes: st.SearchStrategy[Node] = st.one_of(
    *(
        st.builds(
            leaf,
            uri=vos_uris,
            properties=properties,
            busy=st.booleans(),
            accepts=view_lists,
            provides=view_lists,
            capabilities=capabilities,
        )
        for leaf in (DataNode, UnstructuredDataNode, StructuredDataNode)
    )
)
link_nodes = st.builds(
    LinkNode, uri=vos_uris, properties=properties, target=st.one_of(uris, vos_uris.map(str))
)


def containers_of(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Containers that hold such children."""
    return st.builds(
        ContainerNode,
        uri=vos_uris,
        properties=properties,
        nodes=st.lists(children, max_size=3).map(tuple),
        accepts=view_lists,
        provides=view_lists,
        capabilities=capabilities,
    )


nodes: st.SearchStrategy[Node] = st.recursive(
    st.one_of(data_nodes, link_nodes), containers_of, max_leaves=6
)

external_transfers = st.builds(
    ExternalTransfer,
    targets=st.lists(vos_uris, min_size=1, max_size=3).map(tuple),
    direction=st.sampled_from(Direction),
    view=st.none() | views,
    protocols=st.lists(protocols, max_size=3).map(tuple),
    params=params,
)
internal_transfers = st.builds(
    InternalTransfer, source=vos_uris, destination=vos_uris, keep_bytes=st.booleans()
)
transfers = st.one_of(external_transfers, internal_transfers)

_words = st.text(string.ascii_letters + "é&<", min_size=1, max_size=10)
jobs = st.builds(
    Job,
    job_id=_words,
    phase=st.sampled_from(ExecutionPhase),
    created=moments,
    owner=st.none() | _words,
    run_id=st.none() | _words,
    quote=st.none() | moments,
    started=st.none() | moments,
    ended=st.none() | moments,
    execution_duration_seconds=st.integers(0, 2**31 - 1),
    destruction=st.none() | moments,
    parameters=st.lists(
        st.builds(JobParameter, parameter_id=_words, value=texts, by_reference=st.booleans()),
        max_size=2,
    ).map(tuple),
    results=st.lists(
        st.builds(
            JobResult,
            result_id=_words,
            href=uris,
            size=st.none() | st.integers(0, 2**62),
            media_type=st.none() | _words,
        ),
        max_size=2,
    ).map(tuple),
    error=st.none()
    | st.builds(
        ErrorSummary,
        message=_words,
        error_type=st.sampled_from(ErrorType),
        has_detail=st.booleans(),
    ),
    transfer=st.none() | transfers,
    progress=st.none() | st.integers(0, 10_000).map(lambda n: n / 10_000),
)
