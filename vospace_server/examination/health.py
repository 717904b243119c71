"""The examination for the page of an administrator, while the server serves."""

from vospace_server.config import ServerConfig
from vospace_server.examination.checks import WHILE_SERVING, examine
from vospace_server.web.views.admin import HealthLine


def health_lines(config: ServerConfig) -> list[HealthLine]:
    """A line for each subject. Reasons of broken checks stay on one line and without traces."""
    found = examine(config, describe=_described, subjects=WHILE_SERVING)
    return [
        HealthLine(
            verdict=each.verdict.value,
            subject=each.subject,
            text=each.text,
            advice=each.advice,
        )
        for each in found
    ]


def _described(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
