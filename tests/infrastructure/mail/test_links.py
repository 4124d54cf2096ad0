"""Where mails lead, and that what they carry leaves no trace on the way."""

import io
import logging
import re
from collections.abc import Iterator

import pytest

from infrastructure.mail.links import Links
from infrastructure.observability.logging import configure_logging
from infrastructure.serving import server_config
from tests.support.http import http_face
from tests.support.stack import Stack

TOKEN = "stoa_tok_" + "a1B2" * 9 + "xyz"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Log everything there is into memory, and go back to silence."""
    stream = io.StringIO()
    configure_logging("debug", json=True, stream=stream)
    yield stream
    configure_logging("warning", json=True)


def test_links_are_pages_that_work_without_scripts() -> None:
    """The token is a query parameter below the public address; where there is none to carry, there is none."""
    links = Links("https://stoa.example/")
    assert links.verify_email(TOKEN) == f"https://stoa.example/verify-email?token={TOKEN}"
    assert links.recover_password(TOKEN) == f"https://stoa.example/recover-password?token={TOKEN}"
    assert links.accept_invitation(f"inv_1.{TOKEN}") == f"https://stoa.example/accept-invitation?token=inv_1.{TOKEN}"
    assert links.ask_recovery() == "https://stoa.example/recover-password"


async def test_no_log_holds_the_query_of_a_request(stack: Stack, log: io.StringIO) -> None:
    """Whatever the level, a token in a query is in no record, neither of ours nor of the server's."""
    async with http_face(stack) as http:
        for path in ("/verify-email", "/recover-password", "/v1/products", "/nowhere"):
            response = await http.client.get(path, params={"token": TOKEN, "note": "plain-canary"})
            assert TOKEN not in repr(response.headers)
    # What a library logs of a request line is redacted too.
    logging.getLogger("uvicorn.access").info('%s - "%s %s"', "1.2.3.4", "GET", f"/verify-email?token={TOKEN}")
    said = log.getvalue()
    assert "uvicorn.access" in said
    assert re.search(TOKEN, said) is None
    # The client that the test itself is logs the addresses that it asks for.
    assert [line for line in said.splitlines() if "plain-canary" in line and '"httpx' not in line] == []


def test_the_server_keeps_no_access_log() -> None:
    """Request lines are not logged at all, so that a query is not."""

    async def nothing(*_: object) -> None:
        """Answer nobody."""

    config = server_config(nothing)
    assert config.access_log is False
    assert config.log_config is None
