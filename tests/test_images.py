"""The image and its composition, as far as they can be tried without Docker: every name in them is one that exists."""

import asyncio
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import pytest
import yaml  # type: ignore[import-untyped]  # reason: it brings no types, and is used here only
from dotenv import dotenv_values

from infrastructure.persistence import migrations
from infrastructure.persistence.embedded import EmbeddedPostgres, _binaries
from infrastructure.settings import Settings, load_settings
from interfaces.cli.app import COMMANDS
from tests.support.databases import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
OURS = [name for name, service in COMPOSE["services"].items() if service["image"] == "stoa"]
STAGES = "\n".join(DOCKERFILE).split("FROM ")[1:]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Make the files of secrets as the script does."""
    folder = tmp_path / "compose"
    subprocess.run(["sh", "scripts/compose-env.sh", "https://shop.example", folder], cwd=ROOT, check=True)
    return folder


def environment(service: str, folder: Path) -> dict[str, str]:
    """Return what a service of ours is given: the image's variables, and its files'."""
    given = dict(re.findall(r"(STOA_\w+)=(\S+)", STAGES[-1]))
    files = COMPOSE["services"][service]["env_file"]
    for file in [files] if isinstance(files, str) else files:
        given |= {name: str(value) for name, value in dotenv_values(folder / Path(file).name).items()}
    return given


def instructions(stage: str) -> list[tuple[str, str]]:
    """Return a stage's instructions and what they say."""
    lines = [line for line in stage.splitlines()[1:] if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


@pytest.mark.parametrize("service", OURS)
def test_each_service_has_settings_that_start(service: str, secrets: Path) -> None:
    """In production, with every variable a setting that exists: a misspelt one would be refused here."""
    settings = load_settings({**environment(service, secrets), "STOA_DATA_DIR": str(secrets)})
    assert settings.is_production
    assert bool(settings.migration_database_url) == (service == "migrate")


@pytest.mark.parametrize("service", OURS)
def test_each_service_runs_a_command_that_exists(service: str) -> None:
    """And the image by itself serves."""
    assert COMPOSE["services"][service]["command"][0] in COMMANDS
    assert dict(instructions(STAGES[-1]))["ENTRYPOINT"] == '["stoa"]'
    assert json.loads(dict(instructions(STAGES[-1]))["CMD"])[0] in COMMANDS


def test_secrets_are_random_known_to_few_and_never_overwritten(secrets: Path) -> None:
    """Each service reads its own; the administrator's password is the migration's alone."""
    values = {file.name: dotenv_values(file) for file in secrets.iterdir()}
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets.iterdir()} == {0o600}
    administrator = str(values["postgres.env"]["POSTGRES_PASSWORD"])
    assert administrator in str(values["migrate.env"])
    assert administrator not in str(values["stoa.env"])
    assert [name for name in OURS if "migrate.env" in str(COMPOSE["services"][name]["env_file"])] == ["migrate"]
    again = subprocess.run(
        ["sh", "scripts/compose-env.sh", "https://x.example", secrets], cwd=ROOT, capture_output=True, check=False
    )
    assert again.returncode == 1


def test_the_image_runs_as_nobody_special_and_says_when_it_lives() -> None:
    """Not as root, and asked at the address that touches nothing; no other registry's host is named."""
    said = dict(instructions(STAGES[-1]))
    assert said["USER"] == "stoa"
    assert "/livez" in said["HEALTHCHECK"]
    assert [line for line in DOCKERFILE if re.search(r"https?://(?!127\.0\.0\.1)", line)] == []
    images = [service["image"] for service in COMPOSE["services"].values()]
    assert all(":" in image for image in images if image != "stoa")


def test_what_is_copied_into_the_image_is_there_and_let_in() -> None:
    """Everything copied exists, and .dockerignore lets nothing else in."""
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = [path for word, rest in instructions(STAGES[0]) if word == "COPY" for path in rest.split()[:-1]]
    assert set(copied) == let_in - {"Dockerfile"}
    assert all((ROOT / path).exists() for path in copied)


def test_what_runs_in_production_is_what_was_tested() -> None:
    """Every version of the image's lock is one of the suite's, and the suite's own tools are not among them."""
    pinned = {name: _pins(ROOT / name) for name in ("requirements.lock", "requirements-runtime.lock")}
    assert pinned["requirements-runtime.lock"] <= pinned["requirements.lock"]
    named = {pin.partition("==")[0] for pin in pinned["requirements-runtime.lock"]}
    assert {"fastapi", "sqlalchemy", "asyncpg", "web3"} <= named
    assert not {"pytest", "playwright", "localstripe", "mypy"} & named


