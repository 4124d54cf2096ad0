"""Secrets are kept so that only the delivery worker can sign, and signatures are the standard's."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from domain.shared.ids import WebhookEndpointId
from infrastructure.webhooks.secrets import SecretUnreadable, WebhookSecrets
from infrastructure.webhooks.signing import signed_headers

SECRETS = WebhookSecrets(b"pepper-for-tests-only-0123456789")


def endpoint() -> WebhookEndpointId:
    return WebhookEndpointId(uuid4())


def test_a_secret_opens_for_its_own_endpoint_and_pepper_only() -> None:
    """Neither another row's id nor another pepper opens it, nor does a changed character."""
    mine = endpoint()
    issued = SECRETS.issue(mine)
    assert len(SECRETS.open(mine, issued.sealed)) == 32
    changed = issued.sealed[:-6] + ("A" if issued.sealed[-6] != "A" else "B") + issued.sealed[-5:]
    for secrets, id_, sealed in (
        (SECRETS, endpoint(), issued.sealed),
        (WebhookSecrets(b"another-pepper-for-tests-01234567"), mine, issued.sealed),
        (SECRETS, mine, changed),
        (SECRETS, mine, ""),
        (SECRETS, mine, "v1.?"),
    ):
        with pytest.raises(SecretUnreadable):
            secrets.open(id_, sealed)


def test_no_two_secrets_are_alike_and_none_shows_itself() -> None:
    """256 random bits, sealed under a nonce of their own; repr shows neither form."""
    mine = endpoint()
    issued = [SECRETS.issue(mine) for _ in range(100)]
    assert len({each.plain for each in issued} | {each.sealed for each in issued}) == 200
    assert all(each.plain.startswith("whsec_") and each.plain not in repr(each) for each in issued)
    assert all(each.plain.removeprefix("whsec_") not in each.sealed for each in issued)


@given(body=st.text().map(str.encode), id_=st.uuids().map(lambda each: f"evt_{each.hex}"))
def test_signatures_are_those_of_the_reference_library(body: bytes, id_: str) -> None:
    """Byte for byte what its own signer makes, and each of several keys verifies."""
    now, ids = datetime.now(UTC), [endpoint(), endpoint()]
    issued = [SECRETS.issue(each) for each in ids]
    keys = [SECRETS.open(each, secret.sealed) for each, secret in zip(ids, issued, strict=True)]
    headers = signed_headers(id_, int(now.timestamp()), body, keys)
    expected = [Webhook(secret.plain).sign(id_, now, body.decode()) for secret in issued]
    assert headers["webhook-signature"].split(" ") == expected
    for secret in issued:
        Webhook(secret.plain).verify(body, headers, json_parse=False)
