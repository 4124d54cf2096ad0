"""A webhook endpoint's own rules."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from domain.shared.errors import ValidationError
from domain.shared.ids import EventId, OrganizationId, WebhookDeliveryId, WebhookEndpointId
from domain.webhooks.event_filters import InvalidEventFilter
from domain.webhooks.webhook_endpoint import (
    DisableReason,
    EndpointStatus,
    WebhookEndpoint,
    WebhookEndpointDisabled,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def endpoint(events: list[str] | None = None) -> WebhookEndpoint:
    return WebhookEndpoint.create(
        id=WebhookEndpointId(uuid4()), organization_id=OrganizationId(uuid4()), url="https://shop.example.com/",
        description="", events=events or ["*"], secret="sealed-1", now=NOW,
    )  # fmt: skip


def verbs(made: WebhookEndpoint) -> list[str]:
    return [recorded.event.verb for recorded in made.pull_events()]


def test_a_new_endpoint_is_enabled_and_publishes_no_address() -> None:
    """Addresses may hold secrets, so the event names the filters only."""
    made = endpoint(["b.x", "a.*"])
    [created] = made.pull_events()
    assert (made.status, made.events) == (EndpointStatus.ENABLED, ["a.*", "b.x"])
    assert "shop.example.com" not in repr(created)
    assert "sealed-1" not in repr(made)


def test_states_change_once_and_the_first_reason_stays() -> None:
    """Doing it twice records nothing."""
    made = endpoint()
    made.disable(DisableReason.GONE, NOW)
    made.disable(DisableReason.BY_HAND, NOW)
    assert (made.disabled_reason, made.disabled_at) == (DisableReason.GONE, NOW)
    made.enable(NOW)
    made.enable(NOW)
    assert (made.disabled_reason, made.disabled_at) == (None, None)
    assert verbs(made) == ["created", "disabled", "enabled"]


def test_the_old_secret_signs_until_the_overlap_ends() -> None:
    """Without an overlap it is forgotten at once, and longer than a week it cannot last."""
    made = endpoint()
    made.rotate_secret("sealed-2", timedelta(hours=24), NOW)
    assert (made.secret, made.previous_secret) == ("sealed-2", "sealed-1")
    assert made.previous_secret_ends_at == NOW + timedelta(hours=24)
    again = endpoint()
    again.rotate_secret("sealed-3", timedelta(), NOW)
    assert (again.secret, again.previous_secret, again.previous_secret_ends_at) == ("sealed-3", None, None)
    for wrong in (timedelta(days=7, seconds=1), timedelta(seconds=-1)):
        with pytest.raises(ValidationError):
            made.rotate_secret("sealed-4", wrong, NOW)


def test_a_disabled_endpoint_is_sent_nothing() -> None:
    """Neither a test nor past events nor one delivery."""
    made = endpoint()
    made.disable(DisableReason.FAILING, NOW)
    with pytest.raises(WebhookEndpointDisabled):
        made.test(NOW)
    with pytest.raises(WebhookEndpointDisabled):
        made.replay(3, NOW)
    with pytest.raises(WebhookEndpointDisabled):
        made.redeliver(WebhookDeliveryId(uuid4()), EventId(uuid4()), NOW)


def test_deleting_forgets_the_secrets() -> None:
    """What was deleted can sign nothing any more; doing it twice changes nothing."""
    made = endpoint()
    made.rotate_secret("sealed-2", timedelta(hours=1), NOW)
    made.delete(NOW, "operator")
    made.delete(NOW, "operator")
    assert (made.secret, made.previous_secret, made.status) == ("", None, EndpointStatus.DISABLED)
    assert verbs(made) == ["created", "secret_rotated", "disabled", "deleted"]


def test_edits_are_checked() -> None:
    """Filters keep their form, and a malformed one changes nothing."""
    made = endpoint()
    with pytest.raises(InvalidEventFilter):
        made.edit(NOW, url=made.url, description="", events=["nonsense"])
    made.edit(NOW, url=made.url, description="Desk", events=["a.*"])
    assert (made.description, made.events, made.version) == ("Desk", ["a.*"], 1)
