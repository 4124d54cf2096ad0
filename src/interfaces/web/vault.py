"""The sandbox's vault as a web application of its own, in the place of a real provider's hosted fields.

It is the only thing in this process that sees a card number, and it is not part of the API: the form posts to it as
it would post to another company. It answers with an address of the shop and a sealed handle in it.
"""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from domain.shared.card_numbers import CardNumberMisplaced, holds_card_number
from domain.shared.text import check_slug
from interfaces.web.forms import read_form
from interfaces.web.pages import go_to

CARD_FIELDS = ("number", "expiry", "cvc")
PASSED_ON = (
    "slug", "reference", "after", "quantity", "total", "currency", "shown_in", "lang", "email", "name",
)  # fmt: skip
TYPED = ("email", "name")
_LONGEST = 300


class IVaultCard(Protocol):
    """What may be known of a card, or by field why it is none."""

    @property
    def shown(self) -> Mapping[str, object]:
        """Return token, brand, last four digits and expiry; empty when something is wrong."""
        ...

    @property
    def errors(self) -> Mapping[str, str]:
        """Return codes by field."""
        ...


class IVault(Protocol):
    """Exchanges cards for tokens, and seals what travels through the buyer's browser."""

    def tokenize(self, number: str, expiry: str, code: str) -> IVaultCard:
        """Exchange a card."""
        ...

    def seal(self, payload: Mapping[str, object]) -> str:
        """Return a handle that only this vault opens."""
        ...

    def open(self, handle: str) -> Mapping[str, object] | None:
        """Return what was sealed and whether it is ``stale``; None for what was not sealed here."""
        ...


async def exchange(request: Request, vault: IVault) -> Response:
    """Answer a posted form with the way back to the shop. Nothing is kept and nothing is logged.

    Raises:
        FormMalformed: it is no form.
        InvalidSlug: it names no shop to go back to.
    """
    form = await read_form(request)
    slug = check_slug(form.get("slug", ""))
    answer = vault.tokenize(*(form.get(name, "")[:_LONGEST] for name in CARD_FIELDS))
    passed = {name: form[name][:_LONGEST] for name in PASSED_ON if name in form}
    # What was typed into the wrong field goes no further than what was typed into the right one.
    misplaced = {name: CardNumberMisplaced.code for name in TYPED if holds_card_number(passed.get(name, ""))}
    passed |= dict.fromkeys(misplaced, "")
    handle = vault.seal({"fields": passed, "card": dict(answer.shown), "errors": {**answer.errors, **misplaced}})
    # Where it goes is made of a checked slug and nothing else, so that nobody can be sent anywhere else.
    parameters = {"card": handle, **({"lang": passed["lang"]} if passed.get("lang") else {})}
    return go_to(f"/pay/{slug}/return?{urlencode(parameters)}")
