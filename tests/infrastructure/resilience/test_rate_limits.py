"""Who shares a limit with whom, and how exactly limits are kept (goal S16)."""

from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest

from application.kernel.actor import PLATFORM, Actor, ActorKind
from domain.shared.ids import OrganizationId, SessionId
from infrastructure.resilience.rate_limits import BURST_SECONDS, RateLimits
from infrastructure.resilience.token_buckets import SECOND


class _Time:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def _actor(key: str, organization: int) -> Actor:
    organization_id = OrganizationId(UUID(int=organization))
    return Actor(kind=ActorKind.API_KEY, id=key, organization_id=organization_id, scopes=frozenset())


def _granted(limits: RateLimits, actor: Actor, times: int) -> int:
    return sum(limits.of_caller(actor).retry_after == 0 for _ in range(times))


def test_a_tenant_at_ten_times_its_limit_gets_its_limit_and_others_all_they_ask_for() -> None:
    """A minute of a loud tenant with three keys beside a quiet one: exact for the one, nothing refused of the other."""
    time, refused = _Time(), Counter[str]()
    limits = RateLimits(
        credential=20, organization=50, address=0, refused=lambda name: refused.update([name]), monotonic_ns=time
    )
    loud, quiet = [_actor(f"key_{n}", 1) for n in range(3)], _actor("key_q", 2)
    granted = quietly = 0
    for request in range(60 * 500):
        time.now = request * SECOND // 500
        granted += limits.of_caller(loud[request % 3]).retry_after == 0
        if request % 25 == 0:
            quietly += limits.of_caller(quiet).retry_after == 0
    assert granted == pytest.approx(50 * (60 + BURST_SECONDS), abs=1)
    assert quietly == 60 * 20, "a tenant that keeps its limit is never refused"
    assert refused["organization"] > 0 == refused["address"]


def test_what_one_limit_refuses_counts_against_no_other() -> None:
    limits = RateLimits(credential=1, organization=100, address=0, monotonic_ns=_Time())
    loud, colleague = _actor("key_a", 1), _actor("key_b", 1)
    assert _granted(limits, loud, 1000) == BURST_SECONDS
    left = {quota.name: quota.left for quota in limits.of_caller(colleague).quotas}
    assert left == {"credential": BURST_SECONDS - 1, "organization": 100 * BURST_SECONDS - BURST_SECONDS - 1}


def test_a_refusal_says_when_and_says_it_truly() -> None:
    time = _Time()
    limits = RateLimits(credential=1, organization=0, address=0, monotonic_ns=time)
    actor = _actor("key_a", 1)
    _granted(limits, actor, BURST_SECONDS)
    refused = limits.of_caller(actor)
    assert (refused.retry_after, refused.quotas[0].left, refused.quotas[0].reset) == (1, 0, BURST_SECONDS)
    time.now += refused.retry_after * SECOND
    assert limits.of_caller(actor).retry_after == 0


def test_sessions_count_apart_and_people_who_act_for_themselves_share_nothing() -> None:
    limits = RateLimits(credential=1, organization=1, address=0, monotonic_ns=_Time())
    person = Actor(
        kind=ActorKind.USER, id="usr_a", organization_id=PLATFORM, scopes=frozenset(), session_id=SessionId(UUID(int=1))
    )
    for session in range(1, 4):
        assert _granted(limits, replace(person, session_id=SessionId(UUID(int=session))), 50) == BURST_SECONDS


def test_nought_is_no_limit() -> None:
    limits = RateLimits(credential=0, organization=0, address=0, monotonic_ns=_Time())
    assert limits.of_caller(_actor("key_a", 1)).quotas == ()
    assert _granted(limits, _actor("key_a", 1), 10_000) == 10_000


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("203.0.113.7", "203.0.113.7:4711", True),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "[2001:db8:1:2::5]:443", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("unknown", "_hidden", True),
    ],
)
def test_addresses_of_one_caller_share_a_limit(first: str, second: str, same: bool) -> None:
    limits = RateLimits(credential=0, organization=0, address=1, monotonic_ns=_Time())
    for _ in range(BURST_SECONDS):
        limits.of_address(first)
    assert (limits.of_address(second).retry_after > 0) is same
