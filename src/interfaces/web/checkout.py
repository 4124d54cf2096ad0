"""The hosted checkout: an offer, the way back from the vault, and how a purchase stands.

No page needs a cookie and nobody is signed in, so that a forged request from another site could do nothing that its
author could not do directly: there is no standing to borrow, and hence no token against it.
"""

import secrets
from collections.abc import Mapping
from typing import TypedDict, cast

from starlette.responses import Response

from application.kernel.idempotency import IdempotencyInProgress
from domain.catalog.price import PriceArchived
from domain.customers.customer import CustomerEmailTaken
from domain.payments.payment_link import PaymentLinkDeactivated, PaymentLinkExpired, PaymentLinkUsedUp
from domain.shared.errors import Conflict, Forbidden, Invalid, NotFound
from interfaces.web.forms import Submission, asked_quantity, problems_of, sentences
from interfaces.web.pages import Pages, Visit, go_to
from interfaces.web.runs import Runs
from interfaces.web.status import Purchase, money, show_purchase
from interfaces.web.vault import IVault

VAULT_PATH = "/sandbox/vault"
USED = ("checkouts.quote", "checkouts.submit", "checkouts.retry", "checkouts.get")
"""The use-cases behind these pages."""

# Forbidden is a seller who is out of business for now.
_LINK_IS_OVER = (PaymentLinkExpired, PaymentLinkUsedUp, PaymentLinkDeactivated, PriceArchived, Forbidden)
_GONE = 410


class Quote(TypedDict):
    """What ``checkouts.quote`` answers."""

    slug: str
    status: str
    seller: str
    title: str
    description: str
    quantity: int
    total: dict[str, object]
    min_quantity: int
    max_quantity: int | None


