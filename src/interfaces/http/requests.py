"""Reading a request: headers once, the query strictly, the body never beyond what it may be."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.datastructures import URL
from starlette.types import Receive, Scope

from domain.shared.errors import MalformedInput, Unauthenticated
from domain.shared.ids import InvalidId, OrganizationId, decode_id
from interfaces.http.errors import MediaTypeUnsupported
from interfaces.schema.json_text import decode_json

PAYMENT = b"payment-signature"
"""The header in which x402 has a payment."""

_ORGANIZATION = b"stoa-organization"
_READ = frozenset(
    {
        *(b"authorization", b"content-encoding", b"content-type", b"idempotency-key", b"if-match"),
        *(_ORGANIZATION, PAYMENT),
    }
)
_JSON = re.compile(r'application/json[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?', re.IGNORECASE)
_TOKEN = re.compile(r"[\x21-\x7e]{1,512}")
_VERSION = re.compile(r'"([1-9][0-9]{0,17})"')
_LAST_VERSION = 2**31 - 1
"""No resource is changed so often: whoever expects it is always out of date."""
_ENTITY_TAGS = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"(?:[ \t]*,[ \t]*(?:W/)?"[\x21\x23-\x7e]*")*')
_MAX_PARAMETERS = 200
MAX_QUERY = 16 * 1024


class ClientGone(Exception):
    """The client left before its request was complete, so there is nothing to do and nobody to tell."""


class HeaderMalformed(MalformedInput):
    """A header is repeated, or is not what its name says."""

    code = "header_malformed"
    summary = "A header is malformed or repeated."


class QueryMalformed(MalformedInput):
    """The query is not UTF-8, too long, or has too many parameters."""

    code = "query_malformed"
    summary = "The query could not be read."


def read_headers(scope: Scope) -> dict[bytes, str]:
    """Return the headers that mean something to Stoa.

    Raises:
        HeaderMalformed: one of them is repeated, so that which one counts would be a guess.
    """
    found: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            if name in found:
                raise HeaderMalformed(header=name.decode())
            found[name] = value.decode("latin-1")
    return found


def resource_of(scope: Scope) -> str:
    """Return the address that was asked for, without its query."""
    return str(URL(scope=scope).replace(query=""))


def bearer_token(headers: Mapping[bytes, str]) -> str | None:
    """Return the caller's token, or None when no credentials were sent.

    Raises:
        Unauthenticated: the credentials are no bearer token.
    """
    authorization = headers.get(b"authorization")
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    token = token.strip(" ")
    if scheme.lower() != "bearer" or _TOKEN.fullmatch(token) is None:
        raise Unauthenticated
    return token


def named_organization(headers: Mapping[bytes, str]) -> OrganizationId | None:
    """Return the organization that ``Stoa-Organization`` names, or None without that header.

    Raises:
        HeaderMalformed: it is no organization's id.
    """
    given = headers.get(_ORGANIZATION)
    if given is None:
        return None
    try:
        return OrganizationId(decode_id("org", given.strip(" \t")))
    except InvalidId:
        raise HeaderMalformed(header=_ORGANIZATION.decode()) from None


def expected_version(headers: Mapping[bytes, str]) -> int | None:
    """Return the version that ``If-Match`` names; ``*`` and no header at all name none.

    Entity tags that are not one strong tag of ours name a version that nothing has, so that everything else about the
    request is judged before.

    Raises:
        HeaderMalformed: these are no entity tags.
    """
    if_match = headers.get(b"if-match", "*").strip(" \t")
    if if_match == "*":
        return None
    version = _VERSION.fullmatch(if_match)
    if version is not None:
        return min(int(version[1]), _LAST_VERSION)
    if _ENTITY_TAGS.fullmatch(if_match) is None:
        raise HeaderMalformed(header="if-match")
    return _LAST_VERSION


def read_query(scope: Scope) -> dict[str, str | list[str]]:
    """Return the parameters of the query; repeated ones as lists.

    Raises:
        QueryMalformed: it is not UTF-8 once decoded, too long, or has too many parameters.
    """
    raw: bytes = scope["query_string"]
    if not raw:
        return {}
    if len(raw) > MAX_QUERY:
        raise QueryMalformed
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise QueryMalformed from None
    values: dict[str, str | list[str]] = {}
    for name, value in pairs:
        present = values.get(name)
        if present is None:
            values[name] = value
        elif isinstance(present, list):
            present.append(value)
        else:
            values[name] = [present, value]
    return values


async def read_json(headers: Mapping[bytes, str], receive: Receive) -> object:
    """Return the body's value; no body at all is an empty object.

    Raises:
        MediaTypeUnsupported: there is a body, and it is not declared as JSON.
        MalformedJson: the body is not JSON.
        ClientGone: the client left.
    """
    body = await _read_body(receive)
    if not body:
        return {}
    encoding = headers.get(b"content-encoding", "identity").strip().lower()
    if encoding != "identity" or _JSON.fullmatch(headers.get(b"content-type", "").strip()) is None:
        raise MediaTypeUnsupported
    return decode_json(body)


async def _read_body(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
