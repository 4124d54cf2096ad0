"""Strangers find nothing of an organization that is not active, and failed orders hold no use of their link.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

from infrastructure.persistence import tenancy

revision = "0013"
down_revision = "0012"

_FIND = """
CREATE OR REPLACE FUNCTION stoa_find_{kind}(wanted text) RETURNS TABLE (organization_id uuid, subject_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
SELECT l.organization_id, l.subject_id FROM public.lookups l {join} WHERE l.kind = '{kind}' AND l.value = wanted
$$
"""
_ACTIVE = (
    "JOIN public.organizations o ON o.organization_id = l.organization_id AND o.id = l.organization_id "
    "AND o.status = 'active'"
)
_FAILED = (
    "(SELECT count(*) FROM payment_orders o WHERE o.organization_id = payment_links.organization_id "
    "AND o.payment_link_id = payment_links.id AND o.status = 'failed')"
)


def upgrade() -> None:
    _find(_ACTIVE)
    _count_uses(f"CASE WHEN uses > {_FAILED} THEN uses - {_FAILED} ELSE 0 END")


def downgrade() -> None:
    _find("")
    # A use that was given back may have been sold since; more than there are cannot be counted.
    _count_uses(f"CASE WHEN uses + {_FAILED} > max_uses THEN max_uses ELSE uses + {_FAILED} END")


def _find(join: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for kind in ("payment_link", "checkout"):
            op.execute(_FIND.format(kind=kind, join=join))


def _count_uses(uses: str) -> None:
    with tenancy.past_the_walls(op, "payment_links", "payment_orders"):
        op.execute(f"UPDATE payment_links SET uses = {uses} WHERE {_FAILED} > 0")  # noqa: S608 - our own constants
