"""The dashboard and the alerts ask for what there is: every metric and label is looked for in a running system."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # reason: its types are a package of their own
import pytest
import yaml  # type: ignore[import-untyped]  # reason: its types are a package of their own
from prometheus_client.parser import text_string_to_metric_families

from tests.support.databases import TestDatabases
from tests.support.system import open_system

ROOT = Path(__file__).resolve().parents[3]
OPS = ROOT / "ops"
# What Prometheus itself adds to every series, and what is a number's and not a series' label.
ADDED = {"instance", "job", "le"}
_SUFFIXES = {
    "counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count"),
}  # fmt: skip
DURATION = {"type": "string", "pattern": r"^[0-9]+(ms|s|m|h|d)$"}
RULES = {
    "type": "object", "required": ["groups"], "additionalProperties": False,
    "properties": {"groups": {"type": "array", "minItems": 1, "items": {
        "type": "object", "required": ["name", "rules"], "additionalProperties": False,
        "properties": {"name": {"type": "string"}, "rules": {"type": "array", "minItems": 1, "items": {
            "type": "object", "required": ["alert", "expr", "labels", "annotations"], "additionalProperties": False,
            "properties": {
                "alert": {"type": "string", "pattern": "^Stoa[A-Za-z]+$"},
                "expr": {"type": "string"}, "for": DURATION,
                "labels": {"type": "object", "required": ["severity"],
                           "properties": {"severity": {"enum": ["page", "ticket"]}}},
                "annotations": {"type": "object", "required": ["summary", "runbook"]},
            },
        }}},
    }}},
}  # fmt: skip


def alerts() -> list[dict[str, Any]]:
    """Return every alert."""
    loaded = yaml.safe_load((OPS / "prometheus" / "alerts.yml").read_text("utf-8"))
    jsonschema.validate(loaded, RULES)
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """Return every panel that shows something."""
    dashboard = json.loads((OPS / "grafana" / "stoa.json").read_text("utf-8"))
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


EXPRESSIONS = [rule["expr"] for rule in alerts()] + [t["expr"] for panel in panels() for t in panel["targets"]]


@pytest.fixture(scope="module")
async def shown(test_databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return the names that a system shows after some traffic, each with the labels that its series have."""
    async with open_system(test_databases.postgres(), tmp_path_factory.mktemp("ops")) as system:
        customer = (await system.client.post("/v1/customers", json={"name": "Mara", "email": "m@example.org"})).json()
        assert (await system.client.post(f"/v1/customers/{customer['id']}/kyc/start", json={})).is_success
        assert (await system.client.get("/v1/customers/nothing")).is_error
        assert await system.work() > 0
        await system.container.sealer().seal_once()
        text = (await system.client.get("/metrics")).text
    names: dict[str, set[str]] = {"up": set()}
    for family in text_string_to_metric_families(text):
        for suffix in _SUFFIXES.get(family.type, ()):
            names[family.name + suffix] = set()
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names


def names_in(expression: str) -> set[str]:
    """Return the metrics that an expression asks for."""
    return set(re.findall(r"\b(?:stoa_[a-z_]+|up)\b", re.sub(r'"[^"]*"', '""', expression)))


def labels_in(expression: str) -> set[str]:
    """Return the labels that an expression selects or groups by."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    selected = {name for inside in re.findall(r"\{([^}]*)\}", bare) for name in re.findall(r"([a-z_]+)\s*[=!]", inside)}
    grouped = {name for inside in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", bare) for name in inside.split(", ")}
    return selected | grouped


@pytest.mark.parametrize("expression", EXPRESSIONS)
async def test_every_metric_that_is_asked_for_is_shown(expression: str, shown: dict[str, set[str]]) -> None:
    """A name that nobody shows would be an alert that never comes and a panel that is always empty."""
    asked = names_in(expression)
    assert asked
    assert asked <= shown.keys()
    # A series that has not happened yet has no labels to compare with.
    if all(shown[name] for name in asked):
        assert labels_in(expression) <= set().union(*(shown[name] for name in asked)) | ADDED
    assert all(expression.count(a) == expression.count(b) for a, b in ("()", "{}", "[]"))


async def test_every_metric_that_is_shown_is_asked_for(shown: dict[str, set[str]]) -> None:
    """What is measured can be seen: nothing is missing from the dashboard."""
    asked = set().union(*(names_in(expression) for expression in EXPRESSIONS))
    families = {re.sub(r"_(total|bucket|sum|count|created)$", "", name) for name in shown if name.startswith("stoa_")}
    assert {name for name in families if not any(each.startswith(name) for each in asked)} == set()


async def test_a_name_that_is_not_shown_would_be_noticed(shown: dict[str, set[str]]) -> None:
    """The comparison has teeth."""
    assert not names_in("rate(stoa_use_case_call_total[5m])") <= shown.keys()
    assert labels_in('sum by (tenant) (stoa_breaker_state{breaker="x"})') == {"tenant", "breaker"}
    assert len(EXPRESSIONS) > 40


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    """Its runbook is a heading of the operator's page, and there is something below it."""
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^### (\S+)\n\n(.+)", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert anchor == rule["alert"].lower()
    assert {name: text for name, text in headings if name == rule["alert"]}


def test_prometheus_loads_the_alerts_from_where_it_scrapes() -> None:
    """The rules are a file beside the configuration, and the job has the name that the alerts ask for."""
    loaded = yaml.safe_load((OPS / "prometheus" / "prometheus.yml").read_text("utf-8"))
    assert [(OPS / "prometheus" / name).is_file() for name in loaded["rule_files"]] == [True]
    assert [(job["job_name"], job["metrics_path"]) for job in loaded["scrape_configs"]] == [("stoa", "/metrics")]