def _pins(lock: Path) -> set[str]:
    return set(re.findall(r"^([a-z0-9_.\-]+(?:\[[a-z,]+\])?==[^ ;\\]+)", lock.read_text("utf-8"), re.MULTILINE))


def test_services_wait_for_what_they_need() -> None:
    """Nothing of ours starts before the migration is done, which waits for the database; volumes are declared."""
    needs = {name: COMPOSE["services"][name]["depends_on"] for name in OURS}
    assert needs["migrate"] == {"postgres": {"condition": "service_healthy"}}
    assert {needs[name]["migrate"]["condition"] for name in ("api", "worker")} == {"service_completed_successfully"}
    mounted = {volume.partition(":")[0] for service in COMPOSE["services"].values() for volume in service["volumes"]}
    assert {each for each in mounted if not each.startswith(".")} == set(COMPOSE["volumes"])
    assert all((ROOT / each).exists() for each in mounted if each.startswith("."))


def test_roles_made_by_the_script_log_in_by_password_only(secrets: Path, tmp_path: Path) -> None:
    """On a real server that asks local connections for passwords, as the composition's does; migrations go through."""
    server = EmbeddedPostgres(tmp_path / "s", fast=True)
    server.start()
    try:
        server.ensure_database("stoa")
        host = server.url("stoa").partition("host=")[2]
        passwords = {name: str(value) for name, value in dotenv_values(secrets / "postgres.env").items()}
        found = {"PATH": f"{_binaries()}:{os.environ['PATH']}", "PGHOST": host, "POSTGRES_DB": "stoa", **passwords}
        subprocess.run(["sh", "scripts/postgres-roles.sh"], cwd=ROOT, env=found, check=True)
        (tmp_path / "s/pg/pg_hba.conf").write_text("local all all scram-sha-256\n")
        sql = f"ALTER ROLE postgres PASSWORD '{passwords['POSTGRES_PASSWORD']}'"
        psql = ["psql", "--username=postgres", "--quiet", f"--command={sql}", "--command=SELECT pg_reload_conf()"]
        subprocess.run(psql, env=found, stdout=subprocess.DEVNULL, check=True)
        given = environment("migrate", secrets).items()
        asyncio.run(migrate_and_enter({name: value.replace("/var/run/postgresql", host) for name, value in given}))
    finally:
        server.stop()


async def migrate_and_enter(given: Mapping[str, str]) -> None:
    """Migrate, and log in as each role."""
    settings = load_settings(given)
    # The server takes a moment to read its rules again.
    async with asyncio.timeout(30):
        while await is_let_in(settings.database_url.replace("stoa_app:", "stoa_app:x")):  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.05)
    await migrations.upgrade(settings.migration_database_url, "0001")
    for url in (settings.database_url, settings.relay_database_url, settings.sealer_database_url):
        assert await is_let_in(url)


async def is_let_in(url: str) -> bool:
    """Say whether a password is the right one."""
    try:
        await (await asyncpg.connect(url)).close()
    except asyncpg.InvalidPasswordError:
        return False
    return True


@pytest.mark.faults
def test_the_images_steps_run_in_a_clean_folder(tmp_path: Path) -> None:
    """The build stage's steps as plain shell: the lock installs with its hashes, and `stoa` answers."""
    for word, rest in instructions(STAGES[0]):
        moved = re.sub(r"(^| )/uv", rf"\1{tmp_path}/uv", rest)
        app = tmp_path / "app"
        if word == "WORKDIR":
            app.mkdir()
        elif word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                _copy(ROOT / source, app / target if len(sources) == 1 and target != "./" else app / source)
        elif word == "RUN":
            # The Python that our environment was made with stands for the one of the image.
            path = {**os.environ, "PATH": f"{sys.base_prefix}/bin:{os.environ['PATH']}", "UV_SYSTEM_CERTS": "1"}
            path.pop("VIRTUAL_ENV", None)
            done = subprocess.run(["sh", "-c", moved], cwd=app, env=path, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{moved}\n{done.stderr}"
    clean: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    for command in (["--help"], ["--version"], shlex.split("use-cases")):
        done = subprocess.run(
            [tmp_path / "app/.venv/bin/stoa", *command],
            cwd=tmp_path,
            env=clean,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert not (tmp_path / "app/.venv/bin/pytest").exists()


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def test_no_setting_is_spelt_in_lower_case() -> None:
    """What the image sets are fields of the settings."""
    fields = {f"STOA_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"STOA_\w+", "\n".join(DOCKERFILE))) <= fields
