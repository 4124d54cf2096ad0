"""Write ``docs/event-schemas.json``, what consumers of events rely on: ``python -m scripts.event_schemas``.

Within a version of a type, data may gain fields and nothing else; an incompatible change is refused unless the event's
``schema_version`` was raised. ``tests/contracts/test_event_schemas.py`` holds the file and the code together.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from application.events.catalogue import envelope_schema, event_types
from application.events.wire_schema import Schema

FILE = Path(__file__).resolve().parents[1] / "docs" / "event-schemas.json"
type Published = Mapping[str, object]


def present() -> dict[str, object]:
    """Return what the code publishes."""
    events = {
        name: {"schema_version": type_.event.schema_version, "data": type_.data_schema()}
        for name, type_ in event_types().items()
    }
    return {"envelope": envelope_schema(), "events": events}


def breaks(old: object, new: object, path: str = "data") -> list[str]:
    """Say what a consumer of the old schema would miss in what the new one describes."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [] if old == new else [f"{path}: {old!r} became {new!r}"]
    found = []
    for key in (old.keys() | new.keys()) - {"description", "properties", "required"}:
        if key == "enum" and isinstance(old.get(key), list) and isinstance(new.get(key), list):
            # A new state of the world is no break; one that is gone from the schema is.
            missing = [value for value in old[key] if value not in new[key]]
            found += [f"{path}.enum: {value!r} is gone" for value in missing]
        else:
            found += breaks(old.get(key), new.get(key), f"{path}.{key}")
    for name, schema in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            found += breaks(schema, new["properties"][name], f"{path}.{name}")
        else:
            found.append(f"{path}.{name} is gone")
    return [*found, *(f"{path}.{n} may be absent" for n in set(old.get("required", ())) - set(new.get("required", ())))]


def incompatible(old: Published, new: Published) -> list[str]:
    """Return every change that consumers would have to be told of by another version."""
    before: Mapping[str, Schema] = old["events"]  # type: ignore[assignment]  # reason: the file's form
    after: Mapping[str, Schema] = new["events"]  # type: ignore[assignment]  # reason: as above
    found = [f"{name} is gone" for name in before.keys() - after.keys()]
    for name in before.keys() & after.keys():
        if before[name]["schema_version"] == after[name]["schema_version"]:
            found += breaks(before[name]["data"], after[name]["data"], name)
    return sorted([*found, *breaks(old["envelope"], new["envelope"], "envelope")])


def main() -> int:
    """Rewrite the file, unless a consumer would break; ``--force`` is for what was never released."""
    if FILE.exists() and "--force" not in sys.argv:
        found = incompatible(json.loads(FILE.read_text("utf-8")), present())
        if found:
            sys.stderr.write("\n".join([*found, "raise the schema_version of these events, or undo\n"]))
            return 1
    FILE.write_text(json.dumps(present(), indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
