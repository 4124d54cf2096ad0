"""TLS in front of PostgreSQL's unix socket: the embedded server is built without it, the handshakes are real."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_TLS_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"
HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of a test's own; its certificate is in ``path``."""

    path: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    @staticmethod
    def make(folder: Path, called: str = "Stoa Test Authority") -> "Authority":
        """Make a key and a certificate that vouches for itself."""
        key, name = ec.generate_private_key(ec.SECP256R1()), _name(called)
        certificate = (
            _certificate(name, name, key.public_key(), timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        path = folder / f"{called.replace(' ', '-')}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return Authority(path, key, name)

    def server(self, host: str = HERE, valid: timedelta = timedelta(days=1)) -> ssl.SSLContext:
        """Return what a server needs whose certificate names a host and ends when ``valid`` has passed."""
        key = ec.generate_private_key(ec.SECP256R1())
        named = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        certificate = (
            _certificate(_name(host), self.name, key.public_key(), valid)
            .add_extension(x509.SubjectAlternativeName([named]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        file = self.path.with_name(f"server-{certificate.serial_number}.pem")
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, valid: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(days=3)).not_valid_after(now + valid)


@asynccontextmanager
async def tls_proxy(url: str, context: ssl.SSLContext | None) -> AsyncIterator[str]:
    """Listen on TCP for a database on a unix socket; without a ``context`` the request for TLS is refused.

    Yields the database's URL by this way, without ``sslmode``.
    """
    folder = parse_qs(urlsplit(url).query)["host"][0]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await reader.readexactly(8)
            if first == _TLS_REQUEST:
                writer.write(b"N" if context is None else b"S")
                await writer.drain()
                if context is not None:
                    await writer.start_tls(context)
                first = b""
            up_reader, up_writer = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.5432")
            up_writer.write(first)
            await asyncio.gather(_copy(reader, up_writer), _copy(up_reader, writer))
        except (OSError, EOFError):
            pass  # A client that turns away from us is what this is about.
        finally:
            writer.close()

    server = await asyncio.start_server(serve, HERE, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield urlsplit(url)._replace(netloc=f"{_user(url)}@{HERE}:{port}", query="").geturl()


def _user(url: str) -> str:
    return quote(urlsplit(url).username or "")


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
