"""The names that may stand behind -o."""

from typing import Final

# What mount(8), fstab and systemd add and what has no meaning here.
IGNORED_OPTIONS: Final = frozenset(
    {
        "auto",
        "noauto",
        "user",
        "users",
        "nouser",
        "owner",
        "group",
        "nofail",
        "_netdev",
        "dev",
        "nodev",
        "suid",
        "nosuid",
        "exec",
        "noexec",
        "rw",
        "async",
        "sync",
        "atime",
        "noatime",
        "relatime",
        "diratime",
        "nodiratime",
        "defaults",
        "big_writes",
        "auto_unmount",
        "default_permissions",
    }
)
IGNORED_PREFIXES: Final = ("x-", "comment=", "fsname=", "subtype=")
FLAG_OPTIONS: Final = frozenset(
    {
        "ro",
        "allow_other",
        "nonempty",
        "strict",
        "immutable",
        "noprefetch",
        "anonymous",
        "debug",
        "writeback",
        "writeback_sync",
    }
)
VALUE_OPTIONS: Final = frozenset(
    {
        "service",
        "registry",
        "resource_id",
        "token_file",
        "certfile",
        "ca_file",
        "cache_dir",
        "cache_limit",
        "writeback_limit",
        "timeout",
        "attr_timeout",
        "fuse",
        "conf",
        "log_level",
    }
)
