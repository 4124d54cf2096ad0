"""Settings of chains and keys are read whole or not at all, and never repeated."""

import pytest
from pydantic import SecretStr

from infrastructure.settings import Settings, load_settings
from infrastructure.settings_chain import ChainSettings, read_chains, read_remote_signer
from infrastructure.settings_rules import SettingsError
from tests.infrastructure.test_settings import PRODUCTION

NAME = "STOA_CHAINS"
CANARY = "c4nary5ecret"
URL = f"https://rpc.example/v2/{CANARY}"


def test_chains_are_read_in_the_order_of_their_ids() -> None:
    """Addresses keep their order, and confirmations have a default."""
    text = '{"8453": {"rpc": ["https://a.example", "https://b.example/key"], "confirmations": 3}, "1": {"rpc": ["http://[::1]:8545"]}}'

    assert read_chains(NAME, text) == (
        ChainSettings(chain_id=1, endpoints=("http://[::1]:8545",), confirmations=12),
        ChainSettings(chain_id=8453, endpoints=("https://a.example", "https://b.example/key"), confirmations=3),
    )
    assert read_chains(NAME, "") == ()


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '"8453"',
        '{"8453": {"rpc": []}}',
        '{"8453": {}}',
        '{"8453": []}',
        f'{{"8453": {{"rpc": "{URL}"}}}}',
        '{"8453": {"rpc": [5]}}',
        f'{{"8453": {{"rpc": ["{URL}", "{URL}"]}}}}',
        f'{{"8453": {{"rpc": ["{URL}"], "confirmation": 5}}}}',
        f'{{"8453": {{"rpc": ["{URL}"], "confirmations": 0}}}}',
        f'{{"8453": {{"rpc": ["{URL}"], "confirmations": true}}}}',
        f'{{"8453": {{"rpc": ["{URL}"], "confirmations": "5"}}}}',
        f'{{"08453": {{"rpc": ["{URL}"]}}}}',
        f'{{"base": {{"rpc": ["{URL}"]}}}}',
        f'{{"-1": {{"rpc": ["{URL}"]}}}}',
        f'{{"99999999999999999": {{"rpc": ["{URL}"]}}}}',
        f'{{"1": {{"rpc": ["{URL}"]}}, "1": {{"rpc": ["{URL}"]}}}}',
        f'{{"1": {{"rpc": ["http://rpc.example/{CANARY}"]}}}}',
        f'{{"1": {{"rpc": ["ws://127.0.0.1/{CANARY}"]}}}}',
        f'{{"1": {{"rpc": ["{CANARY}"]}}}}',
        f'{{"1": {{"rpc": ["https://rpc.example:port/{CANARY}"]}}}}',
        f'{{"1": {{"rpc": ["https://rpc.example/ {CANARY}"]}}}}',
        '{"1": {"rpc": [' + ", ".join(f'"https://{n}.example"' for n in range(9)) + "]}}",
    ],
)
def test_wrong_chains_stop_the_start(text: str) -> None:
    """One line names the setting and repeats nothing of it."""
    with pytest.raises(SettingsError, match=NAME) as refused:
        load_settings({NAME: text})

    assert CANARY not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "token", "name"),
    [
        ("", "t" * 16, "STOA_REMOTE_SIGNER_TOKEN"),
        ("https://signer.example", "", "STOA_REMOTE_SIGNER_TOKEN"),
        ("https://signer.example", "t" * 15, "STOA_REMOTE_SIGNER_TOKEN"),
        ("https://signer.example", "t" * 16 + "\r\nX-Admin: 1", "STOA_REMOTE_SIGNER_TOKEN"),
        ("http://signer.example", "t" * 16, "STOA_REMOTE_SIGNER_URL"),
    ],
)
def test_a_remote_signer_needs_tls_and_a_token(url: str, token: str, name: str) -> None:
    """Outside of this machine nobody may read or change what is signed."""
    with pytest.raises(SettingsError, match=name):
        load_settings({"STOA_REMOTE_SIGNER_URL": url, "STOA_REMOTE_SIGNER_TOKEN": token})


def test_a_remote_signer_on_this_machine_needs_no_tls() -> None:
    """Nor does anybody need one."""
    assert read_remote_signer("", "") is None
    found = read_remote_signer("http://127.0.0.1:9000/", "t" * 16)
    assert found is not None
    assert found.url == "http://127.0.0.1:9000/"


def test_nothing_secret_is_shown() -> None:
    """Addresses hold keys, and so do the other settings."""
    settings = load_settings(
        {
            NAME: f'{{"1": {{"rpc": ["{URL}"]}}}}', "STOA_WALLET_KEY": f"{CANARY}-wallet-key",
            "STOA_REMOTE_SIGNER_URL": URL, "STOA_REMOTE_SIGNER_TOKEN": f"{CANARY}-long-enough",
        }
    )  # fmt: skip

    assert CANARY not in f"{settings!r}{settings}{settings.chain_settings()!r}{settings.remote_signer()!r}"


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({NAME: '{"1": {"rpc": ["https://rpc.example"]}}'}, "required in production"),
        ({"STOA_WALLET_KEY": "0123456789abcdef" * 2}, "looks like a default"),
        ({"STOA_WALLET_KEY": PRODUCTION["STOA_KEY_PEPPER"]}, "must differ"),
        ({"STOA_WALLET_KEY": PRODUCTION["STOA_AUDIT_SEAL_KEY"]}, "must differ"),
    ],
)
def test_production_needs_a_wallet_key_of_its_own(extra: dict[str, str], told: str) -> None:
    """Where there are chains there may be keys, and what encrypts them serves nothing else."""
    with pytest.raises(SettingsError, match=f"STOA_WALLET_KEY: .*{told}"):
        load_settings({**PRODUCTION, **extra})

    load_settings({**PRODUCTION, **extra, "STOA_WALLET_KEY": "Zx4Nq7Lm2Kj9Hg5Fd1Sa8Pw3Ov6Iu0Yt"})


def test_development_makes_its_own_wallet_key(tmp_path_factory: pytest.TempPathFactory) -> None:
    """It is made once, and production never makes one."""
    folder = tmp_path_factory.mktemp("data")
    made = Settings(data_dir=folder).wallet_key_bytes()

    assert made == Settings(data_dir=folder).wallet_key_bytes() != Settings(data_dir=folder).pepper()
    assert (folder / "wallet_key").stat().st_mode & 0o077 == 0
    assert Settings(data_dir=folder, environment="production").wallet_key_bytes() == b""


def test_a_lost_wallet_key_is_missed_where_there_are_chains(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every key of every wallet is lost with it, so it is not made anew behind somebody's back."""
    folder = tmp_path_factory.mktemp("data")
    chains = SecretStr('{"1": {"rpc": ["https://rpc.example"]}}')

    assert "wallet_key" in Settings(data_dir=folder, chains=chains).missing_secrets()
    assert "wallet_key" not in Settings(data_dir=folder).missing_secrets()
