"""Use-cases as tools: the same names, texts and schemas as everywhere else."""

from collections.abc import Mapping

from mcp import types

from application.kernel.actor import Actor
from application.kernel.idempotency import parse_key
from application.kernel.use_case import DeclarationError, UseCase
from domain.shared.errors import StoaError
from interfaces.schema.command import CommandSchema, result_schema
from interfaces.schema.json_schema import Json
from interfaces.schema.problems import FieldError, InvalidCommand, sentence

KEY_FIELD = "idempotency_key"
PAYMENT_FIELD = "payment_signature"

_KEY_SCHEMA: Json = {
    "type": "string",
    "pattern": "^[ -~]{1,255}$",
    "description": "Makes retries safe: the same key and the same arguments give the same answer.",
}


class UseCaseTool:
    """One use-case as a tool.

    Attributes:
        name: the operation id: the use-case's name with an underscore.
        payable: the tool takes a payment in a token.
        definition: what a client is told.
    """

    def __init__(self, use_case: UseCase) -> None:
        """Read the use-case.

        Raises:
            TypeError: the command or the view has a field without a schema.
            DeclarationError: the command has a field that tools reserve.
        """
        self.use_case = use_case
        self.name = use_case.name.replace(".", "_")
        self._schema = CommandSchema(use_case.command, use_case.name)
        self.payable = any(field.name == PAYMENT_FIELD for field in self._schema.record.fields)
        self.definition = types.Tool(
            name=self.name,
            description=use_case.doc,
            input_schema=self._input_schema(),
            output_schema=_output_schema(use_case),
            annotations=self._annotations(),
        )

    def visible_to(self, actor: Actor) -> bool:
        """Say whether the caller has the scope."""
        return self.use_case.scope is None or self.use_case.scope in actor.scopes

    def read(self, arguments: Mapping[str, object]) -> tuple[object, str | None]:
        """Return the command and the idempotency key.

        Raises:
            InvalidCommand: with every problem at once, those of the key among them.
        """
        data = dict(arguments)
        key, problems = _read_key(data.pop(KEY_FIELD, None))
        try:
            command = self._schema.validate(data)
        except InvalidCommand as error:
            raise InvalidCommand([*problems, *error.errors]) from None
        if problems:
            raise InvalidCommand(problems)
        return command, key

    def _input_schema(self) -> Json:
        schema = self._schema.json_schema()
        properties = {field.name for field in self._schema.record.fields}
        if KEY_FIELD in properties:
            raise DeclarationError(f"{self.use_case.name}: a field of a command cannot be called {KEY_FIELD}")
        if self.use_case.read_only or self.use_case.keyless:
            return schema
        given = schema["properties"]
        required = schema.get("required", [])
        if not isinstance(given, dict) or not isinstance(required, list):
            raise TypeError(f"{self.use_case.name}: a command is described as an object")
        schema = {**schema, "properties": {**given, KEY_FIELD: _KEY_SCHEMA}}
        return {**schema, "required": [*required, KEY_FIELD]} if self.use_case.money else schema

    def _annotations(self) -> types.ToolAnnotations:
        use_case = self.use_case
        versioned = any(field.name == "expected_version" and field.required for field in self._schema.record.fields)
        return types.ToolAnnotations(
            read_only_hint=use_case.read_only,
            destructive_hint=use_case.destructive,
            # The same arguments again change nothing more: they carry a key, or a version that is past by then.
            idempotent_hint=use_case.read_only or use_case.money or versioned,
            # Money reaches banks; everything else stays in here.
            open_world_hint=use_case.money,
        )


def read_tools(registry: Mapping[str, UseCase]) -> dict[str, UseCaseTool]:
    """Return all tools by name; internal use-cases have none."""
    tools = [UseCaseTool(use_case) for _, use_case in sorted(registry.items()) if use_case.internal is None]
    return {tool.name: tool for tool in tools}


def _output_schema(use_case: UseCase) -> Json | None:
    """Describe the answer, written out at the root: many clients follow no reference there.

    Only objects are described, because older protocols know no other answer.
    """
    schema = result_schema(use_case.result)
    definitions, reference = schema.get("$defs"), schema.get("$ref")
    if isinstance(definitions, dict) and isinstance(reference, str):
        root: Json = definitions[reference.removeprefix("#/$defs/")]
        schema = {**root, "$defs": definitions}
    return schema if schema.get("type") == "object" else None


def _read_key(raw: object) -> tuple[str | None, list[FieldError]]:
    if raw is not None and not isinstance(raw, str):
        return None, [FieldError(KEY_FIELD, "type_invalid", "Must be a string.")]
    try:
        return parse_key(raw), []
    except StoaError as error:
        return None, [FieldError(KEY_FIELD, error.code, sentence(error))]
