"""Settings from the environment and `.env`, checked as a whole before anything starts.

Every refusal is one line that names the setting and never repeats a value, which may be a secret.
"""

import difflib
import os
from collections.abc import Mapping
from email.headerregistry import Address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource

from infrastructure.settings_chain import ChainSettings, RemoteSignerSettings, read_chains, read_remote_signer
from infrastructure.settings_mail import SmtpServer, check_public_url, read_sender, read_smtp_url
from infrastructure.settings_rules import (
    SettingsError,
    as_user,
    check_database_url,
    check_secret,
    ensure_secret,
    is_pooled,
    is_sqlite,
)
from infrastructure.settings_stripe import check_stripe
from infrastructure.settings_tracing import ENDPOINT, TOKEN, destination

_PREFIX = "STOA_"
_SHORTEST_KEY = 16  # characters, in development too: less protects nothing
# Read by the launcher, the command line and the tests; known here so that they are not taken for misspelt settings.
_READ_ELSEWHERE = frozenset({"STOA_PYTHON", "STOA_MCP", "STOA_API_KEY", "STOA_ORGANIZATION", "STOA_TEST_CHAIN"})


_NAMED_BY_OTHERS = {"logfire_token": TOKEN, "otlp_endpoint": ENDPOINT}


class Settings(BaseModel):
    """What can be set from outside; `load_settings` makes one.

    An empty database URL stands for the embedded PostgreSQL and its roles. `relay_database_url` and
    `sealer_database_url` are filled whenever `database_url` is, and `migration_database_url` also for SQLite.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: str = Field(default="", repr=False)
    migration_database_url: str = Field(default="", repr=False)
    relay_database_url: str = Field(default="", repr=False)
    sealer_database_url: str = Field(default="", repr=False)
    pool_size: int = Field(default=10, ge=1, le=1000)
    data_dir: Annotated[Path, AfterValidator(lambda path: path.expanduser().resolve())] = Field(
        default=Path(".stoa"), validate_default=True
    )
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    worker_port: int = Field(default=0, ge=0, le=65535)
    drain_grace_seconds: float = Field(default=0, ge=0, le=60)
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    rate_limit_key: int = Field(default=500, ge=0, le=1_000_000)
    rate_limit_organization: int = Field(default=1000, ge=0, le=1_000_000)
    rate_limit_address: int = Field(default=100, ge=0, le=1_000_000)
    environment: Literal["development", "production"] = "development"
    key_pepper: SecretStr = SecretStr("")
    audit_seal_key: SecretStr = SecretStr("")
    events: Literal["log", "memory", "kafka"] = "log"
    kafka_bootstrap: str = ""
    payment_provider: Literal["sandbox", "stripe"] = "sandbox"
    stripe_api_key: SecretStr = SecretStr("")
    stripe_webhook_secret: SecretStr = SecretStr("")
    stripe_api_base: str = ""
    mail: Literal["", "file", "smtp"] = ""
    smtp_url: SecretStr = SecretStr("")
    mail_from: str = "Stoa <no-reply@localhost.localdomain>"
    public_url: str = ""
    chains: SecretStr = SecretStr("")  # addresses of endpoints hold keys
    wallet_key: SecretStr = SecretStr("")
    remote_signer_url: str = Field(default="", repr=False)
    remote_signer_token: SecretStr = SecretStr("")
    event_retention_days: int = Field(default=30, ge=1, le=3650)
    webhooks_allow_private: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    slow_seconds: float = Field(default=1.0, gt=0, le=3600, allow_inf_nan=False)
    logfire_token: SecretStr = SecretStr("")
    otlp_endpoint: str = ""

    @field_validator("environment", "events", "mail", "payment_provider", "log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    def pepper(self) -> bytes:
        """Return the key of the API keys' hashes; in development it is made in the data folder on first use.

        Raises:
            SettingsError: the data folder cannot be used.
        """
        return self._secret("key_pepper", self.key_pepper)

    def seal_key(self) -> bytes:
        """Return the key of the audit chain; in development it is made in the data folder on first use.

        Raises:
            SettingsError: the data folder cannot be used.
        """
        return self._secret("audit_seal_key", self.audit_seal_key)

    def mail_server(self) -> SmtpServer | None:
        """Return where mail is handed over, None when it becomes files in the data folder."""
        url = self.smtp_url.get_secret_value()
        return read_smtp_url("STOA_SMTP_URL", url) if self.mail == "smtp" else None

    def sender(self) -> Address:
        """Return who mail is from."""
        return read_sender("STOA_MAIL_FROM", self.mail_from)

    def links_url(self) -> str:
        """Return the address that links in mails begin with."""
        return self.public_url or f"http://{self.host}:{self.port}"

    def wallet_key_bytes(self) -> bytes:
        """Return the key of the wallets' keys; in development it is made in the data folder on first use.

        In production it is empty unless it is set, which chains demand: nothing is kept there then.

        Raises:
            SettingsError: the data folder cannot be used.
        """
        return b"" if self.is_production and not self.wallet_key else self._secret("wallet_key", self.wallet_key)

    def chain_settings(self) -> tuple[ChainSettings, ...]:
        """Return the chains that can be used."""
        return read_chains("STOA_CHAINS", self.chains.get_secret_value())

    def remote_signer(self) -> RemoteSignerSettings | None:
        """Return where keys are that we do not have."""
        return read_remote_signer(self.remote_signer_url, self.remote_signer_token.get_secret_value())

    def missing_secrets(self) -> list[str]:
        """Return the secrets that are neither set nor in the data folder, where the first start would make them."""
        given = {"key_pepper": self.key_pepper, "audit_seal_key": self.audit_seal_key}
        if self.chains:
            given["wallet_key"] = self.wallet_key
        return [name for name, secret in given.items() if not secret and not (self.data_dir / name).exists()]

    def _secret(self, name: str, given: SecretStr) -> bytes:
        return (given if given.get_secret_value() else ensure_secret(self.data_dir, name)).get_secret_value().encode()


def load_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Read and check the settings; without `env`, from the environment over `.env` in the working folder.

    An empty variable counts as not set.

    Raises:
        SettingsError: the first thing that is wrong.
    """
    variables = {name: value.strip() for name, value in (_environment() if env is None else env).items()}
    variables = {name: value for name, value in variables.items() if value}
    values = _known(variables)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise SettingsError(f"{_variable(str(first['loc'][0]))}: {first['msg']}") from None
    _check_events(settings)
    _check_mail(settings, sender_given="mail_from" in values)
    check_stripe(
        settings.stripe_api_key, settings.stripe_webhook_secret, settings.stripe_api_base,
        chosen=settings.payment_provider == "stripe", production=settings.is_production,
    )  # fmt: skip
    settings.chain_settings()
    settings.remote_signer()
    destination(settings)
    _check_databases(settings, variables.get("PGHOST", ""))
    if settings.is_production:
        _check_production(settings)
    for name, secret in (
        ("STOA_KEY_PEPPER", settings.key_pepper), ("STOA_AUDIT_SEAL_KEY", settings.audit_seal_key),
        ("STOA_WALLET_KEY", settings.wallet_key),
    ):  # fmt: skip
        if 0 < len(secret.get_secret_value()) < _SHORTEST_KEY:
            raise SettingsError(f"{name}: must have at least {_SHORTEST_KEY} characters")
    return _with_derived_urls(settings)


