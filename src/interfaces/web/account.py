"""Where the links of mails lead: verifying an address, choosing another password, joining, and signing up.

Mail scanners open links before people do, so that GET and HEAD only show a form; what the token opens happens when
the form is sent. Nobody is signed in here and there are no cookies, so that a forged request from another site could
do nothing that its author could not do directly: there is no standing to borrow, and hence no token against it.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from application.kernel.actor import Actor
from application.kernel.idempotency import IdempotencyInProgress
from domain.identity.passwords import LONGEST, SHORTEST
from domain.shared.errors import RateLimited, StoaError
from interfaces.web.account_forms import FORMS, is_over, missing, problems_of, typed_in
from interfaces.web.forms import read_form
from interfaces.web.joining import JOINING, join
from interfaces.web.pages import Pages, Visit
from interfaces.web.runs import Runs

VERIFY, RECOVER, INVITATION, SIGN_UP = "/verify-email", "/recover-password", "/accept-invitation", "/sign-up"
PATHS = frozenset({VERIFY, RECOVER, INVITATION, SIGN_UP})
USED = (
    "account.verify_email", "account.request_verification", "account.recover_password", "account.request_recovery",
    "users.register", *JOINING,
)  # fmt: skip
"""The use-cases behind these pages."""

type Authenticate = Callable[[str], Awaitable[Actor]]
type Typed = Mapping[str, str]

# Path to the form for who comes with a token, and the form for who comes without; an empty text is no form.
_FORMS = {
    VERIFY: ("verify", "verify_again"),
    RECOVER: ("recover", "recover_ask"),
    INVITATION: ("invitation", ""),
    SIGN_UP: ("sign_up", "sign_up"),
}
# Form to where else one may want to go.
_ELSEWHERE = {
    "verify": (RECOVER,),
    "invitation": (SIGN_UP, RECOVER, VERIFY),
    "sign_up": (RECOVER, VERIFY),
    "verify_again": (SIGN_UP,),
    "recover_ask": (SIGN_UP,),
}
_OVER, _TOO_OFTEN = 410, 429


class Account:
    """The pages of accounts."""

    def __init__(self, runs: Runs, pages: Pages, authenticate: Authenticate) -> None:
        """Keep what runs use-cases, and who recognises the person that a page signs in for one of them."""
        self._runs = runs
        self._pages = pages
        self._authenticate = authenticate
        self._sends = {
            "verify": self._verify,
            "verify_again": self._verify_again,
            "recover": self._recover,
            "recover_ask": self._recover_ask,
            "invitation": self._join,
            "sign_up": self._sign_up,
        }

    async def answer(self, request: Request, visit: Visit) -> Response:
        """Show the form of an address, or do what a sent one asks for."""
        sent = await read_form(request) if request.method == "POST" else {}
        token = (sent.get("token") or visit.query.get("token", "")).strip()
        if token:
            # The choice of a language leads back to this page, and the page is nothing without its token.
            visit = replace(visit, query={**visit.query, "token": token})
        form = _FORMS[visit.path][0 if token else 1]
        if not form:
            return self._over(visit)
        if request.method != "POST":
            return self._form(form, visit)
        typed = typed_in(form, sent)
        problems = missing(form, typed)
        return self._form(form, visit, typed, problems) if problems else await self._send(form, visit, typed)

    async def _send(self, form: str, visit: Visit, typed: Typed) -> Response:
        try:
            return await self._sends[form](visit, typed)
        except IdempotencyInProgress:
            return self._pages.notice("busy", visit, status=503, picture="clock")
        except StoaError as error:
            if is_over(error):
                return self._over(visit)
            problems = problems_of(error)
            if problems is None:
                raise
            page = self._form(form, visit, typed, problems)
            if isinstance(error, RateLimited):
                page.status_code = _TOO_OFTEN
                page.headers["retry-after"] = str(error.details.get("retry_after", 60))
            return page

    async def _verify(self, visit: Visit, typed: Typed) -> Response:
        token = visit.query["token"]
        fields = {"token": token, "password": typed["password"] or None}
        await self._runs("account.verify_email", fields, visit, key=_key(token))
        return self._done("verified", visit)

    async def _recover(self, visit: Visit, typed: Typed) -> Response:
        token = visit.query["token"]
        fields = {"token": token, "password": typed["password"]}
        await self._runs("account.recover_password", fields, visit, key=_key(token))
        return self._done("recovered", visit)

    async def _verify_again(self, visit: Visit, typed: Typed) -> Response:
        await self._runs("account.request_verification", typed, visit)
        return self._mailed("mailed", visit, typed)

    async def _recover_ask(self, visit: Visit, typed: Typed) -> Response:
        await self._runs("account.request_recovery", typed, visit)
        return self._mailed("mailed", visit, typed)

    async def _sign_up(self, visit: Visit, typed: Typed) -> Response:
        await self._runs("users.register", typed, visit)
        return self._mailed("signed_up", visit, typed)

    async def _join(self, visit: Visit, typed: Typed) -> Response:
        token = visit.query["token"]
        is_new = await join(self._runs, self._authenticate, visit, token, typed, key=_key(token))
        return self._done("joined" if is_new else "member_already", visit)

    def _done(self, kind: str, visit: Visit) -> Response:
        """Say what happened. It cannot be had again in another language, and no token is on the page any more."""
        return self._pages.notice(kind, _without_token(visit), status=200, picture="check", languages=())

    def _mailed(self, kind: str, visit: Visit, typed: Typed) -> Response:
        """Say which mail to look for, whether or not anybody gets one."""
        return self._pages.notice(kind, visit, status=200, picture="mail", detail=typed["email"], languages=())

    def _over(self, visit: Visit) -> Response:
        """Say of a link that it will not do; used, too old, mistyped and made up look the same."""
        again = [] if visit.path == INVITATION else [(visit.address(visit.path), visit.spoken("account.link.again"))]
        kind = "invitation_link" if visit.path == INVITATION else "link"
        page = _without_token(visit)
        # The answer to a form cannot be had again; the page of an address that lacks its token can.
        languages = () if "token" in visit.query else page.languages()
        return self._pages.notice(kind, page, status=_OVER, links=again, languages=languages)

    def _form(
        self, form: str, visit: Visit, typed: Typed | None = None, problems: Mapping[str, str] | None = None
    ) -> Response:
        t, table = visit.spoken, f"account.{form}"
        shown = {each.name: "" if each.is_secret else (typed or {}).get(each.name, "") for each in FORMS[form]}
        said = {} if problems is None else _sentences(form, problems, visit)
        rules = {"min": SHORTEST, "max": LONGEST}
        hints = {each.name: f"{table}.{each.name}_hint" for each in FORMS[form]}
        return self._pages.show(
            "account.html", visit, status=422 if said else 200, title=t(f"{table}.title"), text=t(f"{table}.text"),
            button=t(f"{table}.button"), inputs=FORMS[form], typed=shown, errors=said,
            token=visit.query.get("token", "") if visit.path != SIGN_UP else "", action=visit.address(visit.path),
            hints={name: t(key, **rules) for name, key in hints.items() if t.has(key)},
            links=[(visit.address(path), t(f"account.to.{path[1:]}")) for path in _ELSEWHERE.get(form, ())],
        )  # fmt: skip


def _sentences(form: str, problems: Mapping[str, str], visit: Visit) -> dict[str, str]:
    """Return by field the key of what to say, in the order of the page."""
    said = {}
    for name in ("form", *(each.name for each in FORMS[form])):
        if name in problems:
            keys = (f"account.{form}.{problems[name]}", f"account_errors.{problems[name]}", f"errors.{problems[name]}")
            said[name] = next((key for key in keys if visit.spoken.has(key)), "errors.other")
    return said


def _key(token: str) -> str:
    """Return the key that makes a form sent twice the same thing, without keeping the token in it."""
    return f"page:{hashlib.sha256(token.encode('utf-8', 'replace')).hexdigest()}"


def _without_token(visit: Visit) -> Visit:
    return replace(visit, query={name: value for name, value in visit.query.items() if name != "token"})
