"""How the embedded PostgreSQL is created and started."""

import sys

SETTINGS = ("listen_addresses=", "unix_socket_permissions=0700", "max_connections=100", "timezone=UTC")
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
# The collation is PostgreSQL's own C.UTF-8. The libc's, which macOS lacks, only splits words in text search.
_LOCALE = (
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=" + ("C" if sys.platform == "darwin" else "C.UTF-8"),
)
INITDB = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--no-instructions", *_LOCALE)
