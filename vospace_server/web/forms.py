"""Forms: what was typed, what is wrong with it, and where to say so."""

from collections.abc import Iterable
from typing import Final

from starlette.requests import Request

from vospace_model.faults import InvalidArgument
from vospace_server.http.parameters import Parameters, form_parameters, is_form

CSRF_FIELD: Final = "csrf_token"


class Form:
    """The fields of one form, and one sentence for each that is wrong.

    A page shows it again with `values` in its fields and `errors` beside them. What belongs to
    no field stands under the name "".
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = Parameters(pairs)
        self.errors: dict[str, str] = {}

    @classmethod
    def filled(cls, **values: str) -> "Form":
        """A form that nobody has sent yet, with what its fields hold at first."""
        return cls(values.items())

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All fields in their order."""
        return list(self._fields.pairs)

    def get(self, name: str) -> str:
        """What was typed, without space around it; empty when the field is missing."""
        return self.exact(name).strip()

    def exact(self, name: str) -> str:
        """What was typed, to the last space: passwords."""
        values = self._fields.all(name)
        return values[-1] if values else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field that may be repeated."""
        return self._fields.all(name)

    def has(self, name: str) -> bool:
        """Whether a box is ticked or a button was used."""
        return bool(self._fields.all(name))

    def require(self, name: str, sentence: str) -> str:
        """The value of a field that must be filled in; notes the sentence when it is not."""
        value = self.get(name)
        if not value:
            self.refuse(name, sentence)
        return value

    def refuse(self, name: str, sentence: str) -> None:
        """Notes what is wrong with a field; the first complaint about it stays."""
        self.errors.setdefault(name, sentence)

    @property
    def is_valid(self) -> bool:
        """Whether nothing has been found wrong."""
        return not self.errors


async def read_form(request: Request) -> Form:
    """The fields of the body; a JSON or empty body has none.

    Raises InvalidArgument for a form with files, which no page that asks for it has.
    """
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise InvalidArgument("this page takes no files")
    if not is_form(request):
        return Form()
    parameters = await form_parameters(request)
    return Form(parameters.pairs)
