"""The demo's chain begins and ends with the demo, and is left out where it cannot be."""

import importlib.util
import json
import shutil
import sys
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import Path

import httpx2
import pytest

from infrastructure.demo_chain import CONFIRMATIONS, ChainDidNotStart, DemoChain, demo_chain
from infrastructure.settings import load_settings
from infrastructure.settings_chain import ChainSettings

BLOCK = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}


def test_the_chain_ends_with_the_demo() -> None:
    """It answers within the block, whatever happens there, and nobody listens afterwards."""
    with suppress(KeyError), demo_chain() as chain:
        assert httpx2.post(chain.url, json=BLOCK, trust_env=False).json()["result"] == "0x0"
        assert (chain.missing, chain.chain_id > 0, len(chain.token_code) > 1000) == ("", True, True)
        raise KeyError
    with pytest.raises(httpx2.ConnectError):
        httpx2.post(chain.url, json=BLOCK, trust_env=False)


def test_chains_that_are_set_stay() -> None:
    """The demo's own comes beside them."""
    given = {
        "STOA_DATABASE_URL": "sqlite:///x.db",
        "STOA_CHAINS": json.dumps({"8453": {"rpc": ["https://rpc.example"]}}),
    }
    settings = load_settings(given)
    there = DemoChain(url="http://127.0.0.1:1", chain_id=7).added_to(settings).chain_settings()
    assert there == (
        ChainSettings(chain_id=7, endpoints=("http://127.0.0.1:1",), confirmations=CONFIRMATIONS),
        *settings.chain_settings(),
    )
    assert DemoChain(missing="not installed: eth-tester").added_to(settings) == settings


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started then."""
    find = importlib.util.find_spec

    def without(name: str) -> ModuleSpec | None:
        return None if name == "eth_tester" else find(name)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    monkeypatch.setattr(sys, "executable", "/nowhere")
    with demo_chain() as chain:
        assert chain == DemoChain(missing="not installed: eth-tester")


def test_outside_of_a_checkout_it_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installed package has neither the chain's program nor the token."""
    monkeypatch.setattr("infrastructure.demo_chain._PROCESS", tmp_path / "dev_chain.py")
    with demo_chain() as chain:
        assert chain == DemoChain(missing="only in a checkout: dev_chain.py")


def test_a_chain_that_ends_before_it_answers_is_no_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is a failure, not something to leave out."""
    monkeypatch.setattr(sys, "executable", shutil.which("true"))
    with pytest.raises(ChainDidNotStart, match="ended before it answered"), demo_chain():
        pass
