"""Settings: every wrong one stops the start with one line that names it and repeats no secret."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.settings import load_settings
from infrastructure.settings_rules import SettingsError, ensure_secret

PEPPER = "7Jc0mQ2xVb9Lr4TzWn8KyEa1UfHs6Dg5"
SEAL = "Pq3Xw8Zr1Nt6Bv0Mk5Yc9Lj2Gh7Fd4Sa"
REMOTE = "postgresql://stoa_app:hunter2@db.example:5432/stoa"
PRODUCTION = {
    "STOA_ENVIRONMENT": "production",
    "STOA_DATABASE_URL": f"{REMOTE}?sslmode=verify-full",
    "STOA_KEY_PEPPER": PEPPER,
    "STOA_AUDIT_SEAL_KEY": SEAL,
    "STOA_PAYMENT_PROVIDER": "sandbox",
    "STOA_MAIL": "smtp",
    "STOA_SMTP_URL": "smtp://stoa:hunter2@mail.example",
    "STOA_MAIL_FROM": "Harbour <no-reply@harbour.example>",
    "STOA_PUBLIC_URL": "https://harbour.example",
}


def refusal(env: dict[str, str]) -> str:
    """The one line that these settings are refused with."""
    with pytest.raises(SettingsError) as caught:
        load_settings(env)
    line = str(caught.value)
    assert "\n" not in line
    for value in env.values():
        assert len(value) < 12 or value not in line
    assert "hunter2" not in line
    return line


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test works in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_has_to_be_set(folder: Path) -> None:
    """Without any setting there is an embedded database in the working folder, on the loopback interface."""
    settings = load_settings({})
    assert settings.database_url == settings.migration_database_url == settings.relay_database_url == ""
    assert settings.data_dir == folder / ".stoa"
    assert (settings.host, settings.port, settings.environment) == ("127.0.0.1", 8000, "development")
    assert (settings.events, settings.log_level, settings.pool_size) == ("log", "info", 10)
    assert not (folder / ".stoa").exists()


def test_everything_can_be_set(folder: Path) -> None:
    """Names are those of the documentation; an empty value counts as not set."""
    settings = load_settings(
        PRODUCTION
        | {
            "STOA_DATA_DIR": "elsewhere",
            "STOA_HOST": "0.0.0.0",  # noqa: S104 - nothing listens
            "STOA_PORT": "9000",
            "STOA_EVENTS": "kafka",
            "STOA_KAFKA_BOOTSTRAP": "broker:9092",
            "STOA_LOG_LEVEL": "WARNING",
            "STOA_POOL_SIZE": "",
            "LOGFIRE_TOKEN": "lf",
            "PATH": "/bin",
        }
    )
    assert settings.data_dir == folder / "elsewhere"
    assert (settings.port, settings.kafka_bootstrap, settings.log_level) == (9000, "broker:9092", "warning")
    assert settings.logfire_token.get_secret_value() == "lf"
    assert settings.pepper() == PEPPER.encode()
    assert settings.seal_key() == SEAL.encode()


def test_secrets_do_not_show() -> None:
    """A printed or logged settings object holds no password and no key."""
    shown = repr(load_settings(PRODUCTION)) + str(load_settings(PRODUCTION))
    assert not [secret for secret in ("hunter2", PEPPER, SEAL) if secret in shown]


def test_a_dotenv_file_is_read_below_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.env` fills in what the environment does not say."""
    for name in [name for name in os.environ if name.startswith("STOA_")]:
        monkeypatch.delenv(name)
    (folder / ".env").write_text("STOA_PORT=9001\nSTOA_HOST=10.0.0.1\nOTHER=1\n")
    monkeypatch.setenv("STOA_PORT", "9002")
    settings = load_settings()
    assert (settings.host, settings.port) == ("10.0.0.1", 9002)
    (folder / ".env").write_text("STOA_PROT=9001\n")
    with pytest.raises(SettingsError, match="STOA_PROT"):
        load_settings()
    (folder / ".env").write_bytes(b"STOA_HOST=\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"^\.env: cannot be read"):
        load_settings()


def test_a_misspelt_setting_is_named_with_its_nearest_neighbour() -> None:
    """A typo would otherwise be a silent default."""
    assert refusal({"STOA_DATABSE_URL": REMOTE}) == "STOA_DATABSE_URL: no such setting; did you mean STOA_DATABASE_URL?"
    assert refusal({"stoa_port": "1"}).startswith("stoa_port: no such setting")


def test_the_command_lines_own_variables_are_not_misspelt() -> None:
    """What the launcher and the command line read may be set as well."""
    load_settings({"STOA_PYTHON": "python3", "STOA_MCP": "1", "STOA_API_KEY": "k", "STOA_ORGANIZATION": "org_1"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STOA_PORT", "0"),
        ("STOA_PORT", "65536"),
        ("STOA_PORT", "http"),
        ("STOA_POOL_SIZE", "0"),
        ("STOA_ENVIRONMENT", "staging"),
        ("STOA_EVENTS", "rabbit"),
        ("STOA_LOG_LEVEL", "loud"),
        ("STOA_PAYMENT_PROVIDER", "paypal"),
        ("STOA_DATABASE_URL", "mysql://localhost/stoa"),
        ("STOA_DATABASE_URL", "postgres://localhost/stoa"),
        ("STOA_DATABASE_URL", "postgresql:localhost"),
        ("STOA_DATABASE_URL", "just text"),
        ("STOA_DATABASE_URL", "postgresql://[::1/stoa"),
        ("STOA_DATABASE_URL", "sqlite://relative.db"),
        ("STOA_DATABASE_URL", "sqlite:///"),
        ("STOA_DATABASE_URL", "postgresql://app:hunter2@x/y@localhost/stoa"),
        ("STOA_DATABASE_URL", "postgresql://localhost:x/y@db.example/stoa"),
        ("STOA_DATABASE_URL", "postgresql://app:hunter2#x@localhost/stoa"),
        ("STOA_MIGRATION_DATABASE_URL", "postgresql://localhost/stoa"),
        ("STOA_KAFKA_BOOTSTRAP", "broker:9092"),
    ],
)
def test_a_wrong_value_is_refused_by_the_settings_name(name: str, value: str) -> None:
    """Ranges, choices, schemes, ambiguous passwords, and settings that make no sense alone."""
    assert refusal({name: value}).startswith(f"{name}: ")


def test_kafka_needs_a_broker() -> None:
    """There is no silent fall-back to another publisher."""
    assert refusal({"STOA_EVENTS": "kafka"}).startswith("STOA_KAFKA_BOOTSTRAP: required")


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize(
    "url",
    [
        REMOTE,
        f"{REMOTE}?sslmode=disable",
        f"{REMOTE}?sslmode=require",
        f"{REMOTE}?sslmode=verify-ca",
        f"{REMOTE}?sslmode=prefer",
        f"{REMOTE}?sslmode=allow",
        f"{REMOTE}?sslmode=verify-full&sslmode=disable",
        f"{REMOTE}?sslmode=verify-full&ssl=disable",
        f"{REMOTE}?ssl=true",
        "postgresql://stoa_app@localhost,db.example/stoa",
        "postgresql://stoa_app@localhost/stoa?host=db.example",
        "postgresql://stoa_app@/stoa?host=/run/pg,db.example",
        "postgresql://stoa_app@/stoa?hostaddr=192.0.2.1",
        "postgresql://stoa_app@/stoa?service=remote",
        "postgresql://stoa_app@127.0.0.1.example/stoa",
        "postgresql://stoa_app@[2001:db8::1]:5432/stoa",
        "postgresql://stoa_app@localhost/stoa?sslmode=prefer",
        "postgresql://stoa_app@localhost/stoa?sslmode=yes",
    ],
)
def test_an_unverified_connection_is_refused(environment: str, url: str) -> None:
    """Beyond this machine only verified TLS, in any spelling; and `prefer` protects nothing anywhere."""
    assert refusal(PRODUCTION | {"STOA_ENVIRONMENT": environment, "STOA_DATABASE_URL": url}).startswith(
        "STOA_DATABASE_URL: "
    )


@pytest.mark.parametrize(
    "url",
    [
        f"{REMOTE}?sslmode=verify-full",
        "postgresql://stoa_app@localhost/stoa",
        "postgresql://stoa_app:pw@127.0.0.1:5433/stoa?sslmode=disable",
        "postgresql://stoa_app@[::1]:5433/stoa",
        "postgresql://stoa_app@/stoa?host=/run/postgresql",
        "postgresql://stoa_app@%2Frun%2Fpostgresql/stoa",
        "postgresql:///stoa",
        "sqlite:///stoa.db",
        "sqlite:////var/lib/stoa.db",
    ],
)
def test_safe_databases_are_accepted(url: str) -> None:
    """Verified TLS, the loopback interface, a socket, a file."""
    assert load_settings({"STOA_DATABASE_URL": url}).database_url == url


def test_the_drivers_own_default_host_counts() -> None:
    """A URL without a host goes where PGHOST says."""
    assert refusal({"STOA_DATABASE_URL": "postgresql:///stoa", "PGHOST": "db.example"}).endswith("verify-full")


def test_roles_of_the_workers_are_derived() -> None:
    """Relay and sealer connect like the application, under their own names, unless told otherwise."""
    settings = load_settings({"STOA_DATABASE_URL": "postgresql://stoa_app:p%40w@localhost:5433/stoa?sslmode=disable"})
    assert settings.relay_database_url == "postgresql://stoa_relay:p%40w@localhost:5433/stoa?sslmode=disable"
    assert settings.sealer_database_url == "postgresql://stoa_sealer:p%40w@localhost:5433/stoa?sslmode=disable"
    assert settings.migration_database_url == ""
    own = {"STOA_DATABASE_URL": "postgresql:///stoa", "STOA_RELAY_DATABASE_URL": "postgresql://me@localhost/stoa"}
    assert load_settings(own).relay_database_url == "postgresql://me@localhost/stoa"
    assert load_settings(own).sealer_database_url == "postgresql://stoa_sealer@/stoa"


def test_sqlite_has_one_url_for_everything() -> None:
    """A file has no roles, and no second database can stand beside it."""
    settings = load_settings({"STOA_DATABASE_URL": "sqlite:///stoa.db"})
    assert {settings.migration_database_url, settings.relay_database_url, settings.sealer_database_url} == {
        "sqlite:///stoa.db"
    }
    mixed = {"STOA_DATABASE_URL": "sqlite:///stoa.db", "STOA_RELAY_DATABASE_URL": "postgresql:///stoa"}
    assert refusal(mixed).startswith("STOA_RELAY_DATABASE_URL: ")


@pytest.mark.parametrize("name", ["STOA_DATABASE_URL", "STOA_KEY_PEPPER", "STOA_AUDIT_SEAL_KEY"])
def test_production_names_what_is_missing(name: str) -> None:
    """Nothing that matters has a default with other people's money."""
    assert refusal(PRODUCTION | {name: ""}).startswith(f"{name}: required in production")


@pytest.mark.parametrize("name", ["STOA_KEY_PEPPER", "STOA_AUDIT_SEAL_KEY"])
@pytest.mark.parametrize(
    "value",
    [
        "short",
        "a" * 64,
        "0123456789abcdef" * 4,
        "changeme-7Jc0mQ2xVb9Lr4TzWn8KyEa1UfHs",
        "this-is-a-secret-of-32-characters!",
    ],
)
def test_production_refuses_secrets_nobody_chose(name: str, value: str) -> None:
    """Short, repeated, and copied from a tutorial."""
    assert refusal(PRODUCTION | {name: value}).startswith(f"{name}: ")


def test_production_refuses_what_forgets() -> None:
    """One key for two purposes, and events that nobody keeps."""
    assert refusal(PRODUCTION | {"STOA_AUDIT_SEAL_KEY": PEPPER}).startswith("STOA_AUDIT_SEAL_KEY: must differ")
    assert refusal(PRODUCTION | {"STOA_EVENTS": "memory"}).startswith("STOA_EVENTS: ")


def test_development_makes_its_secrets_once(folder: Path) -> None:
    """Keys survive a restart, differ from each other, and are readable by their owner alone."""
    pepper, seal = load_settings({}).pepper(), load_settings({}).seal_key()
    assert pepper != seal
    assert len(pepper) == 64
    assert (load_settings({}).pepper(), load_settings({}).seal_key()) == (pepper, seal)
    assert sorted(path.name for path in (folder / ".stoa").iterdir()) == ["audit_seal_key", "key_pepper"]
    assert stat.S_IMODE((folder / ".stoa" / "key_pepper").stat().st_mode) == 0o600


def test_processes_that_race_for_a_secret_get_the_same_one(folder: Path) -> None:
    """Whoever comes second reads what the first one made."""
    program = """
import sys
from pathlib import Path
from infrastructure.settings_rules import ensure_secret
sys.stdin.read()
print(ensure_secret(Path("data"), "pepper").get_secret_value())
"""
    source = Path(__file__).parents[2] / "src"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": str(source)},
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdin
        racer.stdin.close()
        racer.stdin = None
    assert len({racer.communicate()[0] for racer in racers}) == 1
    assert [path.name for path in (folder / "data").iterdir()] == ["pepper"]


def test_a_data_folder_that_cannot_be_used_is_one_line(folder: Path) -> None:
    """A file in its place, a secret others can read, a damaged one."""
    (folder / "file").touch()
    with pytest.raises(SettingsError, match=r"STOA_DATA_DIR: cannot keep pepper in .*/file"):
        ensure_secret(folder / "file", "pepper")
    ensure_secret(folder, "pepper")
    (folder / "pepper").chmod(0o644)
    with pytest.raises(SettingsError, match="can be read by other users"):
        ensure_secret(folder, "pepper")
    (folder / "pepper").chmod(0o600)
    (folder / "pepper").write_text("")
    with pytest.raises(SettingsError, match="is damaged"):
        ensure_secret(folder, "pepper")
