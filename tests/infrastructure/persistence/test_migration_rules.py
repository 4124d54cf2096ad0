"""Migrations that a database in use can bear: each rule catches its bad example and lets the good one be."""

from collections.abc import Callable
from types import ModuleType

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.config import Config
from alembic.script import ScriptDirectory

from infrastructure.persistence.migration_rules import BASELINE, RULES, lint, statements, violations
from infrastructure.persistence.revision import head
from tests.support.databases import ROOT

SCRIPT = ScriptDirectory.from_config(Config(ROOT / "alembic.ini"))


def revision(upgrade: Callable[[], object], **given: object) -> ModuleType:
    """Make a revision of a function."""
    module = ModuleType("revision")
    module.__dict__.update(upgrade=upgrade, **given)
    return module


def broken(upgrade: Callable[[], object], **given: object) -> list[str]:
    """Return the rules that an upgrade breaks."""
    return [found.rule for found in violations("0099", revision(upgrade, **given))]


def sends(*sql: str) -> Callable[[], None]:
    """Make an upgrade of plain statements."""

    def upgrade() -> None:
        for statement in sql:
            op.execute(statement)

    return upgrade


def alone(*sql: str) -> Callable[[], None]:
    """Make an upgrade whose statements are transactions of their own."""

    def upgrade() -> None:
        with op.get_context().autocommit_block():
            sends(*sql)()

    return upgrade


def both(*upgrades: Callable[[], None]) -> Callable[[], None]:
    """Make one upgrade of several."""

    def upgrade() -> None:
        for each in upgrades:
            each()

    return upgrade


def adds(name: str, **given: object) -> Callable[[], None]:
    """Make an upgrade that adds a column."""
    return lambda: op.add_column("products", sa.Column(name, sa.Uuid(), **given))  # type: ignore[arg-type]  # reason: by name


BAD: dict[str, list[Callable[[], object]]] = {
    "drop": [
        lambda: op.drop_column("products", "name"),
        lambda: op.drop_table("products"),
        lambda: op.alter_column("products", "name", new_column_name="title"),
        lambda: op.rename_table("products", "goods"),
        sends("ALTER TABLE products RENAME COLUMN name TO title"),
        sends('ALTER TABLE IF EXISTS public."products" ADD COLUMN a int, DROP COLUMN b'),
        sends("DROP FUNCTION stoa_find_payment_link(text)"),
    ],
    "index": [
        lambda: op.create_index("ix_products_name", "products", ["organization_id", "name"]),
        lambda: op.create_unique_constraint("uq_products_name", "products", ["organization_id", "name"]),
        lambda: op.drop_index("ix_products_name", "products"),
        sends("CREATE UNIQUE INDEX ON products (organization_id, name)"),
        sends("CREATE INDEX CONCURRENTLY i ON products (name)"),
    ],
    "not-null": [
        lambda: op.alter_column("products", "name", nullable=False),
        sends("ALTER TABLE products ALTER name SET NOT NULL"),
    ],
    "add-not-null": [adds("size", nullable=False)],
    "volatile-default": [
        adds("token", server_default=sa.text("gen_random_uuid()")),
        sends("ALTER TABLE products ADD COLUMN n bigserial"),
        sends("ALTER TABLE products ADD n bigint GENERATED ALWAYS AS IDENTITY"),
        sends("ALTER TABLE products ADD n timestamptz NOT NULL DEFAULT clock_timestamp()"),
    ],
    "not-valid": [
        lambda: op.create_check_constraint("positive", "products", "version > 0"),
        lambda: op.create_foreign_key("fk", "products", "users", ["created_by"], ["id"]),
    ],
    "validate": [sends("ALTER TABLE products VALIDATE CONSTRAINT positive")],
    "type": [lambda: op.alter_column("products", "version", type_=sa.BigInteger())],
    "backfill": [
        sends("UPDATE products SET name = 'x'"),
        sends("-- all of them\nDELETE FROM products"),
        lambda: op.get_bind().execute(sa.text("UPDATE products SET name = 'x'")),
    ],
    "lock": [sends("LOCK TABLE products"), sends("TRUNCATE products"), alone("VACUUM FULL products")],
    "lock-timeout": [sends("SET LOCAL lock_timeout = 0"), sends("ALTER ROLE stoa_app SET lock_timeout = '1h'")],
}

