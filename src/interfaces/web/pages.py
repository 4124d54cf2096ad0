"""Pages: templates with escaping always on, and headers that let a page load and run nothing but itself."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from interfaces.web.language import LANGUAGES, Language, language

_FOLDER = Path(__file__).parent / "templates"
_ABSENT: dict[str, object] = {
    "errors": {},
    "refresh": None,
    "seller": "",
    "detail": "",
    "reload": "",
    "product": "",
    "links": (),
}


CHECKOUTS = ("/pay/", "/sandbox/")
"""Where the pages of purchases are; all others are of accounts."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks for a page, and in which words.

    Attributes:
        path: the address without its query.
        query: the parameters of the address.
        asked: the language the reader chose on the page, or an empty text.
        spoken: the language of the answer.
        request_id: what a reader can name when asking for help.
    """

    path: str
    query: dict[str, str]
    asked: str
    spoken: Language
    request_id: str

    def address(self, path: str, **parameters: str) -> str:
        """Return an address of ours that keeps the language the reader chose."""
        kept = {**parameters, **({"lang": self.asked} if self.asked else {})}
        return f"{path}?{urlencode(kept)}" if kept else path

    @property
    def area(self) -> str:
        """Which of the two kinds of pages this is; both have texts of their own for the same thing."""
        return "checkout" if self.path.startswith(CHECKOUTS) else "account"

    @property
    def here(self) -> str:
        """The address of this page, to ask for it again."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def languages(self) -> list[dict[str, str]]:
        """Return the choice of languages, each with this page's address in it."""
        return [
            {
                "code": code,
                "name": language(code)("language"),
                "href": f"{self.path}?{urlencode({**self.query, 'lang': code})}",
            }
            for code in LANGUAGES
        ]


class Pages:
    """Renders pages. ``test_mode`` says on each that no money moves."""

    def __init__(self, *, test_mode: bool) -> None:
        """Read the templates' folder; the one style sheet is known to the policy by its hash."""
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True, auto_reload=False,
        )  # fmt: skip
        self._test_mode = test_mode
        self._css = (_FOLDER / "style.css").read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(self._css.encode()).digest()).decode()
        self._headers = {
            "content-security-policy": (
                f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; "
                "base-uri 'none'; frame-ancestors 'none'"
            ),
            "x-frame-options": "DENY",
            "cross-origin-opener-policy": "same-origin",
            "content-language": "",
            **CAREFUL,
        }

    def show(self, template: str, visit: Visit, *, status: int = 200, **values: object) -> Response:
        """Return a page; whatever the base needs and nobody gave is empty."""
        context = {
            **_ABSENT, "css": self._css, "t": visit.spoken, "test_mode": self._test_mode, "here": visit.here,
            "lang": visit.asked, "languages": visit.languages(), "area": visit.area, **values,
        }  # fmt: skip
        html = self._environment.get_template(template).render(context)
        headers = {**self._headers, "content-language": visit.spoken.code, "x-request-id": visit.request_id}
        return HTMLResponse(html, status, headers)

    def notice(self, kind: str, visit: Visit, *, status: int, picture: str = "cross", **values: object) -> Response:
        """Return a page that only says something: ``kind`` is the texts' table, below the area's or for both."""
        own = f"{visit.area}.{kind}"
        table = own if visit.spoken.has(f"{own}.title") else kind
        text = visit.spoken(f"{table}.text", seller=values.get("seller", ""))
        said = {"title": visit.spoken(f"{table}.title"), "text": text}
        return self.show("notice.html", visit, status=status, picture=picture, **said, **values)


CAREFUL = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Headers of every answer: addresses of these pages are secrets, and so is what is on them."""


def go_to(address: str) -> Response:
    """Send the reader to another address, to be read with GET."""
    return RedirectResponse(address, 303, CAREFUL)