class Checkout:
    """The pages below ``/pay/``. Without a vault of ours the offers are shown and no card is taken."""

    def __init__(self, runs: Runs, pages: Pages, vault: IVault | None) -> None:
        """Keep what the pages are made with."""
        self._run = runs
        self._pages = pages
        self._vault = vault

    async def offer(self, visit: Visit, slug: str) -> Response:
        """Show what a link sells, with a form to buy it; each form has a fresh secret."""
        wanted, problems = asked_quantity(visit.query)
        return await self._offer(visit, slug, secrets.token_urlsafe(24), quantity=wanted, problems=problems)

    async def back(self, visit: Visit, slug: str, *, only_look: bool = False) -> Response:
        """Take what the vault sent back, buy once, and go on to the page of the purchase.

        This is the one GET that does something: a browser without scripts is sent on by nothing else. The handle is
        the buyer's own submission, sealed a moment ago and known to nobody else, and the form's secret and the attempt
        are the key of what happens; asked for again, in whatever way, the address buys nothing more. With
        ``only_look``, which is HEAD, it does nothing, and answers as if the purchase had gone well.
        """
        sealed = None if self._vault is None else self._vault.open(visit.query.get("card", ""))
        if sealed is None:
            return self._pages.notice("refused", visit, status=400)
        submission = Submission.read(sealed)
        if submission.slug.strip().lower() != slug.strip().lower():
            raise NotFound
        problems = dict(submission.problems)
        if submission.after is None:
            problems = submission.wrong() | problems
        if problems:
            return await self._correct(visit, submission, problems)
        return self._on(visit, submission) if only_look else await self._buy(visit, submission)

    async def status(self, visit: Visit, slug: str, reference: str) -> Response:
        """Show how a purchase stands."""
        purchase = await self._purchase(visit, reference)
        if purchase["slug"] != slug.lower():
            raise NotFound
        return show_purchase(self._pages, visit, purchase, reference, vault=self._vault_path)

    @property
    def _vault_path(self) -> str | None:
        return None if self._vault is None else VAULT_PATH

    async def _buy(self, visit: Visit, submission: Submission) -> Response:
        """Submit or retry; whatever says that it happened already leads to the page that shows it."""
        first = submission.after is None
        name, fields = ("checkouts.submit", submission.first()) if first else ("checkouts.retry", submission.again())
        key = f"checkout:{submission.reference}:{submission.after or 0}"
        try:
            await self._twice_if_needed(name, fields, visit, key)
        except _LINK_IS_OVER:
            return await self._offer(visit, submission.slug, submission.reference)
        except IdempotencyInProgress:
            return self._pages.notice("busy", visit, status=503, picture="clock", refresh=2, reload=visit.here)
        except (Conflict, Invalid, NotFound) as error:
            problems = problems_of(error)
            if problems is not None:
                return await self._correct(visit, submission, problems)
            if isinstance(error, NotFound) or not await self._exists(visit, submission.reference):
                raise
        return self._on(visit, submission)

    def _on(self, visit: Visit, submission: Submission) -> Response:
        return go_to(visit.address(f"/pay/{submission.slug}/{submission.reference}"))

    async def _twice_if_needed(self, name: str, fields: Mapping[str, object], visit: Visit, key: str) -> None:
        """Run a purchase; two first purchases of one person at once meet at the customer, who is then there."""
        try:
            await self._run(name, fields, visit, key=key)
        except CustomerEmailTaken:
            await self._run(name, fields, visit, key=key)

    async def _exists(self, visit: Visit, reference: str) -> bool:
        try:
            await self._purchase(visit, reference)
        except NotFound:
            return False
        return True

    async def _correct(self, visit: Visit, submission: Submission, problems: Mapping[str, str]) -> Response:
        """Show the form again with what was typed and what is wrong."""
        if submission.after is None:
            return await self._offer(
                visit, submission.slug, submission.reference,
                quantity=submission.quantity, typed=submission.typed, problems=problems,
            )  # fmt: skip
        purchase = await self._purchase(visit, submission.reference)
        said = sentences(problems, visit.spoken.texts)
        return show_purchase(self._pages, visit, purchase, submission.reference, vault=self._vault_path, errors=said)

    async def _offer(
        self, visit: Visit, slug: str, reference: str, *, quantity: int | None = None,
        typed: Mapping[str, str] | None = None, problems: Mapping[str, str] | None = None,
    ) -> Response:  # fmt: skip
        wrong = dict(problems or {})
        try:
            quote = await self._quote(visit, slug, quantity)
        except Invalid as error:
            if quantity is None or problems_of(error) is None:
                raise NotFound from error
            wrong["quantity"] = "quantity_out_of_range"
            quote = await self._quote(visit, slug, None)
        if quote["status"] != "open":
            return self._pages.notice(
                quote["status"], visit, status=_GONE, picture="clock", seller=quote["seller"],
                product=quote["title"],
            )  # fmt: skip
        if self._vault is None:
            return self._pages.notice(
                "unavailable", visit, status=503, seller=quote["seller"], product=quote["title"],
                detail=visit.spoken("unavailable.seller"),
            )  # fmt: skip
        errors = sentences(wrong, visit.spoken.texts)
        title = visit.spoken("offer.title", seller=quote["seller"])
        return self._pages.show(
            "offer.html", visit, status=422 if errors else 200, title=title, quote=quote, total=money(quote["total"]),
            seller=quote["seller"], reference=reference, errors=errors, typed=typed or {"email": "", "name": ""},
            vault=VAULT_PATH, here=visit.path, choice=_choice(quote),
        )  # fmt: skip

    async def _quote(self, visit: Visit, slug: str, quantity: int | None) -> Quote:
        return cast("Quote", await self._run("checkouts.quote", {"slug": slug, "quantity": quantity}, visit))

    async def _purchase(self, visit: Visit, reference: str) -> Purchase:
        try:
            return cast("Purchase", await self._run("checkouts.get", {"reference": reference}, visit))
        except Invalid as error:
            # What cannot be a reference is told like one that nobody has.
            raise NotFound from error


def _choice(quote: Quote) -> dict[str, int] | None:
    """Return the next smaller and larger quantity, 0 for none; None when there is nothing to choose."""
    least, most, now = quote["min_quantity"], quote["max_quantity"], quote["quantity"]
    if least == most:
        return None
    return {"fewer": now - 1 if now > least else 0, "more": now + 1 if most is None or now < most else 0}
