"""Checking the address of an endpoint by its looks, before anything is resolved or connected."""

import re
from urllib.parse import SplitResult, urlsplit

from application.webhooks.ports import IWebhookTargets
from domain.webhooks.webhook_endpoint import InvalidWebhookUrl
from infrastructure.webhooks.addresses import Address, is_loopback, is_public, read_address

PORTS = frozenset({443, 8443})
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,2000}")
_NAME = re.compile(r"(?=.{1,253}\.?$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])\.?")
_OURS = ("localhost", "localhost.localdomain")


class WebhookTargets(IWebhookTargets):
    """https on port 443 or 8443 to a name or a public address.

    In development ``allow_private`` also lets this machine itself be called, by http and on any port.
    """

    def __init__(self, *, allow_private: bool = False) -> None:
        """Remember what is allowed."""
        self._allow_private = allow_private

    def check(self, url: str) -> str:
        if _PRINTABLE.fullmatch(url) is None or "\\" in url:
            raise _refused("characters")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise _refused("malformed") from None
        if parts.username is not None or parts.password is not None or "@" in parts.netloc:
            raise _refused("credentials")
        if parts.fragment or "#" in url:
            raise _refused("fragment")
        host = parts.hostname or ""
        local = self._allow_private and self._is_local(host)
        self._check_way(parts, port, local=local)
        self.check_host(host)
        shown = f"[{host}]" if ":" in host else host
        netloc = shown if port is None else f"{shown}:{port}"
        return parts._replace(scheme=parts.scheme.lower(), netloc=netloc, path=parts.path or "/").geturl()

    def check_port(self, address: Address, port: int) -> None:
        """Refuse a port that is not open to webhooks at this address.

        Raises:
            InvalidWebhookUrl: it is not.
        """
        if port not in PORTS and not (self._allow_private and is_loopback(address)):
            raise _refused("port")

    def check_address(self, address: Address) -> None:
        """Refuse an address that is not public.

        Raises:
            InvalidWebhookUrl: it is not.
        """
        if not is_public(address) and not (self._allow_private and is_loopback(address)):
            raise _refused("private_address")

    def check_host(self, host: str) -> None:
        """Refuse what is neither a public address nor a name in ASCII with a dot; numbers in disguise are neither.

        Raises:
            InvalidWebhookUrl: it is refused.
        """
        address = read_address(host)
        if address is not None:
            self.check_address(address)
        elif not (self._allow_private and self._is_local(host)) and (
            _NAME.fullmatch(host) is None or host.rstrip(".").endswith(_OURS)
        ):
            raise _refused("host")

    @staticmethod
    def _is_local(host: str) -> bool:
        address = read_address(host)
        return host == "localhost" if address is None else is_loopback(address)

    @staticmethod
    def _check_way(parts: SplitResult, port: int | None, *, local: bool) -> None:
        if parts.scheme.lower() != "https" and not (local and parts.scheme.lower() == "http"):
            raise _refused("scheme")
        if port is not None and port not in PORTS and not local:
            raise _refused("port")


def _refused(reason: str) -> InvalidWebhookUrl:
    return InvalidWebhookUrl(path="url", reason=reason)
