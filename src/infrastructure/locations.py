"""Where the database is: the embedded PostgreSQL, or the one the settings name."""

from dataclasses import dataclass

from infrastructure.persistence.embedded import EmbeddedPostgres
from infrastructure.persistence.tenancy import APP, RELAY, SEALER
from infrastructure.settings import Settings

DATABASE_NAME = "stoa"


@dataclass(frozen=True, slots=True)
class Locations:
    """The database as each role reaches it; ``migration`` belongs to whoever may change the schema."""

    app: str
    relay: str
    sealer: str
    migration: str


def embedded(settings: Settings) -> EmbeddedPostgres | None:
    """Return the embedded server's manager, or None when the settings name a database."""
    return None if settings.database_url else EmbeddedPostgres(settings.data_dir)


def locate(settings: Settings) -> Locations:
    """Return the URLs, starting the embedded server when it is the one.

    Raises:
        EmbeddedPostgresError: it cannot be started.
    """
    server = embedded(settings)
    if server is None:
        return Locations(
            settings.database_url,
            settings.relay_database_url,
            settings.sealer_database_url,
            settings.migration_database_url,
        )
    server.start()
    server.ensure_database(DATABASE_NAME)
    url = server.url
    return Locations(
        url(DATABASE_NAME, APP), url(DATABASE_NAME, RELAY), url(DATABASE_NAME, SEALER), url(DATABASE_NAME, "postgres")
    )
