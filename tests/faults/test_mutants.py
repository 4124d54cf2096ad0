"""The lines that everything rests on are held by tests: a change of any of them is noticed."""

from pathlib import Path

import pytest

from tests.faults.mutants import Target, mutants, survivors
from tests.faults.saboteurs.sabotage import ROOT

LEAST_CAUGHT = 0.85
TARGETS = {
    "keys and their checksum": Target(
        "src/infrastructure/security/opaque_tokens.py", ("tests/infrastructure/security/test_api_keys.py",)
    ),
    "the audit chain": Target("src/domain/audit/chain.py", ("tests/domain/audit/test_chain.py",)),
    "signatures of webhooks": Target(
        "src/infrastructure/webhooks/signing.py",
        ("tests/infrastructure/webhooks/test_secrets.py", "tests/infrastructure/webhooks/test_sender.py"),
    ),
    "addresses of the public internet": Target(
        "src/infrastructure/webhooks/addresses.py", ("tests/infrastructure/webhooks/test_targets.py",)
    ),
    "what a caller may do": Target(
        "src/application/kernel/actor.py", ("tests/contracts/test_scopes.py", "-k", "catalog or products"), ("require",)
    ),
    "money": Target("src/domain/shared/money.py", ("--noconftest", "tests/domain/shared/test_money.py")),
    "what becomes of an order": Target(
        "src/domain/payments/payment_order.py", ("--noconftest", "tests/domain/payments")
    ),
    "the money of an order": Target(
        "src/domain/payments/payment_order_money.py", ("--noconftest", "tests/domain/payments")
    ),
    "limits of mandates": Target("src/domain/mandates/mandate.py", ("--noconftest", "tests/domain/mandates")),
    "attempts at tasks and their leases": Target(
        "src/domain/work/task.py", ("tests/application/work/test_tasks.py", "-k", "sqlite")
    ),
    "keys of repeated requests": Target(
        "src/application/kernel/idempotency.py",
        ("tests/application/test_same_key.py", "tests/interfaces/http/test_app_unit.py", "-k", "not postgres"),
    ),
    "the wall in statements": Target(
        "src/infrastructure/persistence/tenancy.py",
        tuple(f"tests/infrastructure/persistence/test_{each}.py" for each in ("repository_contract", "walls_persons")),
        ("wall",),
    ),
    "one version, one writer": Target(
        "src/infrastructure/persistence/repository.py",
        ("tests/infrastructure/persistence/test_repository_contract.py",),
        ("_write_rows", "write_deletes", "_this_version"),
    ),
}


@pytest.mark.faults
@pytest.mark.parametrize("what", TARGETS)
def test_hardly_any_change_goes_unnoticed(what: str, tmp_path: Path) -> None:
    """Each operator, constant, condition and answer is changed in turn; 85 of 100 changes fail a test, or more."""
    tried, alive = survivors(TARGETS[what], ROOT, tmp_path)
    print(f"{what}: {tried - len(alive)} of {tried} noticed", *alive, sep="\n  ")  # noqa: T201 - seen with -rP
    assert tried
    assert tried - len(alive) >= LEAST_CAUGHT * tried


def test_changes_are_made_where_something_is_decided() -> None:
    """Every target has lines that can be changed, and each change makes another file."""
    for target in TARGETS.values():
        changed = [mutant.text for mutant in mutants(target, ROOT)]
        assert changed
        assert len(set(changed)) == len(changed)
