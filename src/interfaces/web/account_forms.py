"""The forms of the pages that mails lead to: what they ask for, and what to say when something typed is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.identity.passwords import LONGEST
from domain.shared.errors import StoaError
from interfaces.schema.problems import InvalidCommand

_OVER = frozenset(
    {
        *("token_invalid", "invitation_ended", "organization_suspended", "organization_closed"),
        # The form was sent before, with something else in it.
        "idempotency_key_reused",
    }
)
# Which field a failure is about. A text of the form itself comes before the one for all of them.
_ABOUT = {
    "credentials_invalid": "password",
    "sign_in_locked": "form",
    "email_unverified": "email",
    "user_suspended": "form",
    "email_invalid": "email",
    "text_invalid": "name",
    "card_number_misplaced": "name",
}
_UNFIT = {"password": "password_length", "email": "email_invalid", "name": "name_invalid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One field. A secret is never shown again; ``most`` is how many characters fit in."""

    name: str
    type: str
    autocomplete: str
    most: int
    required: bool = True

    @property
    def is_secret(self) -> bool:
        """Say whether what was typed has to be typed again."""
        return self.type == "password"


def _password(name: str, autocomplete: str, *, required: bool = True) -> Input:
    return Input(name=name, type="password", autocomplete=autocomplete, most=LONGEST, required=required)


_EMAIL = Input(name="email", type="email", autocomplete="email", most=254)
_NAME = Input(name="name", type="text", autocomplete="name", most=200)

FORMS: Mapping[str, tuple[Input, ...]] = {
    # An account that the operator made has no password, and then none is to be given.
    "verify": (_password("password", "current-password", required=False),),
    "verify_again": (_EMAIL,),
    "recover": (_password("password", "new-password"), _password("repeated", "new-password")),
    "recover_ask": (_EMAIL,),
    "invitation": (_EMAIL, _password("password", "current-password")),
    "sign_up": (_NAME, _EMAIL, _password("password", "new-password")),
}
"""Each form's fields, in the order of the page; its texts are the table ``account.<form>``."""


def typed_in(form: str, sent: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed, by field; a password is taken as it is, and everything else without space around it."""
    return {
        each.name: sent.get(each.name, "") if each.is_secret else sent.get(each.name, "").strip()
        for each in FORMS[form]
    }


def missing(form: str, typed: Mapping[str, str]) -> dict[str, str]:
    """Say by field what is still to be filled in, or was typed differently the second time."""
    found = {each.name: f"required_{each.name}" for each in FORMS[form] if each.required and not typed[each.name]}
    if not found and "repeated" in typed and typed["repeated"] != typed["password"]:
        found["repeated"] = "not_repeated"
    return found


def is_over(error: StoaError) -> bool:
    """Say whether the link itself will not do. Whether it was used, is too old or never was one is told nowhere."""
    if isinstance(error, InvalidCommand):
        return any(each.path == "token" for each in error.errors)
    return error.code in _OVER


def problems_of(error: StoaError) -> dict[str, str] | None:
    """Return by field what a person can put right, or None when it is nothing of the kind."""
    if isinstance(error, InvalidCommand):
        return {each.path: _UNFIT[each.path] for each in error.errors if each.path in _UNFIT} or None
    if error.code == "password_invalid":
        return {"password": f"password_{error.details.get('reason')}"}
    about = _ABOUT.get(error.code)
    return None if about is None else {about: "name_invalid" if about == "name" else error.code}
