"""What the documents on security say is so: limits, inventories, ways in, and what the code never does."""

import ast
import re
import ssl
from pathlib import Path

import pytest
from pydantic import SecretStr

from domain.identity import session, sign_in_limits
from domain.identity.mail_limits import MAX_MAILS, PER
from domain.identity.passwords import LONGEST, SHORTEST, InvalidPassword, check_password
from domain.identity.single_use_token import LIFETIMES, TokenPurpose
from infrastructure.persistence.models.base import Base
from infrastructure.security.opaque_tokens import APIKeys, SessionTokens, SingleUseTokens
from infrastructure.settings import Settings
from infrastructure.webhooks.sender import WebhookSender
from interfaces.web.account_forms import FORMS
from tests.support.databases import TestDatabases
from tests.support.rows import open_rows

ROOT = Path(__file__).parent.parent
SECURITY = (ROOT / "docs/security.md").read_text("utf-8")
SOURCES = sorted((ROOT / "src").rglob("*.py"))
STARTS_PROGRAMS = {
    "infrastructure/demo_chain.py": "A test chain for the demo, a module of ours.",
    "infrastructure/persistence/embedded.py": "PostgreSQL's own programs, as a list of arguments.",
    "interfaces/cli/demo_agents.py": "Stoa itself, in the demo.",
    "interfaces/cli/work_command.py": "What the person at the machine typed after `stoa work`.",
}
RUNS_TEXT = {
    "application/kernel/wire.py": "Made of the names of our dataclasses' fields.",
    "infrastructure/persistence/mapper.py": "Made of the names of our entities' fields.",
}
CRYPTOGRAPHY = {"argon2", "cryptography", "hashlib", "hmac", "secrets", "ssl", "random", "zlib", "eth_keys"}


def section(title: str) -> str:
    """Return one section of the document."""
    return SECURITY.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def imports(path: Path) -> set[str]:
    """Return the packages that a file imports."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    named = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    named += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in named}


def calls(path: Path) -> set[str]:
    """Return the names of everything that a file calls."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}


def test_the_limits_are_those_of_the_code() -> None:
    """Sessions, attempts, mails and passwords: each number in the document is the constant."""
    said = section("Who may call")
    lives = {purpose: round(time.total_seconds() / 3600) for purpose, time in LIFETIMES.items()}
    for words in (
        f"Sessions end after {session.LONGEST.days} days, or {session.IDLE.days} days without use; a person may have",
        f"After {sign_in_limits.FREE_ATTEMPTS}\nwrong passwords an address waits {sign_in_limits.FIRST_PAUSE} seconds",
        f"up to {sign_in_limits.LONGEST_PAUSE // 60} minutes",
        f"{lives[TokenPurpose.VERIFY_EMAIL]} hours to verify and {lives[TokenPurpose.RECOVER_PASSWORD]} hour to",
        f"Passwords have {SHORTEST} to {LONGEST} characters",
    ):
        assert words in said
    assert sign_in_limits.FORGIVEN_AFTER == 3600
    assert "an hour forgives" in said
    assert (MAX_MAILS, PER.total_seconds()) == (5, 3600)
    assert "five mails of a kind in an hour" in said


def test_what_passwords_must_not_be_is_said() -> None:
    """Each word of the document is refused, also with digits behind it."""
    words = re.search(r"words such as ((?:`[a-z]+`,? ?)+)", section("Who may call"))
    assert words is not None
    for word in re.findall("`([a-z]+)`", words[1]):
        with pytest.raises(InvalidPassword):
            check_password(f"{word}{'1234567890'[: max(1, SHORTEST - len(word))]}", "ada@harbour.example")


def test_every_way_in_is_named() -> None:
    """Each kind of token has its beginning in the document."""
    for kind in (APIKeys, SessionTokens, SingleUseTokens):
        assert f"`{kind.start}`" in section("Who may call")


def test_every_secret_setting_is_in_the_inventory() -> None:
    """A setting that is masked has a line about what it is and who makes it."""
    secret = [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr]
    said = section("Secrets") + section("What is spoken to")
    missing = [name for name in secret if not re.search(_spelling(name), said)]
    assert missing == []


def _spelling(name: str) -> str:
    return r"STOA_STRIPE_…" if name.startswith("stripe_") else r"Logfire" if "logfire" in name else _env(name)


def _env(name: str) -> str:
    return "remote signer" if name.startswith("remote_signer") else f"STOA_{name.upper()}"


