"""The pages by themselves: what they show, what they refuse, and what they never let out."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from httpx2 import ASGITransport, AsyncClient
from starlette.responses import PlainTextResponse

from application.checkout.checkouts import RetryCheckout, SubmitCheckout
from application.kernel.idempotency import IdempotencyInProgress, IdempotencyKeyReused
from domain.payments.checkout import CheckoutTotalChanged
from domain.payments.payment_link import PaymentLinkExpired
from domain.shared.errors import StoaError, Unavailable
from domain.shared.money import Money
from infrastructure.resilience.rate_limits import BURST_SECONDS, RateLimits
from interfaces.http.limits import Limited
from interfaces.web.app import Beside
from tests.interfaces.web.shop import REFERENCE, Shop, bought, got, quoted, raising, sent, visiting

PAGE = f"/pay/espresso/{REFERENCE}"


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_an_offer_is_a_form_that_posts_to_the_vault_and_nowhere_else(shop: Shop) -> None:
    """The card's fields are inside the one form whose action is the vault; the total is on the button."""
    page = (await got(shop, "/pay/espresso?quantity=3")).text
    (form,) = re.findall(r'<form method="post".*?</form>', page, re.DOTALL)
    assert 'action="/sandbox/vault"' in form
    assert all(f'name="{name}"' in form for name in ("number", "expiry", "cvc", "email", "name", "reference"))
    assert "Pay €74.70" in form
    assert "<script" not in page


async def test_every_form_has_a_secret_of_its_own(shop: Shop) -> None:
    """Two visits, two references of at least 128 random bits."""
    references = [re.search(r'name="reference" value="([^"]+)"', (await got(shop, "/pay/espresso")).text) for _ in "ab"]
    first, second = (found[1] for found in references if found)
    assert first != second
    assert min(len(first), len(second)) * 6 >= 128


@pytest.mark.parametrize("path", ["/pay/espresso", PAGE, "/pay/nothing-here", "/pay/espresso/return?card=x"])
async def test_every_page_is_careful(shop: Shop, path: str) -> None:
    """No page runs scripts, loads from elsewhere, is framed, stored, indexed or named to others."""
    shop.purchases[REFERENCE] = bought("paid")
    response = await got(shop, path)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert 'content="noindex"' in response.text
    assert re.findall(r'(?:src|href|action)="(?:https?:)?//', response.text) == []
    assert "set-cookie" not in response.headers


async def test_what_a_seller_wrote_is_text_and_never_markup(shop: Shop) -> None:
    """Names and descriptions are escaped wherever they appear."""
    evil = '"><script>alert(1)</script>'
    shop.answers["checkouts.quote"] = lambda _: quoted(title=evil, seller=evil, description=evil)
    shop.purchases[REFERENCE] = bought("paid", title=evil, seller=evil, card_brand=evil)
    for path in ("/pay/espresso", PAGE):
        assert "<script" not in (await got(shop, path)).text


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        ("expired", 410, "This payment link has expired"),
        ("used_up", 410, "This offer is sold out"),
        ("deactivated", 410, "This payment link is no longer active"),
    ],
)
async def test_a_link_that_is_over_says_why(shop: Shop, status: str, code: int, said: str) -> None:
    """Expired, used up and deactivated links have a page of their own and no form."""
    shop.answers["checkouts.quote"] = lambda _: quoted(status=status)
    response = await got(shop, "/pay/espresso")
    assert (response.status_code, said in response.text, "<form" in response.text) == (code, True, False)


@pytest.mark.parametrize("path", ["/pay/nothing-here", "/pay/No Slug!", "/pay/", "/pay/a/b/c", f"{PAGE}x", "/pay/x/"])
async def test_what_is_not_there_is_one_page(shop: Shop, path: str) -> None:
    """An unknown link, a malformed one and an unknown purchase look the same."""
    response = await got(shop, path)
    assert (response.status_code, "Page not found" in response.text) == (404, True)


async def test_a_purchase_is_only_found_below_its_own_link(shop: Shop) -> None:
    """The reference alone is no address."""
    shop.purchases[REFERENCE] = bought("paid")
    assert (await got(shop, PAGE)).status_code == 200
    assert (await got(shop, f"/pay/other/{REFERENCE}")).status_code == 404


async def test_a_purchase_in_progress_asks_again_by_itself(shop: Shop) -> None:
    """The page reloads every two seconds without any script, and after a while less often, saying so."""
    shop.purchases[REFERENCE] = bought("processing")
    assert '<meta http-equiv="refresh" content="2">' in (await got(shop, PAGE)).text
    shop.purchases[REFERENCE] = bought("processing", processing_since=datetime.now(UTC) - timedelta(minutes=1))
    slow = (await got(shop, PAGE)).text
    assert '<meta http-equiv="refresh" content="10">' in slow
    assert "longer than usual" in slow


