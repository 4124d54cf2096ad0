"""Who asks for signatures: this installation, at its public address."""

from urllib.parse import urlsplit

from application.wallets.signing_ports import ISignInOrigin
from domain.wallets.wallet_challenge import SignInOrigin


class PublicOrigin(ISignInOrigin):
    """The address below which people open Stoa's pages."""

    def __init__(self, public_url: str) -> None:
        """Take host and port from an address."""
        self._origin = SignInOrigin(domain=urlsplit(public_url).netloc, uri=public_url)

    def of_challenges(self) -> SignInOrigin:
        return self._origin
