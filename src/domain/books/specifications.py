"""Questions about journal entries."""

from datetime import datetime

from domain.books.journal_entry import Account, EntryType, JournalEntry, types_touching
from domain.shared.ids import PaymentOrderId
from domain.shared.specification import Equal, Everything, GreaterOrEqual, In, LessThan, Spec


def entries_matching(
    *, payment_order_id: PaymentOrderId | None = None, account: Account | None = None, type: EntryType | None = None,
    since: datetime | None = None, until: datetime | None = None,
) -> Spec[JournalEntry]:  # fmt: skip
    """Entries of that order, that move that account, of that type, posted from ``since`` on and before ``until``."""
    found: Spec[JournalEntry] = Everything()
    if payment_order_id is not None:
        found &= Equal("payment_order_id", payment_order_id)
    if account is not None:
        found &= In("type", types_touching(account))
    if type is not None:
        found &= Equal("type", type)
    if since is not None:
        found &= GreaterOrEqual("created_at", since)
    return found if until is None else found & LessThan("created_at", until)
