"""Everything that talks to the outside does so through the breaker that others see."""

import json
from pathlib import Path

import pytest

from infrastructure.container import Container
from infrastructure.locations import Locations
from infrastructure.payments.watched import WatchedMethodVerifier, WatchedPaymentProvider
from infrastructure.resilience.breaker import BreakerState
from infrastructure.settings import load_settings

_CHAINS = {"8453": {"rpc": ["https://one.example", "https://two.example"], "confirmations": 12}}


@pytest.fixture
def container(tmp_path: Path) -> Container:
    """A container that connects to nothing."""
    nowhere = "postgresql://stoa_app:x@127.0.0.1:1/none"
    settings = load_settings({"STOA_DATA_DIR": str(tmp_path), "STOA_CHAINS": json.dumps(_CHAINS)})
    return Container(settings=settings, locations=Locations(nowhere, nowhere, nowhere, nowhere))


def test_what_talks_to_the_outside_is_watched(container: Container) -> None:
    """Charges, refunds, verifications, mail and events each have one breaker, and the lanes know the same ones."""
    provider, mail = container.provider_breaker(), container.mail_breaker()
    watched = container.watched_provider()
    assert isinstance(watched, WatchedPaymentProvider)
    for user in (container.collection(), container.repayments()):
        assert user._provider is watched
    assert isinstance(container.verifier(), WatchedMethodVerifier)
    assert container.method_checks()._verifier is container.verifier()
    assert container.relay()._publisher is container.watched_publisher()
    assert container.verifier()._breaker is watched._breaker is provider
    assert container.mailer()._breaker is mail
    assert {lane.breaker for lane in container.jobs()._lanes} == {provider, mail, None}


def test_the_breakers_of_a_process_are_known_by_their_names(container: Container) -> None:
    """Two endpoints of a chain share one name, so that labels stay few and tell no address."""
    container.jobs()
    container.relay()
    container.chains().of(8453)
    named = {name: state for name, state in container.breakers().states.items() if "database" not in name}
    assert named == dict.fromkeys(("payment_provider", "mail", "event_broker", "chain:8453"), BreakerState.CLOSED)
    assert 'stoa_breaker_state{breaker="chain:8453"} 0.0' in container.metrics().render().decode()
