"""What the database does for messages by itself: it keeps them as they were said, and finds their words.

A message is never changed, and only goes together with its conversation: the application has no right to delete one,
the foreign key does it, and a trigger refuses every other way.
"""

from infrastructure.persistence.tenancy import for_callers

_APPEND_ONLY = """
CREATE FUNCTION stoa_messages_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (
        SELECT FROM public.conversations c WHERE c.organization_id = OLD.organization_id AND c.id = OLD.conversation_id
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'messages are append-only' USING ERRCODE = 'insufficient_privilege';
END $$
"""

# Organization and conversation are words of every message, so that the index leads to nobody else's. No text has
# such words: those of texts are letters and digits.
_PLACES = "ARRAY['=' || {m}organization_id::text, '#' || {m}conversation_id::text]"
_WORDS = f"array_to_tsvector({_PLACES} || string_to_array({{m}}words, ' '))"

# No index on words can be used behind row security, since its operators are not leakproof. The owner of this function
# sees every organization's messages, and it names the current one by itself.
_CURRENT = "nullif(current_setting('app.organization_id', true), '')::uuid"
_ASKED = f"concat_ws(' & ', '''=' || {_CURRENT} || '''', '''#' || within || '''', wanted)::tsquery"
# What has the words is found first, and by nothing but their index; the organization stands beside it once more.
_FOUND = f"""
    WITH hits AS MATERIALIZED (
        SELECT m.organization_id, m.id, m.conversation_id FROM public.messages m
        WHERE {_WORDS.format(m="m.")} @@ {_ASKED}
    )
    SELECT h.id FROM hits h
    JOIN public.conversations c ON c.organization_id = h.organization_id AND c.id = h.conversation_id
    WHERE h.organization_id = {_CURRENT} AND c.deleted_at IS NULL
        AND (within IS NULL OR h.conversation_id = within)
        AND (before IS NULL OR h.id < before)
    ORDER BY h.id DESC LIMIT most
"""  # noqa: S608 - made of our own constants
# Planned without looking at the words: of rare ones the planner would rather read every message of everybody.
_SEARCH = f"""
CREATE FUNCTION stoa_search_messages(wanted text, within uuid, before uuid, most bigint) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off AS $$ {_FOUND} $$
"""
_GUARD = "EXECUTE FUNCTION stoa_messages_guard()"
_ARGUMENTS = "text, uuid, uuid, bigint"

INDEXES = frozenset({"ix_messages_words"})
"""Those on expressions, which PostgreSQL alone has."""

POSTGRES = [
    _APPEND_ONLY,
    f"CREATE TRIGGER messages_rows BEFORE UPDATE OR DELETE ON messages FOR EACH ROW {_GUARD}",
    f"CREATE TRIGGER messages_table BEFORE TRUNCATE ON messages {_GUARD}",
    # ALWAYS survives session_replication_role = replica, the usual way around triggers.
    *(f"ALTER TABLE messages ENABLE ALWAYS TRIGGER messages_{what}" for what in ("rows", "table")),
    f"CREATE INDEX ix_messages_words ON messages USING gin ({_WORDS.format(m='')})",
    _SEARCH,
    *for_callers(f"stoa_search_messages({_ARGUMENTS})"),
]
POSTGRES_DROP = [
    f"DROP FUNCTION stoa_search_messages({_ARGUMENTS})",
    "DROP FUNCTION stoa_messages_guard() CASCADE",
]

_REFUSE = "SELECT RAISE(ABORT, 'messages are append-only')"
_THERE = """EXISTS (
    SELECT 1 FROM conversations c WHERE c.organization_id = OLD.organization_id AND c.id = OLD.conversation_id
)"""

SQLITE = [
    f"CREATE TRIGGER messages_update BEFORE UPDATE ON messages BEGIN {_REFUSE}; END",
    f"CREATE TRIGGER messages_delete BEFORE DELETE ON messages WHEN {_THERE} BEGIN {_REFUSE}; END",
]
SQLITE_DROP = [f"DROP TRIGGER messages_{what}" for what in ("update", "delete")]
