"""The pages on a core that answers what a test puts into it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from httpx2 import ASGITransport, AsyncClient, Response

import application
from application.checkout.checkouts import GetCheckout, QuoteCheckout, SubmitCheckout
from application.kernel.actor import PLATFORM, Actor, ActorKind, Scope
from application.kernel.dispatcher import Call, Outcome
from application.kernel.use_case import load_registry
from application.kernel.wire import Wire
from domain.shared.errors import NotFound
from domain.shared.ids import UserId
from domain.shared.text import check_email, check_slug
from infrastructure.payments.sandbox_tokenizer import SandboxTokenizer
from infrastructure.payments.vault import SandboxVault
from interfaces.schema.charges import Charge, charge_nothing
from interfaces.web.app import WebApp
from tests.support.stack import FrozenClock

REGISTRY = load_registry(application)
REFERENCE = "r" * 30
GOOD_CARD = {"number": "4242 4242 4242 4242", "expiry": "12/39", "cvc": "123"}
SUM = {"total": "2490", "currency": "EUR"}
BUYER = {"email": "mara.lind@example.org", "name": "Mara Lind"}
SESSION = "stoa_ss_of-somebody-who-signed-in"
PERSON = Actor(
    kind=ActorKind.USER, id="usr_1", organization_id=PLATFORM, scopes=frozenset(Scope), user_id=UserId(UUID(int=1))
)
type Answer = Callable[[object], Wire]


def quoted(**changes: Wire) -> dict[str, Wire]:
    """Return an offer."""
    offer: dict[str, Wire] = {
        "slug": "espresso", "status": "open", "seller": "Harbour Coffee", "title": "Espresso blend, 1 kg",
        "description": "Roasted to order.", "quantity": 1, "total": {"amount": 2490, "currency": "EUR"},
        "min_quantity": 1, "max_quantity": 20,
    }  # fmt: skip
    return offer | changes


def bought(status: str, **changes: Wire) -> dict[str, Wire]:
    """Return a purchase."""
    purchase: dict[str, Wire] = {
        "status": status, "slug": "espresso", "seller": "Harbour Coffee", "title": "Espresso blend, 1 kg",
        "quantity": 2, "total": {"amount": 4980, "currency": "EUR"}, "number": "20261121-000042", "attempts": 1,
        "decline_code": None, "other_card_needed": False, "card_brand": "visa", "card_last_four": "4242",
        "processing_since": datetime.now(UTC), "paid_at": None, "success_url": None,
    }  # fmt: skip
    return purchase | changes


class Shop:
    """A core by hand: ``answers`` by use-case, and the calls that came."""

    def __init__(self) -> None:
        """Sell espresso."""
        self.calls: list[tuple[str, object, Call]] = []
        self.observed: list[tuple[str, str, str]] = []
        self.clock = FrozenClock()
        self.purchases: dict[str, dict[str, Wire]] = {}
        self.answers: dict[str, Answer] = {
            "checkouts.quote": _quote,
            "checkouts.get": self._purchase,
            "checkouts.submit": _submitted,
            "checkouts.retry": lambda _: {},
        }

    async def dispatch(self, name: str, command: object, call: Call) -> Outcome:
        """Answer as the dispatcher would."""
        self.calls.append((name, command, call))
        return Outcome(self.answers[name](command))

    async def authenticate(self, secret: str) -> Actor:
        """Recognise the session that was opened last, and nobody else."""
        assert secret == SESSION
        return PERSON

    def observe(self, use_case: str, face: str, code: str, seconds: float) -> None:
        """Remember what was measured."""
        self.observed.append((use_case, face, code))

    def app(self, *, sandbox: bool = True, charge: Charge = charge_nothing) -> WebApp:
        """Return the pages."""
        vault = SandboxVault(SandboxTokenizer(self.clock), b"secret-of-the-tests-0123456789ab", self.clock)
        return WebApp(
            dispatch=self.dispatch, registry=REGISTRY, observe=self.observe,
            authenticate=self.authenticate, vault=vault if sandbox else None, charge=charge,
        )  # fmt: skip

    def _purchase(self, command: object) -> Wire:
        assert isinstance(command, GetCheckout)
        if command.reference not in self.purchases:
            raise NotFound
        return dict(self.purchases[command.reference])


def _quote(command: object) -> Wire:
    assert isinstance(command, QuoteCheckout)
    if check_slug(command.slug) == "nothing-here":
        raise NotFound
    many = command.quantity or 1
    return quoted(slug=command.slug, quantity=many, total={"amount": 2490 * many, "currency": "EUR"})


def _submitted(command: object) -> Wire:
    assert isinstance(command, SubmitCheckout)
    check_email(command.email)
    return {}


@asynccontextmanager
async def visiting(app: WebApp) -> AsyncIterator[AsyncClient]:
    """Open a browser without any of a browser's helpfulness: no redirects are followed."""
    async with AsyncClient(transport=ASGITransport(app), base_url="http://shop.test") as client:
        yield client


async def sent(client: AsyncClient, *, slug: str = "espresso", **fields: str) -> Response:
    """Post a filled form to the vault and return where it sends the buyer."""
    form = {
        "slug": slug,
        "reference": REFERENCE,
        "quantity": "1",
        "shown_in": "en",
        **SUM,
        **BUYER,
        **GOOD_CARD,
        **fields,
    }
    return await client.post("/sandbox/vault", data=form)


def handle_of(response: Response) -> str:
    """Return the sealed handle of the way back."""
    return parse_qs(urlsplit(response.headers["location"]).query)["card"][0]


def plain(headers: Mapping[str, str]) -> str:
    """Return all header values as one text to search in."""
    return "\n".join(headers.values())


async def got(shop: Shop, path: str, **headers: str) -> Response:
    """Ask for one page."""
    async with visiting(shop.app()) as client:
        return await client.get(path, headers=headers)


def raising(error: Exception | type[Exception]) -> Answer:
    """Return an answer that is a failure."""

    def answer(_: object) -> Wire:
        raise error

    return answer
