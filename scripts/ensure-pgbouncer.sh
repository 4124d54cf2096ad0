#!/bin/sh
# The tests of connection poolers run Debian's PgBouncer. Where it is missing and can be had from the system's own
# packages, this installs it; anywhere else those tests are skipped and say so.
command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ] && exit 0
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || exit 0
echo "Installing PgBouncer for the tests of connection poolers."
export DEBIAN_FRONTEND=noninteractive
{ apt-get update && apt-get install --yes --no-install-recommends pgbouncer; } >/dev/null 2>&1 \
	|| echo "PgBouncer could not be installed; the tests that need it are skipped."
exit 0
