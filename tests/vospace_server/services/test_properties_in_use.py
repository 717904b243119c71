"""Which properties nodes have, on both engines (getProperties, `contains`)."""

from tests.vospace_server.services.tree_space import GROUP, TreeSpace
from vospace_model.properties import Cadc, Core
from vospace_server.services.properties_in_use import PropertiesInUse


def test_what_no_node_has_is_not_in_use(each_space: TreeSpace) -> None:
    """Contract 5 row 19: contains has what nodes have, of every kind, and nothing else."""
    now = 0.0
    in_use = PropertiesInUse(database=each_space.database, clock=lambda: now)
    before = set(in_use.uris())

    each_space.touch("/alice/f", title="t", type="text/plain", groupread=GROUP)
    each_space.put("/alice/g", 10)
    each_space.set("/alice/f", {"custom:a b": "", Cadc.ISLOCKED: "true"})

    assert {Core.DATE, Core.CREATOR, Core.LENGTH, Core.QUOTA, Core.ISPUBLIC} <= before
    assert before.isdisjoint({Core.TITLE, Core.TYPE, Core.GROUPREAD, Core.MD5, Cadc.ISLOCKED})
    # Asked for anew after some minutes only: every node is looked at for the answer.
    assert set(in_use.uris()) == before
    now = 601.0
    assert set(in_use.uris()) - before == {
        Core.TITLE,
        Core.TYPE,
        Core.GROUPREAD,
        Core.MD5,
        Core.CONTENT_DATE,
        Cadc.ISLOCKED,
        "custom:a b",
    }
    assert list(in_use.uris()) == sorted(in_use.uris())