def test_the_cryptography_that_is_used_is_in_the_inventory() -> None:
    """Only these packages are used for it, nothing weak is called, and `random` decides nothing secret."""
    said, used = section("Cryptography"), {name for path in SOURCES for name in imports(path)}
    for package in used & CRYPTOGRAPHY - {"zlib"}:
        assert package.replace("argon2", "argon2-cffi").replace("_", "-") in said
    called = {name for path in SOURCES for name in calls(path)}
    assert not [name for name in called if re.search(r"\b(md5|sha1|DES|ARC4|ECB|MD4|uuid1|uuid3)\b", name)]
    jittering = [path.name for path in SOURCES if "random" in imports(path)]
    assert not {"opaque_tokens.py", "passwords.py", "keystore.py", "secrets.py", "cursor.py"} & set(jittering)


def test_nothing_starts_a_shell_or_runs_text_as_code() -> None:
    """Programs are started in few places, text is run in two that are made of our own names, nothing is unpickled."""
    starting = {path for path in SOURCES if any("subprocess" in name or "os.system" in name for name in calls(path))}
    assert {path.relative_to(ROOT / "src").as_posix() for path in starting} == STARTS_PROGRAMS.keys()
    running = {path for path in SOURCES if calls(path) & {"exec", "eval", "compile", "__import__"}}
    assert {path.relative_to(ROOT / "src").as_posix() for path in running} == RUNS_TEXT.keys()
    unsafe = {"pickle", "marshal", "shelve", "yaml", "xml", "lxml", "dill"}
    assert not [path.name for path in SOURCES if imports(path) & unsafe]
    assert not [path.name for path in SOURCES if any(name.endswith("env.from_string") for name in calls(path))]


def test_fields_of_passwords_are_masked_and_may_be_filled_by_a_manager() -> None:
    """Every password field is one for browsers, says which, and no page keeps anybody from pasting."""
    inputs = [each for form in FORMS.values() for each in form if "password" in each.name or each.name == "repeated"]
    assert len(inputs) >= 5
    assert {each.type for each in inputs} == {"password"}
    assert {each.autocomplete for each in inputs} <= {"current-password", "new-password"}
    templates = "".join(path.read_text("utf-8") for path in (ROOT / "src/interfaces/web/templates").glob("*.html"))
    assert "onpaste" not in templates


async def test_a_new_database_has_no_account_and_no_key(test_databases: TestDatabases) -> None:
    """After the migrations nobody can sign in with anything."""
    urls = test_databases.postgres()
    async with open_rows(urls) as rows:
        for table in ("users", "credentials", "sessions", "api_keys", "memberships", "lookups"):
            assert await rows.query(f"SELECT * FROM {table}") == []


def test_tls_of_ours_is_new_enough_and_verified() -> None:
    """Python's defaults, which we do not loosen: TLS 1.2 or newer, verified, and no context without verification."""
    context = ssl.create_default_context()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    text = "".join(path.read_text("utf-8") for path in SOURCES)
    assert not re.findall(r"_create_unverified|CERT_NONE|verify=False|check_hostname = False|TLSv1_1|set_ciphers", text)
    assert WebhookSender.__module__ == "infrastructure.webhooks.sender"


def test_everything_that_is_spoken_to_is_documented() -> None:
    """Each setting that is an address is in the list of what is called."""
    listed = section("What is spoken to")
    addresses = [name for name in Settings.model_fields if name.endswith(("_url", "_bootstrap", "_api_base"))]
    own = {"public_url", "migration_database_url", "relay_database_url", "sealer_database_url"}
    assert [name for name in set(addresses) - own if f"STOA_{name.upper()}" not in listed] == []


def test_data_has_classes_and_every_personal_column_one() -> None:
    """A column that is named like something personal is in the table of classes."""
    said = section("Data")
    personal = {"email", "name", "phone", "address", "username"}
    found = {name for table in Base.metadata.sorted_tables for name in personal if name in table.c}
    assert [name for name in found if f"`{name}`" not in said] == []
    for rule in ("secret", "personal", "financial", "card", "public"):
        assert f"| {rule} |" in said


def test_there_is_an_inventory_of_logs() -> None:
    """Every log has what, where and who."""
    assert section("Logs").count("\n| ") >= 5


def test_updates_have_time_frames() -> None:
    """For what is vulnerable, and for everything else."""
    assert re.search(r"within 7 days.*within 30", section("Updates"), re.DOTALL)


def test_every_library_is_locked_with_its_hash() -> None:
    """No package is installed that is not exactly what was locked."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    packages = [line for line in lock.splitlines() if re.match(r"[a-z0-9][a-z0-9._-]*==", line)]
    assert len(packages) > 50
    assert all(line.endswith("\\") for line in packages)
    assert "--require-hashes" in (ROOT / "Makefile").read_text("utf-8")
