"""Writes ``docs/security-matrix.md``: who may call what, by scope and by role.

The page is committed, so that a use-case whose scope changed, or a role that gained something, shows in review; a test
fails when the page is stale, and another one holds the running application to what the page says.

Usage: ``python -m scripts.security_matrix``
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

import application
from application.identity.roles import scopes_of
from application.kernel.actor import AGENT_SCOPES, PERSONAL_SCOPES, TENANT_SCOPES, Scope
from application.kernel.use_case import UseCase, load_registry
from domain.identity.membership import Role
from interfaces.http.routes import ROUTES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "security-matrix.md"
PUBLIC = "public"
MAY, MAY_NOT = "yes", "·"
HOLDERS: Mapping[str, frozenset[Scope]] = {
    **{role.value: scopes_of(role) | PERSONAL_SCOPES for role in Role},
    "person": PERSONAL_SCOPES,
    "agent": AGENT_SCOPES,
    "key": TENANT_SCOPES,
}
"""Who calls, and the most that they may have."""
HEADER = """# Who may call what

Made by `python -m scripts.security_matrix` from the use-cases, the roles and the routes; the suite fails when it is
stale, and calls every route below as everybody in the columns (`tests/contracts/test_matrix.py`).

`owner`, `admin`, `member` and `viewer` are people signed in and acting in an organization, `person` is somebody signed
in who acts in none, `agent` and `key` are an agent's and an organization's key with the most scopes they can have. A
key has the scopes it was given and no others. Whoever sends no credentials may call what is `public`, and nothing else.
What has no route is called from the command line of the machine, or by Stoa's own workers.
"""
_TITLE = f"| use-case | route | scope | {' | '.join(HOLDERS)} |"


@frozen(kw_only=True)
class Row:
    """One use-case: where it is, which scope it asks for, and who may call it."""

    name: str
    route: str
    scope: str
    holders: frozenset[str]

    def __str__(self) -> str:
        """Return the row of the table."""
        marks = " | ".join(MAY if holder in self.holders else MAY_NOT for holder in HOLDERS)
        return f"| `{self.name}` | {self.route} | {self.scope} | {marks} |"


def computed(registry: Mapping[str, UseCase]) -> list[Row]:
    """Return what the code says."""
    routes = {row.use_case: f"`{row.method} {row.path}`" for row in ROUTES}
    return [
        Row(
            name=name, route=routes.get(name, "none"), scope=use_case.scope.value if use_case.scope else PUBLIC,
            holders=frozenset(who for who, has in HOLDERS.items() if use_case.scope is None or use_case.scope in has),
        )
        for name, use_case in sorted(registry.items())
    ]  # fmt: skip


def declared() -> dict[str, Row]:
    """Return what the committed page says, by use-case."""
    return {row.name: row for row in map(_read, PAGE.read_text("utf-8").splitlines()) if row is not None}


def _read(line: str) -> Row | None:
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    if len(cells) != len(HOLDERS) + 3 or not cells[0].startswith("`"):
        return None
    may = frozenset(who for who, mark in zip(HOLDERS, cells[3:], strict=True) if mark == MAY)
    return Row(name=cells[0].strip("`"), route=cells[1], scope=cells[2], holders=may)


def page(rows: list[Row]) -> str:
    """Return the page's text."""
    return "\n".join([HEADER, *_by_resource(rows)]) + "\n"


def _by_resource(rows: list[Row]) -> Iterator[str]:
    resource = ""
    for row in rows:
        if row.name.partition(".")[0] != resource:
            resource = row.name.partition(".")[0]
            yield from ([""] if resource != rows[0].name.partition(".")[0] else [])
            yield from (f"## {resource}", "", _TITLE, "|---" * (len(HOLDERS) + 3) + "|")
        yield str(row)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(computed(load_registry(application))), "utf-8")


if __name__ == "__main__":
    main()
