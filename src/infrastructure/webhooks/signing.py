"""Signatures by the Standard Webhooks 1.0."""

import base64
import hmac
from collections.abc import Iterable


def signed_headers(message_id: str, timestamp: int, body: bytes, keys: Iterable[bytes]) -> dict[str, str]:
    """Return the three headers that let a receiver verify a message; several keys sign while one takes over.

    Args:
        message_id: the same for every try of one message.
        timestamp: of this try, in Unix seconds.
        body: the exact bytes that are sent.
        keys: what the receiver may know, the newest first.
    """
    content = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    signatures = [base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
