"""Which addresses an endpoint may have, by their looks and by what they resolve to."""

from ipaddress import ip_address

import pytest

from domain.webhooks.webhook_endpoint import InvalidWebhookUrl
from infrastructure.webhooks.addresses import is_public
from infrastructure.webhooks.targets import WebhookTargets

PRIVATE = [
    *("0.0.0.1", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1"),
    *("192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1"),
    *("239.255.255.255", "255.255.255.255", "192.88.99.1", "168.63.129.16"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00::1"),
    *("fe80::1", "fec0::1", "ff02::1", "fd00:ec2::254"),
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::200e", "::ffff:8.8.8.8"]

HOSTILE = [
    *("http://shop.example.com/", "ftp://shop.example.com/", "gopher://shop.example.com/", "file:///etc/passwd"),
    *("javascript:alert(1)", "//shop.example.com/", "shop.example.com", "https://", "https:///x", ""),
    *("https://shop.example.com:80/", "https://shop.example.com:22/", "https://shop.example.com:99999/"),
    *("https://shop.example.com:0/", "https://shop.example.com:-1/", "https://shop.example.com:x/"),
    *("https://user@shop.example.com/", "https://user:pw@shop.example.com/", "https://@shop.example.com/"),
    *("https://shop.example.com@127.0.0.1/", "https://127.0.0.1\\@shop.example.com/", "https://shop.example.com/#x"),
    *("https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://a.localhost/", "https://intranet/"),
    *("https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/"),
    *("https://0177.0.0.1/", "https://017700000001/", "https://0x7f.0.0.1/", "https://0/", "https://127.0.0.1./"),
    *("https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[fe80::1%25lo]/"),
    *("https://[64:ff9b::7f00:1]/", "https://[::127.0.0.1]/", "https://[fec0::1]/", "https://[::]/", "https://[::1"),
    *("https://169.254.169.254/latest/meta-data/", "https://[fd00:ec2::254]/", "https://10.0.0.1:8443/"),
    *("https://①27.0.0.1/", "https://127。0。0。1/", "https://ⓔxample.com/", "https://shop.example.com/ x"),
    *("https://shop.example.com/\r\nX: y", "https://shop.example.com/\t", "https://shop.example.com\x00/"),
    *("https://-a.example.com/", "https://a..example.com/", "https://%31%32%37.0.0.1/", "https://[example.com]/"),
    *("https://1.2.3.4.5/", "https://999.1.1.1/", "https://example.123/", "https://0x7f.example.0x1/"),
    f"https://{'a' * 64}.example.com/",
    f"https://shop.example.com/{'x' * 2000}",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_of_the_public_internet_is_refused(address: str) -> None:
    """Loopback, private, shared, link-local, multicast, reserved, and IPv4 in whatever IPv6 clothes."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_let_through(address: str) -> None:
    """Refusing everything would be no guard."""
    assert is_public(ip_address(address))


def test_the_standard_librarys_own_judgement_would_not_do() -> None:
    """Some of these are global by ipaddress alone, so the explicit list has something to do."""
    assert len([each for each in PRIVATE if ip_address(each).is_global]) >= 3


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_is_refused_when_it_is_given(url: str) -> None:
    """At least sixty forms of addresses that lead somewhere else than they look, or nowhere."""
    with pytest.raises(InvalidWebhookUrl) as refused:
        WebhookTargets().check(url)
    assert set(refused.value.details) == {"path", "reason"}


def test_the_table_is_long_enough() -> None:
    """The goal names sixty forms."""
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("https://shop.example.com", "https://shop.example.com/"),
        ("HTTPS://Shop.Example.com:443/Hooks?a=B", "https://shop.example.com:443/Hooks?a=B"),
        ("https://xn--bcher-kva.example:8443/x", "https://xn--bcher-kva.example:8443/x"),
        ("https://8.8.8.8/x", "https://8.8.8.8/x"),
        ("https://[2606:4700::1111]:8443/x", "https://[2606:4700::1111]:8443/x"),
    ],
)
def test_an_ordinary_address_is_brought_to_one_form(given: str, canonical: str) -> None:
    """Scheme and host in lower case, a path always."""
    assert WebhookTargets().check(given) == canonical


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/x", "http://localhost:80/", "https://[::1]:1234/"])
def test_development_may_call_this_machine_and_nothing_else_that_is_private(url: str) -> None:
    """The setting opens the loopback interface only."""
    targets = WebhookTargets(allow_private=True)
    assert targets.check(url) == url
    for private in ("https://10.0.0.1/", "https://169.254.169.254/", "http://shop.example.com/"):
        with pytest.raises(InvalidWebhookUrl):
            targets.check(private)
