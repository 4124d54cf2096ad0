#!/bin/sh
# Makes what compose.yaml reads: random secrets, in files of mode 600, one for each who may know them. It overwrites none,
# because keys and audit entries that were made with a secret are lost with it.
set -eu
url=${1:?usage: sh scripts/compose-env.sh https://where-people-reach-stoa [folder]}
folder=${2:-.stoa/compose}
if [ -e "$folder" ]; then
	echo "$folder is there already; move it away to make new secrets, which the old ones' data will not fit." >&2
	exit 1
fi
umask 077
mkdir -p "$folder"
random() { od -An -vN32 -tx1 /dev/urandom | tr -d ' \n'; }
administrator=$(random)
roles=$(random)
socket='@/stoa?host=/var/run/postgresql'
cat >"$folder/postgres.env" <<EOF
POSTGRES_PASSWORD=$administrator
ROLES_PASSWORD=$roles
EOF
cat >"$folder/migrate.env" <<EOF
STOA_MIGRATION_DATABASE_URL=postgresql://postgres:$administrator$socket
EOF
cat >"$folder/stoa.env" <<EOF
STOA_ENVIRONMENT=production
STOA_DATABASE_URL=postgresql://stoa_app:$roles$socket
STOA_KEY_PEPPER=$(random)
STOA_AUDIT_SEAL_KEY=$(random)
STOA_PUBLIC_URL=$url
STOA_MAIL=file
STOA_EVENTS=kafka
STOA_KAFKA_BOOTSTRAP=redpanda:9092
EOF
echo "Wrote $folder/postgres.env, migrate.env and stoa.env. Back them up; mails are files until stoa.env says STOA_MAIL=smtp."
