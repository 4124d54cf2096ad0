"""The words of mails: what people call themselves cannot be used to write to strangers."""

import pytest

from application.identity.mail_texts import invitation_mail, shown_name

LINK, SECRET = "https://stoa.example/accept-invitation?token=t", "t"


@pytest.mark.parametrize(
    "name",
    [
        "https://evil.example", "Win a car: HTTP://evil.example/x", "www.evil.example", "WWW.evil.example",
        "\uff57\uff57\uff57\uff0eevil.example", "http\u200b://evil.example", "mailto:a@evil.example", "\u200b", "  ",
    ],
)  # fmt: skip
def test_a_name_written_as_an_address_is_left_out(name: str) -> None:
    """In whatever spelling, nothing of it is in the invitation."""
    assert shown_name(name) is None
    mail = invitation_mail(to="a@b.example", organization=name, inviter=name, role="member", link=LINK, secret=SECRET)
    assert mail.subject == "Invitation"
    assert "You are invited to join an organization on Stoa as member." in mail.text
    assert "evil" not in f"{mail.text}{mail.html}".lower()
    assert mail.html.count("<a ") == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Harbour Coffee", "Harbour Coffee"),
        ("Joe's Café & Söhne GmbH.", "Joe's Café & Söhne GmbH."),
        ("Visit evil.example", "Visit evil. example"),
        ("evil\u3002example", "evil\u3002 example"),
        ("evil.example/win", "evil. example/ win"),
        ("eve@evil.example", "eve@ evil. example"),
        ("two\nlines", "two lines"),
        ("x" * 200, "x" * 59 + "…"),
    ],
)
def test_a_name_is_short_and_becomes_no_link(name: str, shown: str) -> None:
    """Mail programs make links of what has dots between letters; a space keeps them from it."""
    assert shown_name(name) == shown


def test_an_invitation_names_the_organization() -> None:
    """An ordinary name is shown as it is, in subject and text, and escaped in HTML."""
    mail = invitation_mail(
        to="a@b.example", organization="Salt & Sons", inviter="Ada", role="admin", link=LINK, secret=SECRET
    )
    assert mail.subject == "Invitation to Salt & Sons"
    assert "Ada invites you to join Salt & Sons on Stoa as admin." in mail.text
    assert "Salt &amp; Sons" in mail.html
