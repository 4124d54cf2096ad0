"""Rules for the settings of mail: where it is handed over, from whom it is, and where its links lead."""

from dataclasses import dataclass, field
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from domain.shared.text import InvalidEmail, check_email
from infrastructure.settings_rules import SettingsError

_DEFAULT_PORTS = {"smtp": 587, "smtps": 465}

type Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server, how the connection to it is protected, and who we are to it."""

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def read_smtp_url(name: str, url: str) -> SmtpServer:
    """Read ``smtp://user:password@host:587`` (STARTTLS, always) or ``smtps://…:465`` (TLS from the first byte).

    ``?tls=none`` is for a server on this machine, as the ones are that catch mail in development.

    Args:
        name: of the setting, for the message.
        url: what the setting says.

    Raises:
        SettingsError: the URL is malformed, or would send secrets over a plain connection to another machine.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SettingsError(f"{name}: not a valid URL") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise SettingsError(f"{name}: must start with smtp:// or smtps:// and name a host")
    if parts.path.strip("/") or parts.fragment or "@" in parts.query:
        raise SettingsError(f"{name}: the characters @ / ? # in a password must be percent-encoded")
    if (parts.username is None) != (parts.password is None):
        raise SettingsError(f"{name}: a user name and a password come together")
    query = parse_qs(parts.query, keep_blank_values=True)
    if query not in ({}, {"tls": ["none"]}):
        raise SettingsError(f"{name}: knows no parameter but tls=none")
    if query and (parts.scheme != "smtp" or not is_this_machine(parts.hostname)):
        raise SettingsError(f"{name}: tls=none is for a server on this machine")
    security: Security = "none" if query else "tls" if parts.scheme == "smtps" else "starttls"
    return SmtpServer(
        parts.hostname, port or _DEFAULT_PORTS[parts.scheme], security,
        None if parts.username is None else unquote(parts.username),
        None if parts.password is None else unquote(parts.password),
    )  # fmt: skip


def read_sender(name: str, value: str) -> Address:
    """Read ``no-reply@shop.example`` or ``Shop <no-reply@shop.example>``.

    Raises:
        SettingsError: it is no address.
    """
    shown, address = parseaddr(value)
    try:
        return Address(display_name=shown, addr_spec=check_email(address))
    except (InvalidEmail, ValueError):
        raise SettingsError(f"{name}: must be an address such as no-reply@example.org") from None


def check_public_url(name: str, url: str, *, secure: bool) -> None:
    """Accept an address that links can be made from; ``secure`` demands https.

    Raises:
        SettingsError: it is none.
    """
    try:
        parts = urlsplit(url)
        port_is_good = parts.port != 0
    except ValueError:
        raise SettingsError(f"{name}: not a valid URL") from None
    plain = parts.username is None and not parts.query and not parts.fragment and "#" not in url and "?" not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or not port_is_good:
        raise SettingsError(f"{name}: must be https://host, with a path at most")
    if secure and parts.scheme != "https" and not is_this_machine(parts.hostname):
        raise SettingsError(f"{name}: must start with https://, for mails carry secrets there")


def is_this_machine(host: str) -> bool:
    """Say whether a host is the machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
