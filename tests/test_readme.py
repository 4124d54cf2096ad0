"""The README, typed by a machine: every block of its tutorial runs as it is written, and says what it promises."""

import ast
import doctest
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from infrastructure.settings import Settings
from interfaces.cli.app import COMMANDS
from tests.support.readme import (
    PATIENCE,
    ROOT,
    blocks,
    document,
    free_port,
    matches,
    section,
    serving,
    steps,
    without_settings,
)

README = document("README.md")
TUTORIAL = section(README, "The first sale", "HTTP in short")
DOCUMENTS = ["README.md", "CHANGELOG.md", *(str(p.relative_to(ROOT)) for p in sorted((ROOT / "docs").rglob("*.md")))]
END = "\x1e"


@dataclass(frozen=True, slots=True)
class Site:
    """What somebody has who followed the first section: a folder, a running server and its key."""

    folder: Path
    port: int
    said: str
    environment: dict[str, str]

    @property
    def key(self) -> str:
        """Return the key that the first start printed."""
        found = re.search(r"^stoa_sk_\w+$", self.said, re.MULTILINE)
        assert found is not None, self.said
        return found[0]

    def typed(self, text: str) -> str:
        """Put our port and key where the README has its own."""
        return text.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}").replace("stoa_sk_…", self.key)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the folder, with one stream for everything it says, as a terminal has."""
        return subprocess.run(
            command, cwd=self.folder, env={**self.environment, **environment}, timeout=PATIENCE, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Do what ``make run`` does after installing, in a folder that looks like a clone; at the end, press Ctrl-C."""
    folder, port = tmp_path_factory.mktemp("clone"), free_port()
    (folder / ".venv").symlink_to(sys.prefix)
    environment = without_settings()
    stoa = str(folder / ".venv/bin/stoa")
    try:
        with serving([stoa, "up"], folder, {**environment, "STOA_PORT": str(port)}) as said:
            yield Site(folder, port, said, environment)
    finally:
        subprocess.run([stoa, "db", "stop"], cwd=folder, env=environment, timeout=PATIENCE, check=True)


# ---------------------------------------------------------------- what runs


def test_the_first_start_says_what_is_promised(site: Site) -> None:
    """Key and address are told in the words of the README."""
    promised = blocks(section(README, "Start", "The first sale"), "text")[0].text
    spoken = [
        line for line in promised.splitlines() if any(matches(site.typed(line), s) for s in site.said.splitlines())
    ]
    assert spoken == promised.splitlines()


def test_the_tutorial_runs_as_it_is_written(site: Site) -> None:
    """Every block of the tutorial, copied by hand in order into one shell, answers as it is printed below it."""
    program = blocks(TUTORIAL, "python")[0].text
    (site.folder / "orders.py").write_text(site.typed(program), "utf-8")
    blocks_with_promises = steps(TUTORIAL)
    script = "".join(f"{site.typed(block)}printf '\\036'\n" for block, _ in blocks_with_promises)
    came = site.run("bash", "-c", script).stdout.split(END)[:-1]
    assert len(came) == len(blocks_with_promises), came
    for (block, promised), output in zip(blocks_with_promises, came, strict=True):
        assert matches(site.typed(promised), output), f"{block}\npromises:\n{promised}\nand says:\n{output}"


async def test_a_client_starts_stoa_itself_with_the_printed_configuration(site: Site) -> None:
    """The client's configuration is valid, and what it starts lists what the key may do."""
    text = site.typed(blocks(TUTORIAL, "json")[0].text).replace("/path/to/stoa", str(site.folder))
    server = json.loads(text)["mcpServers"]["stoa"]
    async with Client(StdioServerParameters(**server)) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
    assert {"payment_orders_pay", "products_create"} <= tools
    assert "organizations_create" not in tools


# ---------------------------------------------------------------- what is said


@pytest.mark.parametrize("path", DOCUMENTS)
def test_code_in_documents_can_be_read(path: str) -> None:
    """Python parses, the shell parses, JSON is JSON."""
    for block in blocks(document(path)):
        if block.language == "python" and ">>>" not in block.text:
            ast.parse(block.text)
        elif block.language == "json":
            json.loads(block.text)
        elif block.language in {"sh", "bash"}:
            assert subprocess.run(["bash", "-n"], input=block.text, text=True, check=False).returncode == 0, block


@pytest.mark.parametrize("path", DOCUMENTS)
def test_examples_in_documents_hold(path: str) -> None:
    """What is shown as a Python session really answers that."""
    outcome = doctest.testfile(str(ROOT / path), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert outcome.failed == 0


@pytest.mark.parametrize("path", DOCUMENTS)
def test_files_named_in_documents_exist(path: str) -> None:
    """Every link and every path of the repository leads somewhere."""
    text = document(path)
    folder = (ROOT / path).parent
    links = {target.partition("#")[0] for target in re.findall(r"]\(([^)]+)\)", text) if "://" not in target}
    named = re.findall(r"`((?:src|tests|docs|alembic|benchmarks|scripts)/[\w./-]+)`", text)
    made_by_the_reader = set(re.findall(r"new file `([^`]+)`", text))
    missing = [link for link in links if link and not (folder / link).exists()]
    assert missing + [name for name in named if name not in made_by_the_reader and not (ROOT / name).exists()] == []


def test_every_setting_and_command_is_in_the_readme() -> None:
    """Nothing can be set or called that the README does not mention, and nothing is mentioned that is not there."""
    settings, commands = section(README, "Settings", "Events"), section(README, "Commands", "Settings")
    others = {"logfire_token": "LOGFIRE_TOKEN", "otlp_endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT"}
    fields = {others.get(name, f"STOA_{name.upper()}") for name in Settings.model_fields}
    assert {name for name in fields if f"`{name}`" not in settings} == set()
    assert {name for name in COMMANDS if not re.search(rf"`stoa {name}\b", commands)} == set()
    targets = set(re.findall(r"^([a-z]+):.*## ", document("Makefile"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", README)) <= targets
