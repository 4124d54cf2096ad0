"""The deny-list hides secrets by name and by shape, and leaves everything else alone."""

import time
from datetime import UTC, datetime
from uuid import UUID

import pytest
from pydantic import SecretStr

from infrastructure.security.opaque_tokens import APIKeys
from infrastructure.security.redaction import DENIED_NAMES, REDACTED, is_denied, redact, redact_fact, redact_text

KEY = APIKeys(b"p" * 32).issue().secret


@pytest.mark.parametrize("name", sorted(DENIED_NAMES))
def test_every_name_of_the_list_is_hidden(name: str) -> None:
    """In snake case, in capitals, in headers, and at the end of a longer name."""
    for spelling in (name, name.upper(), name.replace("_", "-"), f"old_{name}", f"X-{name.replace('_', '-').title()}"):
        assert redact({spelling: "hunter2"}) == {spelling: REDACTED}


@pytest.mark.parametrize(
    "name", ["apiKey", "APIKey", "clientSecret", "HTTPAuthorization", "cardNumber", "CVV2", "userPIN"]
)
def test_camel_case_is_understood(name: str) -> None:
    """Other people's names are not written like ours."""
    assert is_denied(name)


@pytest.mark.parametrize(
    "name",
    [
        "api_key_id",
        "idempotency_key",
        "token_count",
        "hashtag",
        "company",
        "pan_european",
        "secretary",
        "spin",
        "transaction_hash",
    ],
)
def test_names_that_only_resemble_secrets_are_shown(name: str) -> None:
    """Whole words are compared, and only the last ones."""
    assert redact({name: "value"}) == {name: "value"}


def test_nested_values_are_searched() -> None:
    """Secrets hide in lists of objects of objects."""
    hidden = redact({"orders": [{"payer": {"provider_token": "tok_1", "name": "Ada"}}, ({"cvv": 123},)]})
    assert hidden == {"orders": [{"payer": {"provider_token": REDACTED, "name": "Ada"}}, [{"cvv": REDACTED}]]}


def test_plain_values_keep_their_types() -> None:
    """Redaction copies; it does not stringify what is harmless, nor hide that a secret is absent."""
    values = {"n": 5, "x": 1.5, "ok": True, "id": UUID(int=1), "at": datetime(2026, 1, 1, tzinfo=UTC), "none": None}
    assert redact(values | {"password": None, "has_password": True}) == values | {
        "password": None,
        "has_password": True,
    }


def test_unknown_objects_become_redacted_text() -> None:
    """An object's representation may hold anything."""

    class Holder:
        def __repr__(self) -> str:
            return f"<Holder {KEY}>"

    assert redact({"holder": Holder(), "raw": b"secret", "wrapped": SecretStr("hunter2")}) == {
        "holder": f"<Holder {REDACTED}>",
        "raw": "<6 bytes>",
        "wrapped": "SecretStr('**********')",
    }


def test_a_structure_that_contains_itself_ends() -> None:
    """Depth is limited."""
    loop: dict[str, object] = {}
    loop["self"] = loop
    assert "[too deep]" in str(redact(loop))


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        pytest.param(f"key {KEY} was refused", KEY, id="a key"),
        ("signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9"),
        ("connecting to postgresql://stoa_app:hunter2@db.example/stoa", "hunter2"),
        ("connecting to postgresql://stoa_app:hun@ter/2@db.example/stoa", "ter"),
        ("redis://:hunter2@cache", "hunter2"),
        ("Authorization: Bearer abcdefgh12345678", "abcdefgh"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJzdWI"),
        ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----", "MHcC"),
        ("password=hunter2 host=db", "hunter2"),
        ('{"client_secret": "hun ter 2"}', "ter"),
        ("{'pepper': 'hunter2'}", "hunter2"),
        ("password_hash='$argon2id$v=19$m=19456", "argon2id"),
    ],
)
def test_secrets_in_text_are_hidden(text: str, secret: str) -> None:
    """A secret that strayed into a message is recognised by its shape."""
    assert secret not in redact_text(text)
    assert REDACTED in redact_text(text)


@pytest.mark.parametrize(
    "number",
    [
        "4242424242424242",
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "378282246310005",
        "3782 822463 10005",
        "5555555555554444",
        "6011111111111117",
        "4222222222222",
    ],
)
def test_card_numbers_in_text_are_hidden(number: str) -> None:
    """With or without separators, and whatever digits stand beside them."""
    assert redact_text(f"card {number}, thanks") == f"card {REDACTED}, thanks"
    assert redact_text(f"order 12345 {number} 999") == f"order 12345 {REDACTED} 999"


def test_a_card_number_sent_as_a_number_is_hidden() -> None:
    """JSON has numbers too."""
    assert redact({"note": 4242424242424242}) == {"note": REDACTED}


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",
        "1763700000000000",
        "cus_01m7xqdwdxecebcwzk30ktqpss",
        "0190c2f0-1234-7abc-8def-424242424242",
        "total 42424242424242424242424242",
        "max_tokens=5, token: expected a string",
        "http://localhost:8000/v1 mailed to ada@example.com",
        "postgresql://stoa_app@/stoa?host=/tmp/x",
        "O'Brien; select 1 = 1; drop table",
    ],
)
def test_harmless_text_is_left_alone(text: str) -> None:
    """Wrong check digits, times, ids, prose and URLs without passwords are shown."""
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "piece", ["1 ", "111 ", "4", "a=", 'a="', "://a:", "eyJ", "stoa_sk_", "password", "Bearer ", "-----BEGIN "]
)
def test_hostile_text_takes_no_quadratic_time(piece: str) -> None:
    """A long line cannot stop the process that logs it."""
    start = time.process_time()
    redact_text(piece * (20_000 // len(piece)))
    assert time.process_time() - start < 0.5


def test_what_a_chain_shows_to_everybody_is_told_in_facts() -> None:
    """A token's contract and a transaction's hash are no secrets; what else has such a name still is."""
    contract, made = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "0x" + "9a" * 32
    shown = {"token": contract, "transaction_hash": made, "hash": made, "token_amount": "12500000"}
    assert redact_fact(shown) == shown
    hidden = {"token": made, "hash": contract, "session_token": "stoa_ses_1", "private_key": made, "secret": contract}
    assert set(redact_fact(hidden).values()) == {REDACTED}
