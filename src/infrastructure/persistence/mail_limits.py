"""Counting mails, in the transaction that has them sent: a rollback gives the mail back, and twins wait for each other.

A subject is a digest of a kind of mail and of whom it is for; kept are the moments of its last five mails, in seconds
since 1970. Nobody reads the table but the one function, for it says who was written to.
"""

import hashlib
from itertools import pairwise
from typing import cast

from sqlalchemy import BigInteger, Executable, bindparam, func, select
from sqlalchemy import text as sql

from application.kernel.unit_of_work import IMailLimits
from domain.identity.mail_limits import MAX_MAILS, PER
from infrastructure.persistence import tenancy
from infrastructure.persistence.session import Session
from infrastructure.persistence.types import text

_SECONDS = int(PER.total_seconds())
_MOMENTS = [f"at_{n}" for n in range(1, MAX_MAILS + 1)]
_SHIFTED = ", ".join(f"{at} = m.{newer}" for newer, at in pairwise(_MOMENTS))

# The oldest moment that is kept has to be an hour ago; else the row stays as it is, and none is returned.
_TAKE = f"""
INSERT INTO {{schema}}mail_limits AS m (subject, {", ".join(_MOMENTS)})
VALUES ({{wanted}}, {{at}}{", 0" * (MAX_MAILS - 1)})
ON CONFLICT (subject) DO UPDATE SET at_1 = excluded.at_1, {_SHIFTED}
WHERE m.{_MOMENTS[-1]} + {_SECONDS} <= excluded.at_1
RETURNING 1
"""  # noqa: S608 - made of our own constants only
# A few forgotten subjects go with every mail, so that the table stays small; none is waited for.
_FORGET = f"""
DELETE FROM public.mail_limits WHERE subject IN (SELECT f.subject FROM public.mail_limits f
    WHERE f.at_1 + {_SECONDS} < at AND f.subject <> wanted ORDER BY f.at_1 LIMIT 10 FOR UPDATE SKIP LOCKED)
"""  # noqa: S608 - as above
_CREATE = """
CREATE FUNCTION stoa_take_mail(wanted text, at bigint) RETURNS SETOF int LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog AS $$ {query} $$
"""
_SIGNATURE = "stoa_take_mail(text, bigint)"


class MailLimits(IMailLimits):
    """Mails that may still go out, counted in the unit of work's transaction."""

    def __init__(self, session: Session) -> None:
        """Count in this transaction."""
        self._session = session

    async def take(self, kind: str, subject: str) -> bool:
        """Count one mail unless there were too many."""
        session = self._session
        statement = session.prepare("mail-take", lambda: _take(postgres=session.database.is_postgres))
        wanted = hashlib.sha256(f"{kind}:{subject}".encode()).hexdigest()
        rows = await session.rows(statement, {"wanted": wanted, "at": int(session.now().timestamp())})
        return bool(rows) and cast("int", rows[0][0]) == 1


def _take(*, postgres: bool) -> Executable:
    if postgres:
        return select(func.stoa_take_mail(bindparam("wanted", type_=text()), bindparam("at", type_=BigInteger())))
    return sql(_TAKE.format(schema="", wanted=":wanted", at=":at"))


def create() -> list[str]:
    """Return the statements that wall the table and make the one function that writes it."""
    take = _TAKE.format(schema="public.", wanted="wanted", at="at")
    return [
        "ALTER TABLE mail_limits ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE mail_limits FORCE ROW LEVEL SECURITY",
        *tenancy.worker_policy("mail_limits", tenancy.AUTH, ["SELECT", "INSERT", "UPDATE", "DELETE"]),
        _CREATE.format(query=f"{_FORGET}; {take}"),
        *tenancy.for_callers(_SIGNATURE),
    ]


def drop() -> list[str]:
    """Return the statement that undoes :func:`create`, but for what goes with the table."""
    return [f"DROP FUNCTION {_SIGNATURE}"]
