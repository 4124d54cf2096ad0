"""eth-tester's chain in a process of its own, on a port of the loopback interface.

``python -m scripts.dev_chain`` prints its address once it answers, and ends when its standard input does, so also when
its parent was killed.
"""

import ast
import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, cast, override

from eth.vm.spoof import SpoofTransaction
from eth_abi.abi import encode
from eth_tester import EthereumTester, PyEVMBackend  # type: ignore[import-untyped] # it says nothing of its types
from eth_tester.exceptions import TransactionFailed  # type: ignore[import-untyped] # as above
from web3 import EthereumTesterProvider, Web3
from web3.exceptions import ContractPanicError
from web3.types import RPCEndpoint

from scripts.dev_accounts import FUNDED, MNEMONIC

_PATH = "m/44'/60'/0'/0"
_FREE = {"max_fee_per_gas": 0, "max_priority_fee_per_gas": 0}
_ERROR_STRING = bytes.fromhex("08c379a0")
_REVERTED = "execution reverted"
# What nodes say, where py-evm says it otherwise; clients know the words of nodes.
_WORDS = {
    "Sender does not have enough": "insufficient funds for gas * price + value",
    "Sender account balance cannot afford": "insufficient funds for gas * price + value",
    "cannot afford txn": "insufficient funds for gas * price + value",
}


class _Backend(PyEVMBackend):  # type: ignore[misc] # as above
    """Simulates for nothing, as nodes do when a call names no fees: else who has no coins could ask nothing."""

    def call(self, transaction: Mapping[str, Any], block_number: str | int = "latest") -> bytes:
        """Execute a call on a block."""
        header = self.chain.get_canonical_head()
        if isinstance(block_number, int):
            header = self.chain.get_canonical_block_header_by_number(block_number)
        whole = {"gas": self._max_available_gas(), **transaction, **_FREE}
        unsigned = self._get_normalized_and_unsigned_evm_transaction(whole, block_number)
        with self.chain.get_vm(at_header=header).in_costless_state() as state:
            computation = state.apply_transaction(SpoofTransaction(unsigned, from_=transaction["from"]))
        if computation.is_error:
            raise TransactionFailed(computation.error)
        return bytes(computation.output)

    def estimate_gas(self, transaction: Mapping[str, Any], block_number: str | int = "latest") -> int:
        """Search for the least gas that is enough."""
        return int(super().estimate_gas({**transaction, **_FREE}, block_number))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class PyEvm:
    """eth-tester's chain, answering JSON-RPC the way that nodes do."""

    def __init__(self) -> None:
        """Begin a chain whose accounts are anvil's, too."""
        backend = _Backend.from_mnemonic(MNEMONIC, {"balance": FUNDED}, num_accounts=10, hd_path=_PATH)
        provider = EthereumTesterProvider(EthereumTester(backend))
        web3 = Web3(provider)
        self._ask = provider.request_func(web3, web3.middleware_onion)
        self._lock = Lock()

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one request."""
        head = {"jsonrpc": "2.0", "id": request.get("id")}
        try:
            with self._lock:
                answer = self._ask(RPCEndpoint(request["method"]), request.get("params", []))
        except (TransactionFailed, ContractPanicError) as error:
            return {**head, "error": _reverted(error)}
        except Exception as error:  # noqa: BLE001 - whatever it refuses is an answer, too
            return {**head, "error": {"code": -32000, "message": _worded(str(error))}}
        if "error" in answer:
            return {**head, "error": answer["error"]}
        return {**head, "result": _hexed(answer["result"])}


def _hexed(value: object) -> object:
    """Write numbers and bytes the way JSON-RPC does."""
    if isinstance(value, bool | str | float) or value is None:
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, Mapping):
        return {_camel(key): _hexed(each) for key, each in value.items()}
    return [_hexed(each) for each in cast("Iterable[object]", value)]


def _camel(name: str) -> str:
    """Write a field's name as JSON-RPC does; within blocks eth-tester leaves its own."""
    first, *others = name.split("_")
    return first + "".join(each.capitalize() for each in others)


def _reverted(error: Exception) -> dict[str, Any]:
    """Give back the bytes of a reason, which eth-tester has turned into words."""
    if isinstance(error, ContractPanicError):
        return {"code": 3, "message": _REVERTED, "data": error.data}
    reason = str(error).removeprefix(f"{_REVERTED}: ")
    data: Any = None
    with suppress(ValueError, SyntaxError):
        data = ast.literal_eval(reason)
    if isinstance(data, bytes):
        return {"code": 3, "message": _REVERTED, "data": f"0x{data.hex()}"}
    data = _ERROR_STRING + encode(["string"], [reason])
    return {"code": 3, "message": f"{_REVERTED}: {reason}", "data": f"0x{data.hex()}"}


def _worded(text: str) -> str:
    if "nonce" in text and "Expected" in text:
        expected, got = (int(word) for word in text.replace(",", " ").split() if word.isdigit())
        return "nonce too low" if got < expected else "nonce too high"
    return next((words for begin, words in _WORDS.items() if begin in text), text)


def _handler(chain: PyEvm) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answers = [chain.answer(each) for each in asked] if isinstance(asked, list) else chain.answer(asked)
            body = json.dumps(answers).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


def _serve() -> None:
    server = _Server(("127.0.0.1", 0), _handler(PyEvm()))
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    _serve()
