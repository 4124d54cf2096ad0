"""Mail as files."""

import asyncio
import stat
from email import message_from_bytes
from email.headerregistry import Address
from email.policy import default
from pathlib import Path

import pytest

from application.kernel.ports import Mail
from domain.identity.errors import MailerUnavailable
from infrastructure.mail.outbox_folder import FolderMailer

SENDER = Address("Stoa", addr_spec="no-reply@stoa.example")
MAIL = Mail(to="inês@harbour.example", subject="Vérifiez", text="Olá, stoa_tok_abc\n", html="<p>Olá</p>")


async def test_a_mail_is_a_file_that_any_mail_program_opens(tmp_path: Path) -> None:
    """Sender, receiver, subject, text and HTML are in it; it is its owner's alone."""
    await FolderMailer(tmp_path / "mail", SENDER).send(MAIL)
    (file,) = (tmp_path / "mail").iterdir()
    assert file.suffix == ".eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    message = message_from_bytes(file.read_bytes(), policy=default)
    assert (message["to"], message["from"], message["subject"]) == (MAIL.to, "Stoa <no-reply@stoa.example>", "Vérifiez")
    assert message["auto-submitted"] == "auto-generated"
    bodies = {part.get_content_type(): part.get_content().replace("\r\n", "\n") for part in message.iter_parts()}
    assert bodies == {"text/plain": MAIL.text, "text/html": f"{MAIL.html}\n"}


async def test_many_at_once_are_as_many_files(tmp_path: Path) -> None:
    """No file is half written, and none replaces another."""
    mailer = FolderMailer(tmp_path, SENDER)
    await asyncio.gather(*(mailer.send(MAIL) for _ in range(20)))
    names = await asyncio.to_thread(lambda: [file.suffix for file in tmp_path.iterdir()])
    assert names == [".eml"] * 20


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The job comes back later."""
    (tmp_path / "mail").write_text("in the way")
    with pytest.raises(MailerUnavailable):
        await FolderMailer(tmp_path / "mail", SENDER).send(MAIL)
