"""Nothing that is committed is a secret, or looks so much like one that a scanner would find it."""

import re
import subprocess
from pathlib import Path

import pytest

from infrastructure.security.opaque_tokens import APIKeys, SessionTokens, SingleUseTokens

ROOT = Path(__file__).parent.parent
PATTERNS = {
    "a private key": r"-----BEGIN (?:RSA |EC |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY",
    "a key of AWS": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a key of Stripe": r"\b(?:sk|rk)_live_[0-9A-Za-z]{10,}",
    "a token of GitHub": r"\bgh[pousr]_[0-9A-Za-z]{36}\b|\bgithub_pat_[0-9A-Za-z_]{40,}",
    "a token of Slack": r"\bxox[abprs]-[0-9A-Za-z-]{10,}",
    "a key of Google": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "a token of a package registry": r"\b(?:pypi-AgEI|npm_)[0-9A-Za-z_-]{36,}",
    "a JSON Web Token": r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}",
    "a URL with a password": r"\b[a-z][a-z0-9+]*://[^\s/:@\"'{<]+:(?!\*|pw|secret|password|x@)[^\s/:@\"'{<]{12,}@",
}
OURS = re.compile(r"stoa_(?:sk|ses|tok)_[0-9A-Za-z]{39}")
KNOWN = {
    "tests/contracts/test_secrets.py": "The first line of a private key, to be looked for in logs.",
    "tests/infrastructure/payments/test_stripe_settings.py": "A live key that Stripe never issued, to be refused.",
    "tests/infrastructure/security/test_redaction.py": "The first line of a private key, to be hidden.",
}
"""Files that hold what looks like one, on purpose."""


def committed() -> list[Path]:
    """Return every committed file that is text."""
    if not (ROOT / ".git").exists():
        pytest.skip("an unpacked archive has no committed files")
    command = ["git", "-c", "safe.directory=*", "grep", "--cached", "-I", "--name-only", "-e", ""]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for line in done.stdout.splitlines() if (path := ROOT / line).is_file()]


def secrets_in(text: str) -> list[str]:
    """Return what a text holds, by kind; of keys of ours those whose checksum is right, for others are examples."""
    found = [kind for kind, pattern in PATTERNS.items() if re.search(pattern, text)]
    kinds = [kind(b"p" * 16) for kind in (APIKeys, SessionTokens, SingleUseTokens)]
    ours = [each for each in OURS.findall(text) if any(kind.digest(each) for kind in kinds)]
    return [*found, *(["a key of ours"] if ours else [])]


def test_no_committed_file_holds_a_secret() -> None:
    """Every file, by patterns of our own; the lock of the dependencies holds hashes and no secrets."""
    found = {
        path.relative_to(ROOT).as_posix(): kinds
        for path in committed()
        if path.name != "requirements.lock" and (kinds := secrets_in(path.read_text("utf-8", errors="replace")))
    }
    assert {path: kinds for path, kinds in found.items() if path not in KNOWN} == {}
    assert KNOWN.keys() <= found.keys()


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        ("-----BEGIN EC " + "PRIVATE KEY-----", "a private key"),
        ("AKIA" + "ABCDEFGHIJKLMNOP", "a key of AWS"),
        ("sk_" + "live_0123456789abcdef", "a key of Stripe"),
        ("ghp_" + "a1" * 18, "a token of GitHub"),
        ("postgresql://app:" + "correcthorsebattery@db.example/x", "a URL with a password"),
    ],
)
def test_what_is_committed_by_mistake_is_found(secret: str, kind: str) -> None:
    """Each kind, and a real key of ours."""
    assert kind in secrets_in(f"x = '{secret}'")
    assert "a key of ours" in secrets_in(f"x = '{APIKeys(b'p' * 16).issue().secret}'")
