"""What a buyer's purchase is known by."""

import secrets


def new_reference() -> str:
    """Choose a reference as Stoa's own page does; one in a thousand of hexadecimal digits reads like a card number."""
    return secrets.token_urlsafe(24)
