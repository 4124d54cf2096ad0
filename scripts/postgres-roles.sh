#!/bin/sh
# Run once by PostgreSQL's image on an empty volume: the roles that log in, with the password that migrations cannot know.
set -eu
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=password="$ROLES_PASSWORD" \
	--username="${POSTGRES_USER:-postgres}" --dbname="${POSTGRES_DB:-postgres}" <<'EOF'
CREATE ROLE stoa_app LOGIN PASSWORD :'password';
CREATE ROLE stoa_relay LOGIN PASSWORD :'password';
CREATE ROLE stoa_sealer LOGIN PASSWORD :'password';
EOF
