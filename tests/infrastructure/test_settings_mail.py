"""The settings of mail: a wrong one stops the start, as all others do."""

from pathlib import Path

import pytest

from infrastructure.settings import load_settings
from tests.infrastructure.test_settings import PRODUCTION, refusal


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test works in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


MAIL = {"STOA_MAIL": "smtp", "STOA_MAIL_FROM": "no-reply@harbour.example"}


def test_mail_becomes_files_unless_a_server_is_named() -> None:
    """In development nothing has to be set; with a server the URL says how the connection is protected."""
    settings = load_settings({})
    assert (settings.mail_server(), settings.links_url()) == (None, "http://127.0.0.1:8000")
    for url, told in {
        "smtp://mail.example": ("mail.example", 587, "starttls", None, None),
        "smtps://stoa:a%40b@mail.example:4650": ("mail.example", 4650, "tls", "stoa", "a@b"),
        "smtp://127.0.0.1:1025?tls=none": ("127.0.0.1", 1025, "none", None, None),
    }.items():
        server = load_settings(MAIL | {"STOA_SMTP_URL": url}).mail_server()
        assert server is not None
        assert (server.host, server.port, server.security, server.username, server.password) == told
        assert "a@b" not in repr(server)


@pytest.mark.parametrize(
    ("env", "name"),
    [
        (MAIL, "STOA_SMTP_URL"),
        ({"STOA_SMTP_URL": "smtp://mail.example"}, "STOA_SMTP_URL"),
        ({"STOA_MAIL": "smtp", "STOA_SMTP_URL": "smtp://mail.example"}, "STOA_MAIL_FROM"),
        (MAIL | {"STOA_SMTP_URL": "smtp://mail.example", "STOA_MAIL_FROM": "nobody"}, "STOA_MAIL_FROM"),
        (MAIL | {"STOA_SMTP_URL": "http://mail.example"}, "STOA_SMTP_URL"),
        (MAIL | {"STOA_SMTP_URL": "smtp://"}, "STOA_SMTP_URL"),
        (MAIL | {"STOA_SMTP_URL": "smtp://stoa@mail.example"}, "STOA_SMTP_URL"),
        (MAIL | {"STOA_SMTP_URL": "smtp://stoa:hunter2#1@mail.example"}, "STOA_SMTP_URL"),
        (MAIL | {"STOA_SMTP_URL": "smtp://mail.example?tls=none"}, "STOA_SMTP_URL"),
        (MAIL | {"STOA_SMTP_URL": "smtp://127.0.0.1?tls=maybe"}, "STOA_SMTP_URL"),
        (MAIL | {"STOA_SMTP_URL": "smtp://mail.example:none"}, "STOA_SMTP_URL"),
        ({"STOA_MAIL": "pigeon"}, "STOA_MAIL"),
        ({"STOA_PUBLIC_URL": "harbour.example"}, "STOA_PUBLIC_URL"),
        ({"STOA_PUBLIC_URL": "https://harbour.example/?x=1"}, "STOA_PUBLIC_URL"),
        (PRODUCTION | {"STOA_PUBLIC_URL": "http://harbour.example"}, "STOA_PUBLIC_URL"),
        (PRODUCTION | {"STOA_PUBLIC_URL": ""}, "STOA_PUBLIC_URL"),
        (PRODUCTION | {"STOA_MAIL": "", "STOA_SMTP_URL": ""}, "STOA_MAIL"),
    ],
)
def test_mail_that_could_not_be_sent_stops_the_start(env: dict[str, str], name: str) -> None:
    """What is missing, contradictory or unprotected is named."""
    assert refusal(env).startswith(f"{name}: ")


def test_files_are_for_production_only_when_somebody_said_so() -> None:
    """Nobody runs a business whose mails wait in a folder by accident."""
    spoken = PRODUCTION | {"STOA_MAIL": "file", "STOA_SMTP_URL": ""}
    assert load_settings(spoken).mail_server() is None
