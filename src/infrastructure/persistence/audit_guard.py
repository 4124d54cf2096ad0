"""Database triggers that keep audit entries append-only, whoever writes.

One transition is allowed: the sealer fills ``seq`` and ``hash`` of an unsealed entry, and nothing else changes.
"""

_FUNCTION = """
CREATE FUNCTION stoa_audit_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.seq IS NULL AND OLD.hash IS NULL AND NEW.seq IS NOT NULL AND NEW.hash IS NOT NULL
            AND to_jsonb(NEW) - 'seq' - 'hash' = to_jsonb(OLD) - 'seq' - 'hash' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit entries are append-only' USING ERRCODE = 'insufficient_privilege';
END $$
"""

_GUARD_ROWS = """
CREATE TRIGGER audit_rows BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION stoa_audit_guard()
"""

POSTGRES = [
    _FUNCTION,
    _GUARD_ROWS,
    "CREATE TRIGGER audit_table BEFORE TRUNCATE ON audit_entries EXECUTE FUNCTION stoa_audit_guard()",
    # ALWAYS survives session_replication_role = replica, the usual way around triggers.
    "ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_rows",
    "ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_table",
]
POSTGRES_DROP = [
    "DROP TRIGGER audit_rows ON audit_entries",
    "DROP TRIGGER audit_table ON audit_entries",
    "DROP FUNCTION stoa_audit_guard()",
]

_KEPT = (
    "organization_id", "id", "entry_no", "occurred_at", "actor", "action", "operation", "subject_type", "subject_id",
    "subject_version", "changes", "request_id",
)  # fmt: skip
_SEALING = " AND ".join(
    ["OLD.seq IS NULL", "OLD.hash IS NULL", "NEW.seq IS NOT NULL", "NEW.hash IS NOT NULL"]
    + [f"NEW.{column} IS OLD.{column}" for column in _KEPT]
)
_REFUSE = "SELECT RAISE(ABORT, 'audit entries are append-only')"

SQLITE = [
    f"CREATE TRIGGER audit_update BEFORE UPDATE ON audit_entries WHEN NOT ({_SEALING}) BEGIN {_REFUSE}; END",
    f"CREATE TRIGGER audit_delete BEFORE DELETE ON audit_entries BEGIN {_REFUSE}; END",
]
SQLITE_DROP = ["DROP TRIGGER audit_update", "DROP TRIGGER audit_delete"]
