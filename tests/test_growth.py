"""A use-case costs two source files and a test: the recipe is followed in a copy, and every face calls the result."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.support.readme import PATIENCE, ROOT, blocks, document, free_port, serving, without_settings

STOA = [sys.executable, "-m", "interfaces.cli.main"]
TEST = "tests/application/test_duplicate_product.py"
GENERATED = ("tests/contracts/test_registry.py", "tests/contracts/test_scopes.py", "tests/contracts/test_world.py")
SOURCES = {"src/application/catalog/products.py", "src/interfaces/http/routes.py"}


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the repository that grew, and the environment in which programs use it instead of ours."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str) -> str:
        """Return what a program says that ends well."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            timeout=PATIENCE,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Do what the page says."""
    folder = tmp_path_factory.mktemp("grown")
    for name in ("src", "tests", "alembic", "scripts", "contracts"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("alembic.ini", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    recipe = document("docs/adding-a-use-case.md")
    handler, test = blocks(recipe, "python")
    with (folder / "src/application/catalog/products.py").open("a", encoding="utf-8") as file:
        file.write(f"\n\n{handler.text}")
    apply(blocks(recipe, "diff")[0].text, folder / "src/interfaces/http/routes.py")
    (folder / TEST).write_text(test.text, "utf-8")
    settings = {"PYTHONPATH": str(folder / "src"), "STOA_DATABASE_URL": "sqlite:///grown.db"}
    return Copy(folder, {**without_settings(), **settings})


def apply(diff: str, path: Path) -> None:
    """Put the added lines of a diff behind the line that it shows before them."""
    context = [line[1:] for line in diff.splitlines() if line.startswith(" ")]
    added = [line[1:] for line in diff.splitlines() if line.startswith("+")]
    text = path.read_text("utf-8")
    assert text.count(context[-1]) == 1
    path.write_text(text.replace(context[-1], "\n".join([context[-1], *added])), "utf-8")


def test_the_recipe_names_every_file_it_touches(grown: Copy) -> None:
    """Two source files differ from ours, and one test is new."""
    copies = {
        path.relative_to(grown.folder).as_posix(): path
        for path in grown.folder.rglob("*.py")
        if "__pycache__" not in path.parts
    }
    different = {name for name, path in copies.items() if not (ROOT / name).exists() or differs(path, ROOT / name)}
    assert different == SOURCES | {TEST}


def differs(path: Path, other: Path) -> bool:
    return path.read_bytes() != other.read_bytes()


def test_the_new_use_case_is_covered_by_generated_tests(grown: Copy) -> None:
    """Its own test and the contract tests hold, the latter without a line written for it."""
    said = grown.run(
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        TEST,
        *GENERATED,
        "-k",
        "duplicate and not postgres",
    )
    assert "failed" not in said
    assert int(said.rpartition(" passed")[0].split()[-1]) >= 8, said


def test_the_linter_and_the_types_hold(grown: Copy) -> None:
    """What the page shows is formatted and passes the linter."""
    ruff = str(Path(sys.executable).parent / "ruff")
    for task in (["format", "--check"], ["check"]):
        grown.run(ruff, *task, "--no-cache", *sorted(SOURCES), TEST)


async def test_every_face_calls_it(grown: Copy) -> None:
    """HTTP, command line and MCP copy the same product, each with a key of the same organization."""
    port = free_port()
    with serving([*STOA, "up"], grown.folder, {**grown.environment, "STOA_PORT": str(port)}) as said:
        key = {"Authorization": f"Bearer {next(line for line in said.splitlines() if line.startswith('stoa_sk_'))}"}
        async with httpx2.AsyncClient(headers=key, base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            original = (await http.post("/v1/products", json={"name": "Espresso"})).json()["id"]
            answer = await http.post(f"/v1/products/{original}/duplicate", json={"name": "By HTTP"})
            assert (answer.status_code, answer.json()["name"]) == (200, "By HTTP")
            async with Client(streamable_http_client(f"http://127.0.0.1:{port}/mcp/", http_client=http)) as client:
                result = await client.call_tool("products_duplicate", {"id": original, "name": "By MCP"})
                assert result.structured_content is not None
                assert result.structured_content["name"] == "By MCP"
            typed = grown.run(*STOA, "run", "products.duplicate", "--id", original, "--name", "By hand", "-o", "json")
            assert json.loads(typed)["name"] == "By hand"
            names = [product["name"] for product in (await http.get("/v1/products")).json()["data"]]
    assert sorted(names) == ["By HTTP", "By MCP", "By hand", "Espresso"]
