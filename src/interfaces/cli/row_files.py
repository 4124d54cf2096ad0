"""Files of rows, read a row at a time: a JSON array or JSON Lines of any length."""

import hashlib
import re
from collections.abc import Iterator
from typing import BinaryIO

from application.kernel.imports import Checked, RowProblem
from domain.shared.errors import MalformedInput
from interfaces.schema.json_text import decode_json

MAX_ROW = 65_536
"""How many bytes one row may have."""

_BLOCK = 65_536
_BLANK = b" \t\r\n"
# A whole string, or a single character that matters; a quote alone begins a string that is not there completely yet.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|["\[\]{},]', re.DOTALL)


class BrokenRows(MalformedInput):
    """The file is no sequence of rows from some row on; ``row`` in the details says from which."""

    code = "rows_malformed"
    summary = "The file is neither a JSON array nor JSON Lines."


class RowFile:
    """An open file of rows; ``position`` is how many of its ``size`` bytes were read so far."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Take an open file that can be read twice."""
        self._file = file
        self.size = size

    @property
    def position(self) -> int:
        """Return how far reading has come."""
        return self._file.tell()

    def digest(self) -> str:
        """Return SHA-256 over the bytes."""
        self._file.seek(0)
        digest = hashlib.sha256()
        while block := self._file.read(_BLOCK):
            digest.update(block)
        return digest.hexdigest()

    def whole(self) -> bytes:
        """Return everything, for a file that is no sequence of rows."""
        self._file.seek(0)
        return self._file.read()

    def holds_rows(self) -> bool:
        """Say whether it is a file of rows and not the fields of a command: only those are an object with ``rows``."""
        self._file.seek(0)
        first = self._file.readline(MAX_ROW).lstrip()
        while first == b"" and (line := self._file.readline(MAX_ROW)):
            first = line.lstrip()
        if not first.startswith(b"{"):
            return first.startswith(b"[")
        try:
            row = decode_json(first)
        except MalformedInput:
            return False
        return isinstance(row, dict) and "rows" not in row

    def rows(self) -> Iterator[object]:
        """Yield what each row says, for the validator; a row that is not JSON comes as what is wrong with it.

        Raises:
            BrokenRows: what follows is no row, nor the end.
        """
        self._file.seek(0)
        while (begins := self._file.read(1)) and begins in _BLANK:
            pass
        self._file.seek(0)
        for text in self._elements() if begins == b"[" else self._lines():
            yield _read(text)

    def _lines(self) -> Iterator[bytes]:
        number = 0
        while line := self._file.readline(MAX_ROW + 2):
            if line.strip(_BLANK):
                number += 1
                if len(line) > MAX_ROW and not line.endswith(b"\n"):
                    raise BrokenRows(f"A row has at most {MAX_ROW} bytes.", row=number)
                yield line

    def _elements(self) -> Iterator[bytes]:
        """Yield the elements of the array as text, by counting brackets outside of strings."""
        buffer, at, start, depth, number = b"", 0, 0, 0, 1
        while block := self._file.read(_BLOCK):
            buffer, at, start = buffer[start:] + block, at - start, 0
            while (token := _TOKEN.search(buffer, at)) is not None and token[0] != b'"':
                at = token.end()
                if token[0] in (b",", b"]") and depth == 1:
                    if token.start() - start > MAX_ROW:
                        break
                    element = buffer[start : token.start()]
                    start = at
                    if element.strip(_BLANK) or token[0] == b",":
                        yield element
                        number += 1
                depth += (token[0] in (b"[", b"{")) - (token[0] in (b"]", b"}"))
                if depth == 1 and token[0] == b"[":
                    start = at
                if depth < 1:
                    self._expect_end(buffer[at:], number)
                    return
            at = token.start() if token is not None else len(buffer)
            if at - start > MAX_ROW:
                raise BrokenRows(f"A row has at most {MAX_ROW} bytes.", row=number)
        raise BrokenRows("The array does not end.", row=number)

    def _expect_end(self, rest: bytes, number: int) -> None:
        if rest.strip(_BLANK) or self._file.read(_BLOCK).strip(_BLANK):
            raise BrokenRows("Something follows the array.", row=number)


def _read(text: bytes) -> object:
    try:
        return decode_json(text)
    except MalformedInput as error:
        return Checked[object](value=None, problems=[RowProblem(path="", code=error.code, message=error.message)])
