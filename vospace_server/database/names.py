"""The names of a path, handed to a recursive query as one parameter."""

import json
from typing import Any, Final

from sqlalchemy import ARRAY, BindParameter, ColumnElement, Text, bindparam, cast
from sqlalchemy.dialects.postgresql import dialect as postgres_dialect
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

_POSTGRES: Final = postgres_dialect.name


class NameList(TypeDecorator[tuple[str, ...]]):
    """A tuple of names: an array for PostgreSQL, JSON text for SQLite."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == _POSTGRES else Text())

    @override
    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> Any:
        names = value or ()
        if dialect.name == _POSTGRES:
            return list(names)
        return json.dumps(names, ensure_ascii=False)


class name_at(FunctionElement[str]):  # noqa: N801 - spelt like the SQL function it stands for
    """`name_at(names, n)`: the n-th name, counted from 0; NULL behind the last."""

    type: TypeEngine[str] = Text()
    inherit_cache: bool | None = True


@compiles(name_at, "sqlite")
def _name_at_sqlite(element: name_at, compiler: SQLCompiler, **options: Any) -> str:
    names, position = (compiler.process(each, **options) for each in element.clauses)
    return f"json_extract({names}, '$[' || {position} || ']')"


@compiles(name_at, "postgresql")
def _name_at_postgres(element: name_at, compiler: SQLCompiler, **options: Any) -> str:
    names, position = (compiler.process(each, **options) for each in element.clauses)
    return f"({names})[{position} + 1]"


def names_parameter() -> ColumnElement[Any]:
    """The bound parameter `names`."""
    parameter: BindParameter[tuple[str, ...]] = bindparam("names", type_=NameList())
    return cast(parameter, NameList())
