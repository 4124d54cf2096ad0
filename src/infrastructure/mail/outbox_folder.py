"""Mail for development: every message is a file, to be opened with any mail program."""

import asyncio
import os
import secrets
import tempfile
from datetime import UTC, datetime
from email.headerregistry import Address
from pathlib import Path

from application.kernel.ports import IMailer, Mail
from domain.identity.errors import MailerUnavailable
from infrastructure.mail.message import message_of


class FolderMailer(IMailer):
    """Writes ``<time>-<random>.eml`` into a folder, each file as a whole or not at all, for its owner's eyes only."""

    def __init__(self, folder: Path, sender: Address) -> None:
        """Keep where mail goes; the folder is made with the first one."""
        self._folder = folder
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        """Write one file."""
        content = message_of(mail, self._sender).as_bytes()
        try:
            await asyncio.to_thread(self._write, content)
        except OSError as error:
            raise MailerUnavailable(f"The mail folder cannot be written ({error.strerror}).") from error

    def _write(self, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{secrets.token_hex(4)}.eml"
        # Made with mode 0600 and renamed once it is on disk: mails hold secrets.
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", delete=False) as file:
            half_done = Path(file.name)
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                half_done.replace(self._folder / name)
            except BaseException:
                half_done.unlink(missing_ok=True)
                raise
