"""One identifier type per aggregate, and the TypeID text that shows them outside.

Inside Stoa an id is a UUIDv7; outside it reads ``cus_01m7xqdwdxecebcwzk30ktqpss``: the prefix names the aggregate, the
26 characters are the UUID in Crockford's base 32, so that text and UUID sort alike.
"""

import re
from typing import NewType
from uuid import UUID

from domain.shared.errors import ValidationError

OrganizationId = NewType("OrganizationId", UUID)
UserId = NewType("UserId", UUID)
MembershipId = NewType("MembershipId", UUID)
APIKeyId = NewType("APIKeyId", UUID)
SessionId = NewType("SessionId", UUID)
AuditEntryId = NewType("AuditEntryId", UUID)
CustomerId = NewType("CustomerId", UUID)
PaymentMethodId = NewType("PaymentMethodId", UUID)
ProductId = NewType("ProductId", UUID)
PriceId = NewType("PriceId", UUID)
PaymentLinkId = NewType("PaymentLinkId", UUID)
PaymentOrderId = NewType("PaymentOrderId", UUID)
PaymentAttemptId = NewType("PaymentAttemptId", UUID)
RefundId = NewType("RefundId", UUID)
CheckoutId = NewType("CheckoutId", UUID)
ProviderNoticeId = NewType("ProviderNoticeId", UUID)
WalletId = NewType("WalletId", UUID)
WalletTransactionId = NewType("WalletTransactionId", UUID)
AgentId = NewType("AgentId", UUID)
ToolId = NewType("ToolId", UUID)
TaskId = NewType("TaskId", UUID)
WorkflowId = NewType("WorkflowId", UUID)
WorkflowExecutionId = NewType("WorkflowExecutionId", UUID)
PlaybookId = NewType("PlaybookId", UUID)
PlaybookRunId = NewType("PlaybookRunId", UUID)
ConversationId = NewType("ConversationId", UUID)
MessageId = NewType("MessageId", UUID)
EventId = NewType("EventId", UUID)
WebhookEndpointId = NewType("WebhookEndpointId", UUID)
WebhookDeliveryId = NewType("WebhookDeliveryId", UUID)
InvitationId = NewType("InvitationId", UUID)
AuthIdentityId = NewType("AuthIdentityId", UUID)
SingleUseTokenId = NewType("SingleUseTokenId", UUID)
JournalEntryId = NewType("JournalEntryId", UUID)
MandateId = NewType("MandateId", UUID)
MandateHoldId = NewType("MandateHoldId", UUID)
ApprovalId = NewType("ApprovalId", UUID)
ToolUsageId = NewType("ToolUsageId", UUID)
ToolGrantId = NewType("ToolGrantId", UUID)
PerformanceRecordId = NewType("PerformanceRecordId", UUID)
TaskRunId = NewType("TaskRunId", UUID)
WorkflowStepId = NewType("WorkflowStepId", UUID)
WorkflowVersionId = NewType("WorkflowVersionId", UUID)
PlaybookVersionId = NewType("PlaybookVersionId", UUID)
AddressListingId = NewType("AddressListingId", UUID)
WalletChallengeId = NewType("WalletChallengeId", UUID)
WalletWatchId = NewType("WalletWatchId", UUID)
AcceptedTokenId = NewType("AcceptedTokenId", UUID)
TokenSettlementId = NewType("TokenSettlementId", UUID)

