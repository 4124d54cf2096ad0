"""How the driver reaches PostgreSQL: it reads the URL itself, with every parameter that libpq knows.

A URL with ``statement_cache_size=0`` leads to a pooler in transaction mode, which lends a session of the server for a
transaction: a statement that was prepared in one is unknown to the next.
"""

from collections.abc import Mapping

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from infrastructure.settings_rules import is_pooled, without_pooled


def postgres_engine(url: str, arguments: Mapping[str, object] | None = None, **options: object) -> AsyncEngine:
    """Return an engine without a pool; ``arguments`` are the driver's own, ``options`` SQLAlchemy's."""
    connect_args: dict[str, object] = {**(arguments or {}), "dsn": without_pooled(url)}
    if is_pooled(url):
        # Without a name the driver prepares a statement again with every execution, in one message.
        connect_args |= {
            "statement_cache_size": 0, "prepared_statement_cache_size": 0, "prepared_statement_name_func": str,
        }  # fmt: skip
    return create_async_engine(
        "postgresql+asyncpg://", hide_parameters=True, poolclass=NullPool, connect_args=connect_args, **options
    )


def administrator_engine(url: str) -> AsyncEngine:
    """Return an engine for either kind of database, for whoever changes the schema."""
    if url.startswith("sqlite"):
        sqlite = make_url(url).set(drivername="sqlite+aiosqlite")
        return create_async_engine(sqlite, poolclass=NullPool, hide_parameters=True)
    return postgres_engine(url)
