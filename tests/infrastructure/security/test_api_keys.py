"""API keys: made, recognised, and refused by their looks."""

import hashlib
import hmac
import re
from collections.abc import Callable

import pytest

from infrastructure.security.opaque_tokens import APIKeys

PEPPER = b"p" * 32


def test_a_key_has_the_documented_shape() -> None:
    """47 characters: a prefix that scanners know, 33 random ones, 6 of checksum."""
    key = APIKeys(PEPPER).issue()
    assert re.fullmatch("stoa_sk_[0-9A-Za-z]{39}", key.secret)
    assert len(key.secret) == 47
    assert key.secret.startswith(key.prefix)
    assert key.secret.endswith(key.last_four)
    assert len(key.prefix) + len(key.last_four) < 20


def test_keys_never_repeat() -> None:
    """A thousand keys are a thousand different ones."""
    keys = APIKeys(PEPPER)
    assert len({keys.issue().secret for _ in range(1_000)}) == 1_000


def test_what_is_stored_is_a_keyed_hash_of_the_whole_key() -> None:
    """The digest of a key is what its issue said would be stored, and depends on the pepper."""
    key = APIKeys(PEPPER).issue()
    assert APIKeys(PEPPER).digest(key.secret) == key.hash
    assert key.hash == hmac.new(PEPPER, key.secret.encode(), hashlib.sha256).hexdigest()
    assert APIKeys(b"q" * 32).digest(key.secret) != key.hash


def test_every_single_typo_is_found_without_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed character breaks the checksum, so nothing is hashed and nothing is looked up."""
    keys = APIKeys(PEPPER)
    secret = keys.issue().secret
    monkeypatch.setattr(APIKeys, "_hash", lambda *_: pytest.fail("hashed"))
    for place in range(8, len(secret)):
        typo = secret[:place] + ("a" if secret[place] != "a" else "b") + secret[place + 1 :]
        assert keys.digest(typo) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda key: "",
        lambda key: key[:-1],
        lambda key: key + "a",
        lambda key: key + "\n",
        lambda key: " " + key,
        lambda key: key.upper(),
        lambda key: key.replace("stoa_sk_", "stoa_pk_"),
        lambda key: key[:-1] + "é",
        lambda key: key[:-1] + "\ud800",
        lambda key: key[:-1] + "\0",
        lambda key: "x" * 1_000_000,
    ],
)
def test_what_does_not_look_like_a_key_is_none(change: Callable[[str], str]) -> None:
    """Nonsense of any kind is no key and no error."""
    keys = APIKeys(PEPPER)
    assert keys.digest(change(keys.issue().secret)) is None


def test_a_short_pepper_is_refused() -> None:
    """An empty pepper would make the keyed hash a plain one."""
    with pytest.raises(ValueError, match="pepper"):
        APIKeys(b"short")
