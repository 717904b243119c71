"""Days that people choose: a day ends with its last second, in UTC.

What takes a deed back gives the exact time, as it was.
"""

from datetime import UTC, date, datetime, time

from vospace_server.web.forms import Form


def end_of_day(form: Form, field: str) -> datetime | None:
    """The last second of the day in a field; None when it is empty, or wrong and noted."""
    text = form.get(field)
    if not text:
        return None
    try:
        end = _end(text)
    except ValueError:
        form.refuse(field, "Write the day as year-month-day, such as 2027-03-31.")
        return None
    if end <= datetime.now(UTC):
        form.refuse(field, "This day is over. Choose a later one, or none.")
        return None
    return end


def _end(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        exact = datetime.fromisoformat(text)
        if exact.tzinfo is None:
            raise
        return exact
    return datetime.combine(day, time(23, 59, 59), UTC)
