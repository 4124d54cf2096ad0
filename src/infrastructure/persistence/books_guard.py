"""Database triggers that keep the books append-only and balanced, whoever writes.

PostgreSQL looks when the transaction commits; SQLite, which has no such triggers, with the last line of an entry.
"""

_APPEND_ONLY = """
CREATE FUNCTION stoa_books_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'the books are append-only' USING ERRCODE = 'insufficient_privilege';
END $$
"""

# It runs with the rights, and behind the walls, of whoever commits: an entry it cannot see is no balanced one.
_BALANCED = """
CREATE FUNCTION stoa_books_balanced() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    entry uuid := CASE TG_TABLE_NAME WHEN 'journal_entries' THEN to_jsonb(NEW) ->> 'id'
        ELSE to_jsonb(NEW) ->> 'journal_entry_id' END;
    found bigint;
    wanted bigint;
BEGIN
    SELECT count(*) INTO found FROM public.journal_postings p
        WHERE p.organization_id = NEW.organization_id AND p.journal_entry_id = entry;
    SELECT e.lines INTO wanted FROM public.journal_entries e
        WHERE e.organization_id = NEW.organization_id AND e.id = entry;
    IF found = 0 OR found IS DISTINCT FROM wanted OR EXISTS (
        SELECT FROM public.journal_postings p
        WHERE p.organization_id = NEW.organization_id AND p.journal_entry_id = entry
        GROUP BY p.amount_currency
        HAVING sum(CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END) <> 0
    ) THEN
        RAISE EXCEPTION 'journal entry % does not balance', entry
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_journal_entries_balanced';
    END IF;
    RETURN NULL;
END $$
"""

TABLES = ("journal_entries", "journal_postings")


def _postgres(table: str) -> list[str]:
    refuse = "EXECUTE FUNCTION stoa_books_guard()"
    deferred = "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stoa_books_balanced()"
    # ALWAYS survives session_replication_role = replica, the usual way around triggers.
    return [
        f"CREATE TRIGGER {table}_rows BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {refuse}",
        f"CREATE TRIGGER {table}_table BEFORE TRUNCATE ON {table} {refuse}",
        f"CREATE CONSTRAINT TRIGGER {table}_balanced AFTER INSERT ON {table} {deferred}",
        *(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_{what}" for what in ("rows", "table", "balanced")),
    ]


POSTGRES = [_APPEND_ONLY, _BALANCED, *(statement for table in TABLES for statement in _postgres(table))]
POSTGRES_DROP = ["DROP FUNCTION stoa_books_guard() CASCADE", "DROP FUNCTION stoa_books_balanced() CASCADE"]

_REFUSE = "SELECT RAISE(ABORT, 'the books are append-only')"
# The lines of the entry that the new line belongs to; complete when there are as many as the entry says.
_LINES = """
FROM journal_postings p JOIN journal_entries e ON e.organization_id = p.organization_id AND e.id = p.journal_entry_id
WHERE p.organization_id = NEW.organization_id AND p.journal_entry_id = NEW.journal_entry_id
"""
_WRONG = "sum(CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END) <> 0"
_IS_COMPLETE = f"(SELECT count(*) >= min(e.lines) {_LINES})"
_IS_WRONG = f"EXISTS (SELECT 1 {_LINES} GROUP BY p.amount_currency HAVING {_WRONG})"
_CHECK = f"AFTER INSERT ON journal_postings WHEN {_IS_COMPLETE} AND {_IS_WRONG}"
_REFUSE_WRONG = "SELECT RAISE(ABORT, 'the journal entry does not balance')"

SQLITE = [
    *(
        f"CREATE TRIGGER {table}_{what} BEFORE {what.upper()} ON {table} BEGIN {_REFUSE}; END"
        for table in TABLES
        for what in ("update", "delete")
    ),
    f"CREATE TRIGGER journal_postings_balanced {_CHECK} BEGIN {_REFUSE_WRONG}; END",
]
SQLITE_DROP = [
    *(f"DROP TRIGGER {table}_{what}" for table in TABLES for what in ("update", "delete")),
    "DROP TRIGGER journal_postings_balanced",
]
