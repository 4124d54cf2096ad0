"""What a buyer typed: read strictly, and told back field by field when something is wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl

from starlette.requests import Request

from domain.shared.errors import MalformedInput, StoaError
from interfaces.schema.problems import FieldError, InvalidCommand
from interfaces.web.language import LANGUAGES

MAX_FORM = 16 * 1024
_MAX_FIELDS = 30
_MOST_DIGITS = 18
FIELDS = ("quantity", "email", "name", "number", "expiry", "cvc")
"""In the order of the page, which is the order in which mistakes are listed."""

# Which field a failure is about, when it names none.
_ABOUT = {
    "email_invalid": "email",
    "text_invalid": "name",
    "quantity_out_of_range": "quantity",
    "amount_invalid": "quantity",
    "payment_method_expired": "expiry",
    "provider_token_invalid": "number",
    "checkout_total_changed": "form",
    "checkout_attempts_exhausted": "form",
}
_TEXTS = {"name": "errors.name_invalid", "email": "errors.email_invalid", "quantity": "errors.quantity_out_of_range"}


class FormMalformed(MalformedInput):
    """The body is no form, or larger than any form of ours."""

    code = "form_malformed"
    summary = "The form could not be read."


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of an URL-encoded form; of a repeated one the last.

    Raises:
        FormMalformed: it is something else, or too large.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise FormMalformed
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise FormMalformed from None
    if kind != "application/x-www-form-urlencoded" or "\0" in "".join(value for _, value in pairs):
        raise FormMalformed
    return dict(pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A form on its way from the vault to the shop.

    Attributes:
        reference: the secret of the form, later of the purchase.
        after: how many attempts the buyer saw decline; None for a first submission.
        typed: what the buyer wrote, to be shown again; never a card number.
        card: what the vault lets the shop know of the card.
        problems: what the vault found wrong, by field.
    """

    slug: str
    reference: str
    after: int | None
    quantity: int | None
    total: int | None
    currency: str
    shown_in: str
    typed: Mapping[str, str]
    card: Mapping[str, object] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, payload: Mapping[str, object]) -> "Submission":
        """Read what the vault sealed: the form's own fields, the card, and what is wrong with it.

        Raises:
            FormMalformed: it is neither a first submission nor another try.
        """
        fields = cast("Mapping[str, str]", payload["fields"])
        if fields.get("after") and number(fields["after"]) is None:
            raise FormMalformed
        problems = dict(cast("Mapping[str, str]", payload["errors"]))
        if payload["stale"]:
            problems = {"form": "errors.stale"}
        return cls(
            slug=fields.get("slug", ""),
            reference=fields.get("reference", ""),
            after=number(fields.get("after")),
            quantity=number(fields.get("quantity")),
            total=number(fields.get("total")),
            currency=fields.get("currency", ""),
            shown_in=fields.get("shown_in", ""),
            typed={"email": fields.get("email", ""), "name": fields.get("name", "")},
            card=cast("Mapping[str, object]", payload["card"]),
            problems=problems,
        )

    def first(self) -> dict[str, object]:
        """Return the fields of ``checkouts.submit``, once :meth:`wrong` finds nothing."""
        return {
            "slug": self.slug, "reference": self.reference, "quantity": self.quantity,
            "email": self.typed["email"].strip(), "name": self.typed["name"].strip(),
            "expected_total": {"amount": self.total, "currency": self.currency},
            "locale": self.shown_in if self.shown_in in LANGUAGES else LANGUAGES[0], **self.card,
        }  # fmt: skip

    def again(self) -> dict[str, object]:
        """Return the fields of ``checkouts.retry``."""
        return {"reference": self.reference, "after": self.after, **self.card}

    def wrong(self) -> dict[str, str]:
        """Say of a first submission what it lacks, and what no form of ours would send; it buys nothing then.

        A total or a quantity that cannot be read is never left out: the buyer agreed to something, and not to a guess.
        """
        problems = {name: "required" for name, value in self.typed.items() if not value.strip()}
        if not self.quantity:
            problems["quantity"] = "quantity_out_of_range"
        if self.total is None or not self.currency:
            problems["form"] = "checkout_total_changed"
        return problems


def number(text: str | None) -> int | None:
    """Return a whole number of at most 18 digits, or None for anything else."""
    return int(text) if text and len(text) <= _MOST_DIGITS and text.isascii() and text.isdigit() else None


def asked_quantity(query: Mapping[str, str]) -> tuple[int | None, dict[str, str]]:
    """Return the quantity that an address asks for, and what is wrong with it; none at all is no mistake."""
    asked = query.get("to") or query.get("quantity") or ""
    wanted = number(asked) or None
    return wanted, {"quantity": "quantity_out_of_range"} if asked and wanted is None else {}


def sentences(codes: Mapping[str, str], known: Iterable[str]) -> dict[str, str]:
    """Return by field the key of what to say, in the order of the page; ``known`` are the keys there are."""
    texts = set(known)
    said = {}
    for name in ("form", *FIELDS):
        if name not in codes:
            continue
        code = codes[name]
        choices = (code, f"errors.{code}_{name}", f"errors.{code}", _TEXTS.get(name, "errors.other"))
        said[name] = next(choice for choice in choices if choice in texts)
    return said


def problems_of(error: StoaError) -> dict[str, str] | None:
    """Return by field what a person can put right, or None when it is nothing of the kind."""
    if isinstance(error, InvalidCommand):
        return _by_field(error.errors)
    about = _ABOUT.get(error.code)
    if error.code == "card_number_misplaced":
        path = str(error.details.get("path"))
        about = path if path in FIELDS else "form"
    return None if about is None else {about: error.code}


def _by_field(errors: Iterable[FieldError]) -> dict[str, str]:
    found = {}
    for error in errors:
        name = error.path.partition(".")[0]
        shown = name if name in FIELDS else "number" if name == "provider_token" else "form"
        # What was agreed to is no sum at all, and hence another one than the purchase costs.
        found[shown] = "checkout_total_changed" if name == "expected_total" else "other"
        if name in {*FIELDS, "provider_token"}:
            found[shown] = error.code
    return found
