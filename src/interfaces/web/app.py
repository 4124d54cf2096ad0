"""The face for people: purchases, what the links of mails lead to, and the sandbox's vault. Every failure is a page."""

import logging
from collections.abc import Mapping
from uuid import uuid4

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from application.kernel.actor import PUBLIC_ACTOR
from application.kernel.use_case import UseCase
from domain.shared.errors import NotFound, RateLimited, StoaError, Unavailable
from interfaces.schema.charges import Charge, charge_nothing
from interfaces.web import account, checkout, token_checkout
from interfaces.web.account import Account, Authenticate
from interfaces.web.checkout import VAULT_PATH, Checkout
from interfaces.web.language import choose
from interfaces.web.pages import Pages, Visit
from interfaces.web.runs import Dispatch, Observe, Runs
from interfaces.web.token_checkout import TokenCheckout, wants_data
from interfaces.web.vault import IVault, exchange

PAGES = "/pay/"
_LOG = logging.getLogger(__name__)
_LONGEST_PARAMETER = 4_096
_ADDRESSES = account.PATHS | {VAULT_PATH}


class WebApp:
    """An ASGI application without routes of a framework: there are seven addresses."""

    def __init__(
        self, *, dispatch: Dispatch, registry: Mapping[str, UseCase], observe: Observe, authenticate: Authenticate,
        vault: IVault | None, charge: Charge = charge_nothing,
    ) -> None:  # fmt: skip
        """Build the pages; ``vault`` is the sandbox's, and None where cards are real. ``charge`` counts requests."""
        self._pages = Pages(test_mode=vault is not None)
        self._vault = vault
        self._charge = charge
        self._checkout = Checkout(Runs(dispatch, registry, observe, checkout.USED), self._pages, vault)
        self._token_checkout = TokenCheckout(Runs(dispatch, registry, observe, token_checkout.USED))
        self._account = Account(Runs(dispatch, registry, observe, account.USED), self._pages, authenticate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        visit = _visit(request)
        bind_contextvars(request_id=visit.request_id)
        try:
            response = await self._safely(request, visit)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _safely(self, request: Request, visit: Visit) -> Response:
        """Answer with a page whatever happens; what went wrong is for the log."""
        try:
            # Nobody who looks at a page has a credential.
            self._charge(request.scope, PUBLIC_ACTOR)
            return await self._answer(request, visit)
        except RateLimited as error:
            if visit.path.startswith(PAGES) and wants_data(request):
                return token_checkout.refused(error, request, visit)
            return self._busy(visit, request, status=429, after=error.details.get("retry_after", 1))
        except NotFound:
            return self._pages.notice("missing", visit, status=404)
        except Unavailable as error:
            _LOG.warning("page unavailable: %s", error.code)
            return self._busy(visit, request, status=503, after=3)
        except StoaError:
            return self._pages.notice("refused", visit, status=400)
        except ClientDisconnect:
            raise
        except Exception:  # noqa: BLE001 - a reader never sees a traceback
            _LOG.exception("page failed")
            detail = visit.spoken("failed.reference", reference=visit.request_id)
            return self._pages.notice("failed", visit, status=500, detail=detail, reload=_again(request, visit))

    async def _answer(self, request: Request, visit: Visit) -> Response:
        if visit.path == VAULT_PATH and self._vault is not None:
            if request.method != "POST":
                return self._wrong_method(visit, "POST")
            return await exchange(request, self._vault)
        if visit.path in account.PATHS:
            if request.method not in ("GET", "HEAD", "POST"):
                return self._wrong_method(visit, "GET, HEAD, POST")
            return await self._account.answer(request, visit)
        return await self._purchase(request, visit)

    async def _purchase(self, request: Request, visit: Visit) -> Response:
        parts = visit.path.removeprefix(PAGES).split("/")
        if not visit.path.startswith(PAGES) or not all(parts) or len(parts) > 2:
            raise NotFound
        if request.method not in ("GET", "HEAD"):
            return self._wrong_method(visit, "GET, HEAD")
        if len(parts) == 1 and wants_data(request):
            return await self._token_checkout.answer(request, visit, parts[0])
        if len(parts) == 1:
            return await self._checkout.offer(visit, parts[0])
        if parts[1] == "return":
            return await self._checkout.back(visit, parts[0], only_look=request.method == "HEAD")
        return await self._checkout.status(visit, *parts)

    def _busy(self, visit: Visit, request: Request, *, status: int, after: object) -> Response:
        page = self._pages.notice("busy", visit, status=status, picture="clock", reload=_again(request, visit))
        page.headers["retry-after"] = str(after)
        return page

    def _wrong_method(self, visit: Visit, allowed: str) -> Response:
        page = self._pages.notice("refused", visit, status=405)
        page.headers["allow"] = allowed
        return page


class Beside:
    """Two applications at one address: pages for people here, everything else there."""

    def __init__(self, everything: ASGIApp, pages: ASGIApp) -> None:
        """Put the pages beside the application that also hears of the server's life."""
        self._everything = everything
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on."""
        ours = scope["type"] == "http" and (scope["path"].startswith(PAGES) or scope["path"] in _ADDRESSES)
        await (self._pages if ours else self._everything)(scope, receive, send)


def _visit(request: Request) -> Visit:
    """Read who asks; parameters that are longer than any of ours are not taken in."""
    query = {name: value for name, value in request.query_params.items() if len(value) <= _LONGEST_PARAMETER}
    query = {name: value for name, value in query.items() if name in ("card", "lang", "quantity", "to", "token")}
    spoken = choose(query.get("lang"), request.headers.get("accept-language"))
    asked = spoken.code if query.get("lang") == spoken.code else ""
    return Visit(request.url.path, query, asked, spoken, str(uuid4()))


def _again(request: Request, visit: Visit) -> str:
    """Return the address to reload; a form that was posted cannot be had again by asking for its address."""
    return visit.here if request.method in ("GET", "HEAD") else ""
