"""Declaring a use-case once: the registry every interface reads."""

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from types import ModuleType
from typing import Protocol, get_type_hints

from application.kernel.actor import Scope
from application.kernel.query_cache import Cached


class Handler(Protocol):
    """An async function ``(command, unit of work, *, ports…) -> view``."""

    def __call__(self, *args: object, **ports: object) -> Awaitable[object]:
        """Run the use-case inside an open unit of work."""
        ...


class Answer(Protocol):
    """An async function ``(question, *, ports…) -> view``, whose ports may reach outside."""

    def __call__(self, *args: object, **ports: object) -> Awaitable[object]:
        """Answer what a handler asked, after its unit of work."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCase:
    """Everything the interfaces know about one use-case.

    ``scope`` is None only for ``public`` ones. ``money`` demands an idempotency key. ``internal`` says why
    there is no route, tool or command for it. ``example`` fills the command's fields that are not ids.
    ``statements`` is the budget: the most SQL statements one run may send between BEGIN and COMMIT, however many
    rows there are. ``keyed_by`` names the fields whose values an idempotency key of somebody unknown belongs to.
    ``keyless`` ones run anew under every key: the docstring says why. ``answer`` answers the question that the handler
    of a read returns, once the transaction is over, and its result is the use-case's. ``cached`` says for how long what
    the handler of a read returns may be kept.
    """

    name: str
    scope: Scope | None
    command: type
    result: object
    handler: Handler
    ports: Mapping[str, type]
    doc: str
    read_only: bool
    destructive: bool
    money: bool
    public: bool
    internal: str | None
    example: Mapping[str, object]
    statements: int
    keyless: bool = False
    keyed_by: tuple[str, ...] = ()
    answer: Answer | None = None
    answer_ports: Mapping[str, type] = field(default_factory=dict)
    cached: Cached | None = None

    @property
    def resource(self) -> str:
        """The first half of the name: ``payment_orders``."""
        return self.name.split(".", maxsplit=1)[0]


REGISTRY: dict[str, UseCase] = {}


class DeclarationError(Exception):
    """A use-case is declared wrongly; raised at import, so it never reaches production."""


def use_case[F: Callable[..., Awaitable[object]]](
    name: str, *, scope: Scope | None, example: Mapping[str, object], statements: int = 0, read_only: bool = False,
    destructive: bool = False, money: bool = False, public: bool = False, internal: str | None = None,
    keyless: bool = False, keyed_by: tuple[str, ...] = (), answer: Callable[..., Awaitable[object]] | None = None,
    cached: Cached | None = None,
) -> Callable[[F], F]:  # fmt: skip
    """Register the decorated handler under ``resource.verb``.

    With an ``answer`` the handler only reads, and returns a question with all that is needed to answer it outside.

    Raises:
        DeclarationError: the docstring, the scope or an annotation is missing, or the name is taken.
    """

    def register(handler: F) -> F:
        doc = inspect.getdoc(handler)
        if not doc:
            raise DeclarationError(f"{name}: the docstring is the public API text and is missing")
        if (scope is None) != public:
            raise DeclarationError(f"{name}: exactly the public use-cases have no scope")
        if name in REGISTRY:
            raise DeclarationError(f"{name}: declared twice")
        command, returned, ports = _signature(name, handler, "a handler is (command, uow, *, ports) -> view")
        result, answer_ports = _answered(name, answer, returned, read_only=read_only)
        use_case = UseCase(
            name=name, scope=scope, command=command, result=result, handler=handler, ports=ports, doc=doc,
            read_only=read_only, destructive=destructive, money=money, public=public, internal=internal,
            example=example, statements=statements, keyless=keyless, keyed_by=keyed_by, answer=answer,
            answer_ports=answer_ports, cached=cached,
        )  # fmt: skip
        _check_fields(use_case)
        REGISTRY[name] = use_case
        return handler

    return register


def _check_fields(use_case: UseCase) -> None:
    """Refuse an example, and an owner of idempotency keys, that do not fit the command."""
    name, names = use_case.name, {f.name for f in fields(use_case.command)}
    if use_case.keyless and use_case.money:
        raise DeclarationError(f"{name}: money moves only under a key")
    if use_case.keyed_by and not (use_case.public and set(use_case.keyed_by) <= names and not use_case.keyless):
        raise DeclarationError(f"{name}: only the keys of a public use-case belong to some of its fields")
    if use_case.public and not (use_case.read_only or use_case.keyless or use_case.keyed_by):
        raise DeclarationError(f"{name}: strangers would share their idempotency keys; say keyed_by or keyless")
    if use_case.cached is not None and not (use_case.read_only and use_case.cached.changed_by):
        raise DeclarationError(f"{name}: only a read is kept, and it says what ends it")
    unknown = set(use_case.example) - names
    if unknown:
        raise DeclarationError(f"{name}: the example names unknown fields {sorted(unknown)}")


def _answered(
    name: str, answer: Callable[..., object] | None, question: object, *, read_only: bool
) -> tuple[object, dict[str, type]]:
    """Return what a use-case results in, and the ports that its answer asks for, if there is one."""
    if answer is None:
        return question, {}
    if not read_only:
        raise DeclarationError(f"{name}: only a read is answered after its transaction, for a write would be over")
    asked, result, ports = _signature(name, answer, "an answer is (question, *, ports) -> view", takes=1)
    if asked is not question:
        raise DeclarationError(f"{name}: the answer takes what the handler returns")
    return result, ports


def _signature(
    name: str, handler: Callable[..., object], shape: str, *, takes: int = 2
) -> tuple[type, object, dict[str, type]]:
    hints = get_type_hints(handler, include_extras=True)
    parameters = list(inspect.signature(handler).parameters.values())
    positional = [p.name for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    if len(positional) != takes or "return" not in hints:
        raise DeclarationError(f"{name}: {shape}, fully annotated")
    command = hints[positional[0]]
    if not (isinstance(command, type) and is_dataclass(command)):
        raise DeclarationError(f"{name}: the first parameter is a frozen dataclass")
    ports = {p.name: hints[p.name] for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
    return command, hints["return"], ports


def load_registry(package: ModuleType) -> Mapping[str, UseCase]:
    """Import every module below ``package``, so that no forgotten import can hide a use-case."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    return REGISTRY
