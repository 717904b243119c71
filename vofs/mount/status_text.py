"""The state of a mount as text for a person."""

from collections.abc import Callable, Mapping, Sequence
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
    lines += _write_back_lines(state["writeback"])
    lines += [_pending_line(item) for item in state["pending"]]
    return "\n".join(lines)


def format_metrics(states: Sequence[Mapping[str, Any]]) -> str:
    """Mounts as Prometheus text; the label is the mountpoint."""
    lines = []
    for name, kind, text, value in _METRICS:
        lines += [f"# HELP vofs_{name} {text}", f"# TYPE vofs_{name} {kind}"]
        for state in states:
            place = str(state["mountpoint"])
            for old, new in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")):
                place = place.replace(old, new)
            lines.append(f'vofs_{name}{{mountpoint="{place}"}} {_number(value(state))}')
    return "\n".join(lines)


Metric = tuple[str, str, str, Callable[[Mapping[str, Any]], float]]
_METRICS: Final[Sequence[Metric]] = (
    ("requests_total", "counter", "Requests to the service.", lambda s: s["requests"]),
    ("received_bytes_total", "counter", "Bytes received.", lambda s: s["wire_bytes"]),
    ("sent_bytes_total", "counter", "Bytes sent.", lambda s: s["sent_bytes"]),
    ("errors_total", "counter", "Failed requests and calls.", lambda s: s["errors"]),
    ("cache_hit_ratio", "gauge", "Reads served by the cache.", lambda s: s["hit_rate"]),
    ("cache_bytes", "gauge", "Bytes in the cache.", lambda s: s["cache"]["stored_bytes"]),
    ("cache_limit_bytes", "gauge", "Their limit.", lambda s: s["cache"]["limit_bytes"]),
    ("open_files", "gauge", "Open files and folders.", lambda s: s["open_files"]),
    ("away", "gauge", "1 while the service doesn't answer.", lambda s: bool(s["away_since"])),
    ("pending_files", "gauge", "Closed, not sent.", lambda s: s["writeback"]["files"]),
    ("pending_bytes", "gauge", "Bytes of these.", lambda s: s["writeback"]["bytes"]),
    (
        "pending_oldest_seconds",
        "gauge",
        "For how long the oldest of these has waited.",
        lambda s: s["writeback"]["oldest_seconds"],
    ),
    (
        "refused_files",
        "gauge",
        "Files kept here that the service did not take.",
        lambda s: len(s["writeback"]["refused"]) + len(s["pending"]),
    ),
)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


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


def _write_back_lines(state: Mapping[str, Any]) -> list[str]:
    if not state["enabled"] and not state["files"]:
        return []
    if not state["files"]:
        return ["  pending     nothing: the service has all that was closed"]
    waiting = f"{state['files']} files, {human_size(state['bytes'])}"
    line = f"  pending     {waiting}, the oldest for {state['oldest_seconds']:.0f} s"
    if state["last_error"]:
        line += f"; last failure: {state['last_error']}"
    return [line, *(_pending_line(item) for item in state["refused"])]


def _pending_line(item: Mapping[str, Any]) -> str:
    return (
        f"  not sent    {item['path']} ({human_size(item['length'])}, since {item['since']}): "
        f"{item['reason']}"
    )
