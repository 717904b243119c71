"""What scopes mean, how they are written, and that they only ever narrow."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vospace_model.uris import NodePath
from vospace_server.domain.token_scope import ScopeLevel, TokenScope

_NAMES = st.sampled_from(["a", "b c", "é%", "x:y"])
_PATHS = st.builds(lambda names: NodePath(tuple(names)), st.lists(_NAMES, max_size=3))
_WORDS = st.one_of(
    st.sampled_from(["read", "write", "admin"]),
    st.builds(
        lambda level, path: f"{level}:{path.quoted()}",
        st.sampled_from(["read", "write"]),
        _PATHS,
    ),
)
_SCOPES = st.builds(
    lambda words: TokenScope.parse(" ".join(words)), st.lists(_WORDS, min_size=1, max_size=5)
)
_LEVELS = st.sampled_from([ScopeLevel.READ, ScopeLevel.WRITE, ScopeLevel.ADMIN])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("read", "read"),
        ("read:/", "read"),
        ("admin write:/a", "admin"),
        ("write:/b  read", "read write:/b"),
        ("read:/hst-refer/", "read:/hst-refer"),
        ("write:/a read:/a/b read:/c", "read:/c write:/a"),
        ("read:/with%20space read:/é", "read:/with%20space read:/%C3%A9"),
        ("read:/no\N{NO-BREAK SPACE}break", "read:/no%C2%A0break"),
    ],
)
def test_a_scope_has_one_spelling(text: str, label: str) -> None:
    scope = TokenScope.parse(text)

    assert scope.label == label
    assert TokenScope.parse(label) == TokenScope.decode(label) == scope


_TWENTY = "a scope has 1 to 20 words, such as read:/hst-refer"
_KNOWN = "it must be one of read, write, admin, or read or write below a path"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", _TWENTY),
        ("read:/a " * 21, _TWENTY),
        ("all", f"unknown scope 'all'; {_KNOWN}, as in read:/hst-refer"),
        ("read:hst", "the path of the scope 'read:hst' must begin with a slash"),
        ("admin:/hst", "the scope admin is for the whole service; it takes no path"),
        ("read:/a/../b", "the scope 'read:/a/../b' names no path: '..' is not a node name"),
        ("read:/a//b", "the scope 'read:/a//b' names no path: a node name is empty"),
        (f"read:/{'/'.join(['n' * 200] * 6)}", "a scope has at most 1000 characters"),
    ],
)  # fmt: skip
def test_what_is_no_scope_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        TokenScope.parse(text)

    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("number", "scope"), [(1, TokenScope.READ), (2, TokenScope.WRITE), (3, TokenScope.ADMIN)]
)
def test_what_was_kept_as_a_number_is_still_known(number: int, scope: TokenScope) -> None:
    assert TokenScope.decode(number) == scope


def test_a_name_that_only_begins_alike_is_outside() -> None:
    scope = TokenScope.parse("read:/hst")

    assert scope.allows(ScopeLevel.READ, NodePath.parse("/hst/x"))
    assert not scope.allows(ScopeLevel.READ, NodePath.parse("/hst-refer"))


@given(one=_SCOPES, two=_SCOPES, path=_PATHS, level=_LEVELS)
def test_two_scopes_together_allow_what_both_allow(
    one: TokenScope, two: TokenScope, path: NodePath, level: ScopeLevel
) -> None:
    both = one.at_most(two)

    assert both.allows(level, path) == (one.allows(level, path) and two.allows(level, path))
    assert one.covers(both)
    assert two.covers(both)
    assert both == two.at_most(one) == TokenScope.decode(both.label)


@given(one=_SCOPES, two=_SCOPES)
def test_a_scope_covers_another_if_it_allows_nothing_less(
    one: TokenScope, two: TokenScope
) -> None:
    places = [NodePath.root(), *(part.path for part in (*one.parts(), *two.parts()))]
    allowed = [
        (two.allows(level, place), one.allows(level, place))
        for level, place in itertools.product(list(ScopeLevel)[1:], places)
    ]

    assert one.covers(two) == all(mine for theirs, mine in allowed if theirs)