def _environment() -> Mapping[str, str]:
    try:
        file = DotEnvSettingsSource(
            BaseSettings, env_file=".env", env_file_encoding="utf-8", case_sensitive=True
        ).env_vars
    except (OSError, UnicodeError) as error:
        raise SettingsError(f".env: cannot be read ({type(error).__name__})") from None
    for name in _READ_ELSEWHERE & {name.upper() for name in file}:
        # Ignoring a key there would run the command as somebody else than was meant.
        raise SettingsError(f".env: {name} is read from the environment only")
    return {name: value for name, value in file.items() if value is not None} | dict(os.environ)


def _known(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the values by field name; a misspelt setting would otherwise be a silent default."""
    fields = {_variable(field): field for field in Settings.model_fields}
    for name in variables:
        if name.upper().startswith(_PREFIX) and name not in fields.keys() | _READ_ELSEWHERE:
            close = difflib.get_close_matches(name.upper(), fields, n=1)
            raise SettingsError(f"{name}: no such setting{f'; did you mean {close[0]}?' if close else ''}")
    return {fields[name]: value for name, value in variables.items() if name in fields}


def _variable(field: str) -> str:
    return _NAMED_BY_OTHERS.get(field) or _PREFIX + field.upper()


def _check_events(settings: Settings) -> None:
    if settings.events == "kafka" and not settings.kafka_bootstrap:
        raise SettingsError("STOA_KAFKA_BOOTSTRAP: required by STOA_EVENTS=kafka")
    if settings.events != "kafka" and settings.kafka_bootstrap:
        raise SettingsError(f"STOA_KAFKA_BOOTSTRAP: set, but STOA_EVENTS is {settings.events}; set it to kafka")


def _check_mail(settings: Settings, *, sender_given: bool) -> None:
    if settings.mail == "smtp":
        if not settings.smtp_url.get_secret_value():
            raise SettingsError("STOA_SMTP_URL: required by STOA_MAIL=smtp")
        if not sender_given:
            raise SettingsError("STOA_MAIL_FROM: required by STOA_MAIL=smtp")
        settings.mail_server()
    elif settings.smtp_url.get_secret_value():
        raise SettingsError("STOA_SMTP_URL: set, but STOA_MAIL is not smtp")
    settings.sender()
    if settings.public_url:
        check_public_url("STOA_PUBLIC_URL", settings.public_url, secure=settings.is_production)


def _check_databases(settings: Settings, default_host: str) -> None:
    if settings.database_url:
        check_database_url("STOA_DATABASE_URL", settings.database_url, default_host)
    for field in ("migration_database_url", "relay_database_url", "sealer_database_url"):
        if not (url := getattr(settings, field)):
            if is_pooled(settings.database_url) and field != "migration_database_url":
                raise SettingsError(f"{_variable(field)}: required when STOA_DATABASE_URL leads through a pooler")
            continue
        if not settings.database_url:
            raise SettingsError(f"{_variable(field)}: set, but STOA_DATABASE_URL is not")
        check_database_url(_variable(field), url, default_host)
        if is_pooled(url):
            raise SettingsError(f"{_variable(field)}: must name the server itself and no pooler")
        if is_sqlite(url) != is_sqlite(settings.database_url):
            raise SettingsError(f"{_variable(field)}: names another kind of database than STOA_DATABASE_URL")


def _check_production(settings: Settings) -> None:
    """Refuse everything that is convenient in development and dangerous with other people's money."""
    if not settings.database_url:
        raise SettingsError("STOA_DATABASE_URL: required in production; the embedded database is for development")
    check_secret("STOA_KEY_PEPPER", settings.key_pepper)
    check_secret("STOA_AUDIT_SEAL_KEY", settings.audit_seal_key)
    if settings.key_pepper == settings.audit_seal_key:
        raise SettingsError("STOA_AUDIT_SEAL_KEY: must differ from STOA_KEY_PEPPER")
    if settings.chains or settings.wallet_key:
        check_secret("STOA_WALLET_KEY", settings.wallet_key)
        if settings.wallet_key in (settings.key_pepper, settings.audit_seal_key):
            raise SettingsError("STOA_WALLET_KEY: must differ from STOA_KEY_PEPPER and STOA_AUDIT_SEAL_KEY")
    if not settings.mail:
        raise SettingsError("STOA_MAIL: required in production; smtp, or file if somebody collects the files")
    if not settings.public_url:
        raise SettingsError("STOA_PUBLIC_URL: required in production; links in mails begin with it")
    if settings.webhooks_allow_private:
        raise SettingsError("STOA_WEBHOOKS_ALLOW_PRIVATE: lets webhooks reach this machine and is for development")
    if settings.events == "memory":
        raise SettingsError("STOA_EVENTS: memory forgets events and is for development; choose log or kafka")


def _with_derived_urls(settings: Settings) -> Settings:
    if not (url := settings.database_url):
        return settings
    return settings.model_copy(
        update={
            "migration_database_url": settings.migration_database_url or (url if is_sqlite(url) else ""),
            "relay_database_url": settings.relay_database_url or as_user(url, "stoa_relay"),
            "sealer_database_url": settings.sealer_database_url or as_user(url, "stoa_sealer"),
        }
    )