GOOD: dict[str, Callable[[], object]] = {
    "a new table with everything": both(
        sends("CREATE TABLE sizes (organization_id uuid NOT NULL, id uuid DEFAULT gen_random_uuid(), n int)"),
        sends("CREATE INDEX ON sizes (organization_id)", "ALTER TABLE sizes ALTER n SET NOT NULL"),
        sends("ALTER TABLE sizes ADD UNIQUE (organization_id, id)", "INSERT INTO sizes DEFAULT VALUES"),
    ),
    "a column that may be empty": lambda: op.add_column("products", sa.Column("size", sa.Integer())),
    "a column with a constant": lambda: op.add_column(
        "products", sa.Column("size", sa.Integer(), nullable=False, server_default="0")
    ),
    "a column with the time": sends("ALTER TABLE products ADD at timestamptz DEFAULT now() NOT NULL"),
    "an index built beside the work": alone(
        "CREATE INDEX CONCURRENTLY i ON products (name)", "DROP INDEX CONCURRENTLY j"
    ),
    "a unique constraint of a ready index": both(
        alone("CREATE UNIQUE INDEX CONCURRENTLY i ON products (organization_id, name)"),
        sends("ALTER TABLE products ADD CONSTRAINT uq UNIQUE USING INDEX i"),
    ),
    "a check in two steps": both(
        sends("ALTER TABLE products ADD CONSTRAINT c CHECK (name IS NOT NULL) NOT VALID"),
        alone("ALTER TABLE products VALIDATE CONSTRAINT c"),
        sends("ALTER TABLE products ALTER name SET NOT NULL", "ALTER TABLE products DROP CONSTRAINT c"),
    ),
    "a foreign key in two steps": both(
        sends("ALTER TABLE products ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES users (id) NOT VALID"),
        alone("ALTER TABLE products VALIDATE CONSTRAINT f"),
    ),
    "rows filled in batches": alone("UPDATE products SET name = 'x' WHERE id IN (SELECT id FROM products LIMIT 1000)"),
    "walls and grants": sends("ALTER TABLE products ENABLE ROW LEVEL SECURITY", "GRANT SELECT ON products TO stoa_app"),
    "a column may be empty from now on": lambda: op.alter_column("products", "name", nullable=True),
}


def test_the_revisions_after_the_first_release_keep_the_rules() -> None:
    """What a database in use has to bear."""
    assert [str(found) for found in lint(SCRIPT)] == []


def test_the_baseline_is_a_revision_and_what_came_before_it_would_be_found() -> None:
    """The linter reads real revisions: those from before the first release break rules, as they were free to."""
    assert BASELINE in {each.revision for each in SCRIPT.walk_revisions()}
    assert head() >= BASELINE
    before = {found.rule for found in lint(SCRIPT, after="0001")}
    assert {"index", "not-valid", "backfill"} <= before


@pytest.mark.parametrize(("rule", "upgrade"), [(rule, each) for rule, bad in BAD.items() for each in bad])
def test_a_rule_catches_its_bad_example(rule: str, upgrade: Callable[[], object]) -> None:
    """And only that rule, which says what to do instead."""
    assert broken(upgrade) == [rule]


def test_every_rule_has_a_bad_example() -> None:
    """A rule that catches nothing would go unnoticed."""
    assert RULES.keys() == BAD.keys()


@pytest.mark.parametrize("name", GOOD)
def test_a_good_example_is_let_be(name: str) -> None:
    """The way that docs/migrations.md shows."""
    assert broken(GOOD[name]) == []


def test_a_revision_may_say_why_it_breaks_a_rule() -> None:
    """An excuse counts for its own rule only, and has to have words."""
    bad = both(sends("ALTER TABLE products DROP COLUMN a"), sends("TRUNCATE products"))
    assert broken(bad, BREAKS={"drop": "Nothing has read it since 0.3."}) == ["lock"]
    assert broken(bad, BREAKS={"drop": ""}) == ["drop", "lock"]


def test_statements_in_an_autocommit_block_are_known_as_such() -> None:
    """What comes after the block is in a transaction again."""
    sent = statements(revision(both(sends("SELECT 1"), alone("SELECT 2"), sends("SELECT 3"))))
    assert [(each.sql, each.alone) for each in sent] == [("select 1", False), ("select 2", True), ("select 3", False)]
