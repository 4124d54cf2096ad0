#!/bin/sh
# Prints the Python that Stoa is installed with. Every candidate is executed: a version manager's shim may exist
# and still fail. 3.15 and later are left out because the locked wheels end at 3.14.
set -u

runs() {
    "$1" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info < (3, 15))' >/dev/null 2>&1
}

if [ -n "${STOA_PYTHON:-}" ]; then
    runs "$STOA_PYTHON" && echo "$STOA_PYTHON" && exit
    echo "stoa: STOA_PYTHON=$STOA_PYTHON is not a working Python 3.12, 3.13 or 3.14." >&2
    exit 1
fi

has_pip() {
    "$1" -c 'import pip' >/dev/null 2>&1
}

# One without pip, such as that of an active virtual environment, could install nothing, and is the last choice.
spare=
for name in python3.13 python3.14 python3.12 python3; do
    for candidate in "$name" "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/*/bin/"$name" /opt/homebrew/bin/"$name" /usr/local/bin/"$name"; do
        runs "$candidate" || continue
        has_pip "$candidate" && echo "$candidate" && exit
        spare=${spare:-$candidate}
    done
done
[ -n "$spare" ] && echo "$spare" && exit

echo "stoa: no working Python 3.12, 3.13 or 3.14 found; install one or name it: STOA_PYTHON=/path/to/python3 make" >&2
exit 1
