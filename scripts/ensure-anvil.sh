#!/bin/sh
# Tests that need a mempool or a reorganization run on anvil, which npm brings as one program. Where npm cannot bring it,
# the reason is left for the tests, which tell it when they are skipped.
folder=.stoa/anvil
version=1.7.1
ls "$folder"/node_modules/@foundry-rs/anvil-*/bin/anvil >/dev/null 2>&1 && exit 0
mkdir -p "$folder"
if ! command -v npm >/dev/null 2>&1; then
	echo "npm is not installed" >"$folder/missing"
elif npm install --prefix "$folder" --no-audit --no-fund --no-save --ignore-scripts --fetch-retries 1 \
	"@foundry-rs/anvil@$version" >"$folder/npm.log" 2>&1; then
	rm -f "$folder/missing"
	exit 0
else
	echo "npm could not install it (see $folder/npm.log)" >"$folder/missing"
fi
echo "anvil: $(cat "$folder/missing"); the tests that need it are skipped."
[ "${STOA_TEST_CHAIN:-}" != anvil ]