async def test_a_paid_purchase_has_a_receipt(shop: Shop) -> None:
    """Number, product, amount, card and time; and the way on that the seller chose."""
    paid_at = datetime(2026, 3, 14, 12, 30, tzinfo=UTC)
    shop.purchases[REFERENCE] = bought("paid", paid_at=paid_at, success_url="https://shop.example/thanks?a=1&b=2")
    page = (await got(shop, PAGE)).text
    for said in ("Payment received", "20261121-000042", "Espresso blend, 1 kg", "€49.80", "Visa ending in 4242"):
        assert said in page
    assert "March 14, 2026, 12:30 UTC" in page
    assert 'href="https://shop.example/thanks?a=1&amp;b=2"' in page
    assert "refresh" not in page


@pytest.mark.parametrize(
    ("code", "permanent", "said"),
    [
        ("insufficient_funds", False, "not enough money"),
        ("card_declined", False, "Your bank declined the payment"),
        ("a_code_nobody_knows", False, "Your bank declined the payment"),
        ("stolen_card", True, "will not accept payments with this card"),
        ("authentication_required", True, "wants to confirm this payment"),
    ],
)
async def test_a_decline_says_why_and_offers_another_try(shop: Shop, code: str, permanent: bool, said: str) -> None:
    """The reason is in plain words; who holds a stolen card is not told that it is known to be one."""
    shop.purchases[REFERENCE] = bought("declined", decline_code=code, other_card_needed=permanent, attempts=2)
    page = (await got(shop, PAGE)).text
    assert said in page
    assert "stolen" not in page
    assert '<input type="hidden" name="after" value="2">' in page
    assert ("Pay with another card" if permanent else "Try again") in page


async def test_a_whole_purchase_is_one_call_under_the_forms_own_key(shop: Shop) -> None:
    """The vault's handle becomes a submission with token, brand and last four; the key is the form's secret."""
    async with visiting(shop.app()) as client:
        back = await sent(client, total="2490", currency="EUR", quantity="1", lang="de", shown_in="de")
        done = await client.get(back.headers["location"])
    assert (back.status_code, done.status_code) == (303, 303)
    assert done.headers["location"] == f"{PAGE}?lang=de"
    ((name, command, call),) = shop.calls
    assert isinstance(command, SubmitCheckout)
    assert (name, call.idempotency_key) == ("checkouts.submit", f"checkout:{REFERENCE}:0")
    assert (command.provider_token, command.last_four, command.locale) == ("tok_sandbox_success", "4242", "de")
    assert command.expected_total == Money(2490, "EUR")
    assert shop.observed == [("checkouts.submit", "web", "ok")]


async def test_another_try_is_one_call_per_attempt(shop: Shop) -> None:
    """The form of a declined purchase pays that purchase again, under a key of the attempt it answers."""
    async with visiting(shop.app()) as client:
        back = await sent(client, after="2")
        await client.get(back.headers["location"])
    ((name, command, call),) = shop.calls
    assert isinstance(command, RetryCheckout)
    assert (name, command.after, call.idempotency_key) == ("checkouts.retry", 2, f"checkout:{REFERENCE}:2")


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"number": "4242 4242 4242 4241"}, "number", "Check the card number"),
        ({"number": ""}, "number", "Enter your card number"),
        ({"expiry": "13/39"}, "expiry", "Enter the expiry date as month and year"),
        ({"expiry": "01/20"}, "expiry", "This card has expired"),
        ({"cvc": "12"}, "cvc", "The security code has 3 or 4 digits"),
        ({"email": " "}, "email", "Enter your email address"),
        ({"email": "nobody"}, "email", "Enter an email address like"),
        ({"name": "<b>"}, "name", "Enter your name without special characters"),
        ({"quantity": "99999999"}, "quantity", "This quantity is not available"),
        ({"quantity": "999999999"}, "quantity", "This quantity is not available"),
        ({"quantity": "0"}, "quantity", "This quantity is not available"),
        ({"quantity": "-5"}, "quantity", "This quantity is not available"),
        ({"quantity": "1e3"}, "quantity", "This quantity is not available"),
        ({"quantity": ""}, "quantity", "This quantity is not available"),
    ],
)
async def test_a_mistake_is_told_beside_its_field(shop: Shop, fields: dict[str, str], field: str, said: str) -> None:
    """The summary links to the field, the field names its message, and what was typed is there again."""
    async with visiting(shop.app()) as client:
        back = await sent(client, **fields)
        response = await client.get(back.headers["location"])
    page = response.text
    assert response.status_code == 422
    assert f'<a href="#{field}">' in page
    assert f'id="{field}-error">{said}' in page
    assert page.startswith("<!doctype html>")
    assert "<title>Error: " in page
    typed = {"email": "mara.lind@example.org", "name": "Mara Lind", **fields}
    shown = typed["email"].replace("<", "&lt;").replace(">", "&gt;")
    assert f'value="{shown}"' in page
    assert f'name="reference" value="{REFERENCE}"' in page
    assert "4242 4242" not in re.sub(r'<p class="test".*?</p>', "", page)


@pytest.mark.parametrize("error", [IdempotencyKeyReused(), IdempotencyKeyReused])
async def test_a_form_that_was_sent_before_leads_to_its_purchase(shop: Shop, error: StoaError) -> None:
    """A double click or a resent form ends where the first one ended."""
    shop.answers["checkouts.submit"] = raising(error)
    shop.purchases[REFERENCE] = bought("paid")
    async with visiting(shop.app()) as client:
        response = await client.get((await sent(client)).headers["location"])
    assert (response.status_code, response.headers["location"]) == (303, PAGE)


