"""Rules for the settings of chains: their endpoints, the key of the keystore, and the remote signer."""

import json
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from domain.shared.evm_types import MAX_CHAIN_ID
from infrastructure.settings_rules import SettingsError

_FIELDS = frozenset({"rpc", "confirmations"})
_MOST_ENDPOINTS = 8
_MOST_CONFIRMATIONS = 10_000
_CONFIRMATIONS = 12
_SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSettings:
    """One chain: where it is asked, and how many blocks make a transaction final there."""

    chain_id: int
    # Providers write their keys into the path.
    endpoints: tuple[str, ...] = field(repr=False)
    confirmations: int = _CONFIRMATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSignerSettings:
    """Where somebody else signs for us, and how we show who we are."""

    url: str = field(repr=False)
    token: str = field(repr=False)


def read_chains(name: str, text: str) -> tuple[ChainSettings, ...]:
    """Read ``{"8453": {"rpc": ["https://…"], "confirmations": 12}}``, the confirmations being optional.

    Raises:
        SettingsError: it is anything else, or would ask an endpoint over a connection that anybody can change.
    """
    try:
        chains = json.loads(text, object_pairs_hook=_once) if text else {}
    except (ValueError, RecursionError):
        raise SettingsError(f"{name}: must be JSON, each chain once") from None
    if not isinstance(chains, dict):
        raise SettingsError(f'{name}: must be an object like {{"8453": {{"rpc": ["https://…"]}}}}')
    return tuple(sorted((_chain(name, key, value) for key, value in chains.items()), key=lambda each: each.chain_id))


def read_remote_signer(url: str, token: str) -> RemoteSignerSettings | None:
    """Read where the remote signer is; None when there is none.

    Raises:
        SettingsError: one of the two is missing or unfit.
    """
    if not url and not token:
        return None
    if not url:
        raise SettingsError("STOA_REMOTE_SIGNER_TOKEN: set, but STOA_REMOTE_SIGNER_URL is not")
    check_endpoint("STOA_REMOTE_SIGNER_URL", url)
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError(
            f"STOA_REMOTE_SIGNER_TOKEN: must have at least {_SHORTEST_TOKEN} characters, without blanks"
        )
    return RemoteSignerSettings(url=url, token=token)


def check_endpoint(name: str, url: str) -> None:
    """Accept https, and http on this machine.

    Raises:
        SettingsError: it is anything else; the address is not repeated.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise SettingsError(f"{name}: not a valid URL") from None
    if not host or any(character.isspace() for character in url):
        raise SettingsError(f"{name}: not a valid URL")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_local(host)):
        raise SettingsError(f"{name}: must be https:// (http:// on this machine only)")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _chain(name: str, key: str, value: object) -> ChainSettings:
    # Digits alone: int() would take blanks, signs and underscores as well.
    if not (key.isascii() and key.isdigit() and key[0] != "0" and len(key) <= 16 and int(key) <= MAX_CHAIN_ID):
        raise SettingsError(f"{name}: every key must be a chain id, a whole number")
    if not isinstance(value, dict) or not value.keys() <= _FIELDS:
        raise SettingsError(f"{name}: chain {key} must have rpc, and may have confirmations")
    endpoints, confirmations = value.get("rpc"), value.get("confirmations", _CONFIRMATIONS)
    if not isinstance(endpoints, list) or not 1 <= len(endpoints) <= _MOST_ENDPOINTS:
        raise SettingsError(f"{name}: chain {key} must have 1 to {_MOST_ENDPOINTS} addresses in rpc")
    for endpoint in endpoints:
        if not isinstance(endpoint, str):
            raise SettingsError(f"{name}: chain {key} must have addresses as text in rpc")
        check_endpoint(f"{name}: chain {key}", endpoint)
    if len(set(endpoints)) != len(endpoints):
        raise SettingsError(f"{name}: chain {key} names an address twice")
    if type(confirmations) is not int or not 1 <= confirmations <= _MOST_CONFIRMATIONS:
        raise SettingsError(f"{name}: chain {key} must have 1 to {_MOST_CONFIRMATIONS} confirmations")
    return ChainSettings(chain_id=int(key), endpoints=tuple(endpoints), confirmations=confirmations)


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
