"""Heads of audit chains, kept in a file outside of the database: what a chain alone cannot notice, they can.

A chain whose end was cut off, or that is gone with its organization, is still a valid chain. The file is appended to
and synced; it should be shipped to where the database's administrators cannot write.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec

from domain.shared.errors import ValidationError
from domain.shared.ids import decode_id, encode_id


class Anchor(msgspec.Struct, frozen=True, gc=False):
    """The end of an organization's chain at some moment; the organization by its public id."""

    organization_id: str
    seq: int
    hash: str
    sealed_at: datetime

    @staticmethod
    def of(organization_id: UUID, seq: int, hash: str, sealed_at: datetime) -> "Anchor":  # noqa: A002 - the field's name
        """Make one from the internal id."""
        return Anchor(encode_id("org", organization_id), seq, hash, sealed_at)


_decoder = msgspec.json.Decoder(Anchor)


def append(path: Path, anchors: Sequence[Anchor]) -> None:
    """Write one JSON line each and wait until the disk has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        lines = b"".join(msgspec.json.encode(anchor) + b"\n" for anchor in anchors)
        if file.tell() and not _ends_a_line(path):
            # A crash left half a line behind; it must not swallow the next one.
            lines = b"\n" + lines
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def read(path: Path) -> Iterator[tuple[UUID, Anchor] | None]:
    """Yield the anchors with their organizations line by line, None for a line that cannot be read."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                anchor = _decoder.decode(line)
                yield decode_id("org", anchor.organization_id), anchor
            except (msgspec.DecodeError, ValidationError):
                yield None


def newest(path: Path) -> dict[UUID, int]:
    """Return the highest anchored ``seq`` of every organization."""
    found: dict[UUID, int] = {}
    for pair in read(path):
        if pair is not None:
            found[pair[0]] = max(found.get(pair[0], 0), pair[1].seq)
    return found
