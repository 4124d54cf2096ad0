"""The page of a purchase: being processed, paid with a receipt, or declined with another try."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from starlette.responses import Response

from domain.shared.money import Money
from interfaces.web.language import Language
from interfaces.web.pages import Pages, Visit

_SOON, _LATER = 2, 10  # seconds until the page asks again
_PATIENCE = timedelta(seconds=20)
_BRANDS = {"amex": "American Express", "diners": "Diners Club", "jcb": "JCB", "unionpay": "UnionPay"}


class Purchase(TypedDict):
    """What ``checkouts.get`` answers."""

    status: str
    slug: str
    seller: str
    title: str
    quantity: int
    total: dict[str, object]
    number: str
    attempts: int
    decline_code: str | None
    other_card_needed: bool
    card_brand: str | None
    card_last_four: str | None
    processing_since: datetime | None
    paid_at: datetime | None
    success_url: str | None


def show_purchase(
    pages: Pages, visit: Visit, purchase: Purchase, reference: str, *,
    vault: str | None, errors: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """Return the page. ``errors`` are of the form for another try, which only a declined purchase has."""
    t, status = visit.spoken, purchase["status"]
    own = errors if errors and status == "declined" else {}
    title, text = _title(t, purchase)
    paid_at, since = purchase["paid_at"], purchase["processing_since"]
    slow = since is not None and datetime.now(UTC) - since > _PATIENCE
    if status == "processing" and slow:
        text = t("processing.slow")
    address = visit.address(f"/pay/{purchase['slug']}/{reference}")
    return pages.show(
        "status.html", visit, status=422 if own else 200, title=title, text=text, purchase=purchase,
        seller=purchase["seller"], total=money(purchase["total"]),
        refresh=(_LATER if slow else _SOON) if status == "processing" else None, reason=_reason(t, purchase),
        card=_card(t, purchase), paid_at="" if paid_at is None else t.moment(paid_at), reference=reference,
        vault=vault, errors=own, here=address, offer=visit.address(f"/pay/{purchase['slug']}"),
    )  # fmt: skip


def money(amount: Mapping[str, object]) -> Money:
    """Read an amount from an answer."""
    return Money(int(str(amount["amount"])), str(amount["currency"]))


def _title(t: Language, purchase: Purchase) -> tuple[str, str]:
    status, seller = purchase["status"], purchase["seller"]
    if status == "refunded":
        return t("paid.refunded_title"), t("paid.refunded_text", seller=seller)
    if status == "declined":
        return t("declined.title"), ""
    return t(f"{status}.title"), t(f"{status}.text", seller=seller)


def _reason(t: Language, purchase: Purchase) -> str:
    """Return the key of why. Of a card that is reported stolen no more is said than that it will not do."""
    key = f"declines.{purchase['decline_code']}"
    if t.has(key):
        return key
    return "declines.permanent" if purchase["other_card_needed"] else "declines.other"


def _card(t: Language, purchase: Purchase) -> str:
    brand = purchase["card_brand"] or t("form.card")
    return t("paid.card", brand=_BRANDS.get(brand, brand.title()), last_four=purchase["card_last_four"])
