"""What can be set about events and webhooks."""

import pytest

from infrastructure.settings import load_settings
from infrastructure.settings_rules import SettingsError
from tests.infrastructure.test_settings import PRODUCTION


def test_webhooks_reach_this_machine_only_where_somebody_says_so() -> None:
    """The default is off, development may turn it on."""
    assert load_settings({}).webhooks_allow_private is False
    assert load_settings({"STOA_WEBHOOKS_ALLOW_PRIVATE": "true"}).webhooks_allow_private is True


def test_production_refuses_to_open_this_machine() -> None:
    """One line names the setting."""
    with pytest.raises(SettingsError, match=r"^STOA_WEBHOOKS_ALLOW_PRIVATE: "):
        load_settings(PRODUCTION | {"STOA_WEBHOOKS_ALLOW_PRIVATE": "true"})


def test_events_are_kept_for_thirty_days_unless_set_otherwise() -> None:
    """At least a day, and not for ever."""
    assert load_settings({}).event_retention_days == 30
    for wrong in ("0", "x", "4000"):
        with pytest.raises(SettingsError, match=r"^STOA_EVENT_RETENTION_DAYS: "):
            load_settings({"STOA_EVENT_RETENTION_DAYS": wrong})
