"""The state of a mount as text for a person."""

from collections.abc import Mapping
from typing import Any, Final

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def human_size(size: float) -> str:
    """Bytes in the largest unit they fill."""
    for unit in _UNITS[:-1]:
        if size < 1024:  # noqa: PLR2004 -- what the units count in
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} {_UNITS[-1]}"


def format_status(state: Mapping[str, Any]) -> str:
    """One mount, a line for each thing that one may want to know."""
    mode = "read-only" if state["read_only"] else "read-write"
    away = state["away_since"]
    service = state["service"]
    reached = f"{service} (away since {away}; old answers are served)" if away else service
    lines = [
        f"{state['source']} on {state['mountpoint']} ({mode}, pid {state['pid']})",
        f"  service     {reached}",
        f"  wire        {_wire_line(state)}",
        f"  cache       {_cache_line(state['cache'])}, hit rate {state['hit_rate']:.0%}",
        f"  open files  {state['open_files']}",
        f"  errors      {_errors_line(state)}",
    ]
    lines += [f"  writing     {path}" for path in state["writing"]]
    lines += [_pending_line(item) for item in state["pending"]]
    return "\n".join(lines)


def format_cache(state: Mapping[str, Any]) -> str:
    """The cache directory of one mount."""
    return f"{state['cache']['directory']}: {_cache_line(state['cache'])}"


def _wire_line(state: Mapping[str, Any]) -> str:
    received, sent = human_size(state["wire_bytes"]), human_size(state["sent_bytes"])
    return f"{received} received, {sent} sent, {state['requests']} requests"


def _cache_line(cache: Mapping[str, Any]) -> str:
    used = f"{human_size(cache['stored_bytes'])} of {human_size(cache['limit_bytes'])}"
    return used + (" (disk failing or full: reads go past it)" if cache["is_degraded"] else "")


def _errors_line(state: Mapping[str, Any]) -> str:
    count = state["errors"]
    return f"{count}, last: {state['last_error']}" if state["last_error"] else str(count)


def _pending_line(item: Mapping[str, Any]) -> str:
    return (
        f"  not sent    {item['path']} ({human_size(item['length'])}, since {item['since']}): "
        f"{item['reason']}"
    )