ID_PREFIXES: dict[object, str] = {
    OrganizationId: "org",
    UserId: "usr",
    MembershipId: "mem",
    APIKeyId: "key",
    SessionId: "ses",
    AuditEntryId: "aud",
    CustomerId: "cus",
    PaymentMethodId: "pm",
    ProductId: "prod",
    PriceId: "price",
    PaymentLinkId: "plink",
    PaymentOrderId: "ord",
    PaymentAttemptId: "att",
    RefundId: "ref",
    CheckoutId: "chk",
    ProviderNoticeId: "pn",
    WalletId: "wal",
    WalletTransactionId: "tx",
    AgentId: "agt",
    ToolId: "tool",
    TaskId: "task",
    WorkflowId: "wf",
    WorkflowExecutionId: "wfx",
    PlaybookId: "pbk",
    PlaybookRunId: "pbx",
    ConversationId: "conv",
    MessageId: "msg",
    EventId: "evt",
    WebhookEndpointId: "whe",
    WebhookDeliveryId: "whd",
    InvitationId: "inv",
    AuthIdentityId: "ident",
    SingleUseTokenId: "tok",
    JournalEntryId: "je",
    MandateId: "mdt",
    MandateHoldId: "hold",
    ApprovalId: "apr",
    ToolUsageId: "use",
    ToolGrantId: "grant",
    PerformanceRecordId: "perf",
    TaskRunId: "run",
    WorkflowStepId: "wfs",
    WorkflowVersionId: "wfv",
    PlaybookVersionId: "pbv",
    AddressListingId: "lst",
    WalletChallengeId: "wch",
    WalletWatchId: "wwt",
    AcceptedTokenId: "atok",
    TokenSettlementId: "stl",
}
"""Id type to its prefix; adapters look a type up here to show and read ids without knowing the aggregates."""

ID_TYPES: dict[str, object] = {prefix: id_type for id_type, prefix in ID_PREFIXES.items()}
"""The reverse of ``ID_PREFIXES``."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_SUFFIX_LENGTH = 26
_SUFFIX = re.compile("[0-7][0-9a-hjkmnp-tv-z]{25}")
# int() reads base 32 as 0-9a-v, so decoding is one translation and one call in C.
_TO_PYTHON_BASE_32 = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")


class InvalidId(ValidationError):
    """Not an id of the expected kind. The text itself is never repeated."""

    code = "id_invalid"
    summary = "The id is malformed or belongs to another kind of resource."


def encode_id(prefix: str, value: UUID) -> str:
    """Write an id as TypeID text.

    This runs for every id of every row of a list, hence the unrolled ten-bit chunks: 128 bits are 13 look-ups in a
    table of character pairs.
    """
    n = value.int
    p = _PAIRS
    return (
        f"{prefix}_{p[n >> 120]}{p[n >> 110 & 1023]}{p[n >> 100 & 1023]}{p[n >> 90 & 1023]}{p[n >> 80 & 1023]}"
        f"{p[n >> 70 & 1023]}{p[n >> 60 & 1023]}{p[n >> 50 & 1023]}{p[n >> 40 & 1023]}{p[n >> 30 & 1023]}"
        f"{p[n >> 20 & 1023]}{p[n >> 10 & 1023]}{p[n & 1023]}"
    )


def decode_id(prefix: str, text: str) -> UUID:
    """Read TypeID text strictly: exact prefix, lower case, no aliases of characters, at most 128 bits.

    Raises:
        InvalidId: the text is anything else.
    """
    separator = len(prefix)
    if len(text) != separator + 1 + _SUFFIX_LENGTH or not text.startswith(f"{prefix}_"):
        raise InvalidId
    suffix = text[separator + 1 :]
    if _SUFFIX.fullmatch(suffix) is None:
        raise InvalidId
    return UUID(int=int(suffix.translate(_TO_PYTHON_BASE_32), 32))


def uuid7(unix_ms: int, random_bits: int) -> UUID:
    """Lay out an RFC 9562 version 7 UUID; where time and randomness come from is the adapters' business.

    Args:
        unix_ms: milliseconds since 1970, 48 bits.
        random_bits: 74 bits; the upper 12 follow the timestamp, so a counter put there keeps ids of one
            millisecond in order.

    Raises:
        ValueError: an argument does not fit its bits, which is a mistake of the caller and not of a user.
    """
    if unix_ms < 0 or unix_ms >> 48:
        msg = "unix_ms must fit 48 bits"
        raise ValueError(msg)
    if random_bits < 0 or random_bits >> 74:
        msg = "random_bits must fit 74 bits"
        raise ValueError(msg)
    rand_a, rand_b = random_bits >> 62, random_bits & (1 << 62) - 1
    return UUID(int=unix_ms << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)
