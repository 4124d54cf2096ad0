"""Rules for single settings: database URLs, and secrets with the files that development keeps them in."""

import fcntl
import os
import re
import secrets
import stat
import tempfile
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

from pydantic import SecretStr

from application.kernel.start_error import StartError

_SHORTEST_SECRET = 32  # characters; 64 hexadecimal ones are 256 bits
_FEWEST_CHARACTERS = 8  # different ones
_DEFAULT_LIKE = re.compile(
    r"change.?(me|this|it)|default|example|insecure|placeholder|password|secret|development|replace|your[-_]",
    re.IGNORECASE,
)
_WEAK_TLS = frozenset({"allow", "prefer"})
_TLS = frozenset({"disable", "require", "verify-ca", "verify-full"})
_POOLED = re.compile(r"(?<=[?&])statement_cache_size=0(?:&|$)")


class SettingsError(StartError):
    """A setting is missing, malformed or contradicts another one; the text is one line fit to be shown to a person."""


def is_sqlite(url: str) -> bool:
    """Say whether the URL names a file and not a server."""
    return url.startswith("sqlite:")


def is_pooled(url: str) -> bool:
    """Say whether the URL leads through a pooler in transaction mode, where no prepared statement lasts."""
    return _POOLED.search(url) is not None


def without_pooled(url: str) -> str:
    """Return the URL as the driver and PostgreSQL's own programs take it."""
    return _POOLED.sub("", url).rstrip("?&")


def check_database_url(name: str, url: str, default_host: str = "") -> None:
    """Accept ``sqlite:///path`` and ``postgresql://…``; a host beyond this machine must prove who it is.

    Args:
        name: of the setting, for the message.
        url: what the setting says.
        default_host: where the driver connects when the URL names no host; empty for a local socket.

    Raises:
        SettingsError: the URL is malformed, of another kind, or would send data over an unverified connection.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise SettingsError(f"{name}: not a valid URL") from None
    if parts.scheme == "sqlite":
        if parts.netloc or not parts.path.strip("/"):
            raise SettingsError(f"{name}: must be sqlite:/// followed by the path of a file")
        return
    if parts.scheme != "postgresql" or not url.lower().startswith("postgresql://"):
        raise SettingsError(f"{name}: must start with postgresql:// or sqlite:///")
    # Libraries disagree on where such a host begins, and the check below must see the one that will be connected to.
    if "@" in parts.path + parts.query or "#" in url:
        raise SettingsError(f"{name}: the characters @ / ? # in a password must be percent-encoded")
    _check_tls(name, parts, default_host)


def _check_tls(name: str, parts: SplitResult, default_host: str) -> None:
    query = parse_qs(parts.query, keep_blank_values=True)
    modes = set(query.get("sslmode", []))
    if "ssl" in query or "service" in query:
        raise SettingsError(f"{name}: say sslmode=… and the host itself, in place of ssl=… or service=…")
    if modes & _WEAK_TLS:
        raise SettingsError(f"{name}: sslmode=prefer and allow protect nothing; use verify-full")
    if modes - _TLS:
        raise SettingsError(f"{name}: sslmode must be one of {', '.join(sorted(_TLS))}")
    if not all(os.access(path, os.R_OK) for path in query.get("sslrootcert", [])):
        raise SettingsError(f"{name}: sslrootcert names no file that can be read")
    hosts = [host for value in (*query.get("host", []), *query.get("hostaddr", [])) for host in value.split(",")]
    hosts += [re.sub(r":[0-9]*$", "", host) for host in parts.netloc.rpartition("@")[2].split(",")]
    hosts = [unquote(host) for host in hosts if host] or [default_host]
    if modes != {"verify-full"} and not all(_is_local(host) for host in hosts):
        raise SettingsError(f"{name}: a database on another host needs sslmode=verify-full")


def _is_local(host: str) -> bool:
    if host in ("", "localhost") or host.startswith(("/", "@")):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def as_user(url: str, user: str) -> str:
    """Return the URL with another role, the password (if any) being the same; SQLite has no roles."""
    if is_sqlite(url):
        return url
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    password = credentials.partition(":")[1:]
    return parts._replace(netloc=f"{quote(user, safe='')}{''.join(password)}@{hosts}").geturl()


def check_secret(name: str, secret: SecretStr) -> None:
    """Refuse what is missing, short, or looks like nobody ever changed it.

    Raises:
        SettingsError: it is one of these.
    """
    text = secret.get_secret_value()
    if not text:
        raise SettingsError(f"{name}: required in production; `openssl rand -hex 32` makes one")
    if len(text) < _SHORTEST_SECRET:
        raise SettingsError(f"{name}: must have at least {_SHORTEST_SECRET} characters")
    # A text that occurs within its own repetition before the end repeats a shorter one.
    is_repetition = text in (text + text)[1:-1]
    if is_repetition or len(set(text)) < _FEWEST_CHARACTERS or _DEFAULT_LIKE.search(text):
        raise SettingsError(f"{name}: looks like a default; `openssl rand -hex 32` makes a random one")


def ensure_secret(data_dir: Path, name: str) -> SecretStr:
    """Return the secret in the file `name`, made on first use; any number of processes may race for it.

    Raises:
        SettingsError: the folder or the file cannot be used, or others can read the file.
    """
    path = data_dir / name
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _create(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SettingsError(f"STOA_DATA_DIR: {path} can be read by other users; run chmod 600 on it")
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise SettingsError(f"STOA_DATA_DIR: cannot keep {name} in {data_dir} ({reason})") from None
    if len(text) < _SHORTEST_SECRET:
        raise SettingsError(f"STOA_DATA_DIR: {path} is damaged; restore it, or delete it to lose what depends on it")
    return SecretStr(text)


def _create(path: Path) -> None:
    """Write the file as a whole or not at all, and only once: the folder itself is what the processes lock."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if path.exists():
            return
        # Made with mode 0600 and renamed once it is on disk.
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
            half_done = Path(file.name)
            try:
                file.write(secrets.token_hex(32).encode("ascii"))
                file.flush()
                os.fsync(file.fileno())
                half_done.replace(path)
            except BaseException:
                half_done.unlink()
                raise
        os.fsync(folder)
    finally:
        os.close(folder)
