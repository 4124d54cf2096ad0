"""Where the links of mails lead: pages of the application that people use, below one public address."""

from urllib.parse import quote

from application.identity.ports import ILinks


class Links(ILinks):
    """Pages below ``public_url``, each with its secret as ``?token=``.

    The pages work without scripts, which alone could read what is behind a ``#``. They send ``Referrer-Policy:
    no-referrer`` and are stored nowhere, Stoa logs no query, and a token opens nothing once it was used.
    """

    def __init__(self, public_url: str) -> None:
        """Keep the address."""
        self._base = public_url.rstrip("/")

    def verify_email(self, secret: str) -> str:
        return self._page("verify-email", secret)

    def recover_password(self, secret: str) -> str:
        return self._page("recover-password", secret)

    def accept_invitation(self, secret: str) -> str:
        return self._page("accept-invitation", secret)

    def ask_recovery(self) -> str:
        return f"{self._base}/recover-password"

    def _page(self, name: str, secret: str) -> str:
        return f"{self._base}/{name}?token={quote(secret, safe='')}"