async def test_a_form_still_being_sent_waits(shop: Shop) -> None:
    """While the first click is at work the second one waits on a page that asks again by itself."""
    shop.answers["checkouts.submit"] = raising(IdempotencyInProgress())
    async with visiting(shop.app()) as client:
        response = await client.get((await sent(client)).headers["location"])
    assert response.status_code == 503
    assert '<meta http-equiv="refresh"' in response.text


async def test_a_changed_total_is_shown_before_anything_is_charged(shop: Shop) -> None:
    """Who agreed to another sum sees the new one and pays again, or not."""
    shop.answers["checkouts.submit"] = raising(CheckoutTotalChanged())
    async with visiting(shop.app()) as client:
        response = await client.get((await sent(client)).headers["location"])
    assert (response.status_code, "The total has changed" in response.text) == (422, True)


async def test_a_link_that_ends_while_the_form_is_open_says_so(shop: Shop) -> None:
    """The buyer reads that the offer is over."""
    shop.answers["checkouts.submit"] = raising(PaymentLinkExpired())
    shop.answers["checkouts.quote"] = lambda _: quoted(status="expired")
    async with visiting(shop.app()) as client:
        response = await client.get((await sent(client)).headers["location"])
    assert (response.status_code, "has expired" in response.text) == (410, True)


@pytest.mark.parametrize(("method", "path"), [("POST", "/pay/espresso"), ("GET", "/sandbox/vault"), ("PUT", PAGE)])
async def test_other_methods_are_refused(shop: Shop, method: str, path: str) -> None:
    """A page can be read and a form posted; nothing else."""
    async with visiting(shop.app()) as client:
        response = await client.request(method, path)
    assert (response.status_code, bool(response.headers["allow"])) == (405, True)


async def test_a_database_that_is_away_is_a_page_to_reload(shop: Shop) -> None:
    """Reloading the way back is safe, and the page says so."""
    shop.answers["checkouts.submit"] = raising(Unavailable())
    async with visiting(shop.app()) as client:
        back = await sent(client)
        response = await client.get(back.headers["location"])
    assert (response.status_code, response.headers["retry-after"]) == (503, "3")
    assert "You will not be charged twice" in response.text
    assert f'href="{back.headers["location"]}"' in response.text


async def test_a_mistake_of_ours_is_a_page_without_a_traceback(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """The reader gets a number to name; the cause is in the log and nowhere else."""
    shop.answers["checkouts.quote"] = raising(RuntimeError("a secret detail"))
    response = await got(shop, "/pay/espresso")
    assert response.status_code == 500
    assert response.headers["x-request-id"] in response.text
    assert "secret detail" not in response.text
    assert "secret detail" in caplog.text
    assert shop.observed == [("checkouts.quote", "web", "internal_error")]


async def test_a_page_speaks_the_readers_language_and_keeps_the_one_they_chose(shop: Shop) -> None:
    """The browser's language is used, a chosen one is carried through the form and the addresses."""
    german = (await got(shop, "/pay/espresso", **{"accept-language": "de-CH"})).text
    assert '<html lang="de" dir="ltr">' in german
    assert "24,90\xa0€ bezahlen" in german
    assert 'name="lang" value=""' in german
    chosen = (await got(shop, "/pay/espresso?lang=de&quantity=2")).text
    assert 'name="lang" value="de"' in chosen
    assert 'href="/pay/espresso?lang=en&amp;quantity=2"' in chosen


@pytest.mark.parametrize(
    ("path", "is_page"),
    [
        ("/pay/espresso", True), ("/sandbox/vault", True), ("/verify-email", True), ("/recover-password", True),
        ("/accept-invitation", True), ("/sign-up", True), ("/v1/products", False), ("/verify-email/x", False),
        ("/", False),
    ],
)  # fmt: skip
async def test_pages_stand_beside_the_api(shop: Shop, path: str, is_page: bool) -> None:
    """The addresses of pages lead to them at the server's own address, and all others to the API."""
    app = Beside(PlainTextResponse("the API"), shop.app())
    async with AsyncClient(transport=ASGITransport(app), base_url="http://shop.test") as client:
        assert ((await client.get(path)).text != "the API") is is_page


async def test_who_asks_for_too_many_pages_is_told_to_wait(shop: Shop) -> None:
    """A reader sees a page, a program a problem; both are told for how long."""
    limited = Limited(RateLimits(credential=0, organization=0, address=1, monotonic_ns=lambda: 0))
    app = limited.around(shop.app(charge=limited.charge))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://shop.test") as client:
        answers = [await client.get("/pay/espresso") for _ in range(BURST_SECONDS + 1)]
        program = await client.get("/pay/espresso", headers={"accept": "application/json"})
    assert [answer.status_code for answer in answers] == [200] * BURST_SECONDS + [429]
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].headers["content-type"].startswith("text/html")
    assert (program.status_code, program.json()["code"]) == (429, "rate_limited")
