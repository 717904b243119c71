"""What the kernel is told of versions: it never mixes two."""

import dataclasses

import pytest

from tests.vofs.entries import entry_of
from vofs.filesystem.kernel_versions import KernelVersions, VersionReplaced
from vospace_model.uris import NodePath

PATH = NodePath(("f",))
OLD = entry_of(length=10, content="old")
NEW = dataclasses.replace(OLD, content="new", length=3)


class Kernel:
    """Stands for the kernel's side: whether a path may be detached, and how often it was."""

    def __init__(self) -> None:
        self.allows = True
        self.damage = 0
        self.asked: list[bool] = []
        self.versions = KernelVersions(detach=self.detach, damage_count=lambda: self.damage)

    def detach(self, path: NodePath, wait: bool) -> bool:
        """What the detacher does."""
        self.asked.append(wait)
        if self.allows:
            self.versions.detached(path)
        return self.allows and wait


@pytest.fixture
def kernel() -> Kernel:
    """A kernel that knows nothing yet."""
    return Kernel()


def test_pages_are_kept_for_the_same_version_only(kernel: Kernel) -> None:
    versions = kernel.versions
    assert not versions.opening(PATH, OLD).keep_cache
    versions.closed(PATH, OLD)
    assert versions.opening(PATH, OLD).keep_cache
    versions.closed(PATH, OLD)
    assert not versions.opening(PATH, NEW).keep_cache
    assert kernel.asked == []


def test_replaced_file_gets_a_new_inode_once(kernel: Kernel) -> None:
    versions = kernel.versions
    versions.opening(PATH, OLD)
    with pytest.raises(VersionReplaced):
        versions.opening(PATH, NEW)
    use = versions.opening(PATH, NEW)
    assert (use.keep_cache, use.direct_io) == (False, False)
    assert kernel.asked == [True]


def test_attributes_that_may_be_old_make_a_new_inode_as_well(kernel: Kernel) -> None:
    kernel.versions.replaced(PATH.names)
    with pytest.raises(VersionReplaced):
        kernel.versions.opening(PATH, NEW)
    assert not kernel.versions.opening(PATH, NEW).direct_io


def test_attributes_that_were_told_anew_need_no_new_inode(kernel: Kernel) -> None:
    kernel.versions.replaced(PATH.names)
    assert kernel.versions.shown(PATH, NEW) is NEW
    assert not kernel.versions.opening(PATH, NEW).keep_cache
    assert kernel.asked == []


def test_old_version_is_shown_while_it_is_read_and_detached_meanwhile(kernel: Kernel) -> None:
    kernel.allows = False
    kernel.versions.opening(PATH, OLD)
    kernel.versions.replaced(PATH.names)
    assert kernel.versions.shown(PATH, NEW) is OLD
    assert kernel.asked == [False]
    kernel.versions.closed(PATH, OLD)
    assert kernel.versions.shown(PATH, NEW) is NEW


def test_reader_goes_past_the_page_cache_when_there_is_no_new_inode(kernel: Kernel) -> None:
    kernel.allows = False
    kernel.versions.opening(PATH, OLD)
    use = kernel.versions.opening(PATH, NEW)
    assert (use.keep_cache, use.direct_io) == (False, True)


def test_own_writing_keeps_the_pages(kernel: Kernel) -> None:
    kernel.versions.opening(PATH, OLD)
    kernel.versions.written(PATH, NEW)
    assert kernel.versions.opening(PATH, NEW).keep_cache
    assert kernel.asked == []


def test_pages_loaded_before_wrong_bytes_were_found_are_dropped(kernel: Kernel) -> None:
    kernel.versions.opening(PATH, OLD)
    kernel.versions.closed(PATH, OLD)
    kernel.damage += 1
    assert not kernel.versions.opening(PATH, OLD).keep_cache
    kernel.versions.closed(PATH, OLD)
    assert kernel.versions.opening(PATH, OLD).keep_cache


def test_pages_follow_a_renamed_folder(kernel: Kernel) -> None:
    inside = NodePath(("d", "f"))
    kernel.versions.opening(inside, OLD)
    kernel.versions.moved(NodePath(("d",)), NodePath(("e",)))
    assert kernel.versions.opening(NodePath(("e", "f")), OLD).keep_cache
    assert not kernel.versions.opening(inside, OLD).keep_cache
