#!/bin/sh
# Regenerates golden.json: what iproute2 on this machine sends for each line of commands.txt. Needs root, cc, unshare.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O1 -Wall -shared -fPIC -o "$work/capture.so" capture.c -ldl
cat > "$work/run.sh" <<'RUN'
set -eu
ip link add v0 index 10 address 02:00:00:00:01:00 type veth peer name v1 index 11 address 02:00:00:00:01:01
ip link set lo up
ip link set v0 up
ip link set v1 up
first=1
printf '{\n  "iproute2": "%s",\n  "cases": [' "$(ip -V | sed 's/.*iproute2-\([0-9.]*\).*/\1/')"
grep -v '^#' commands.txt | while read -r name command; do
  : > "$1/messages"
  CAPTURE_FILE="$1/messages" LD_PRELOAD="$1/capture.so" $command > /dev/null 2>&1 || true
  [ -n "$first" ] || printf ','
  first=
  printf '\n    {\n      "name": "%s",\n      "command": "%s",\n      "messages": [\n' "$name" "$command"
  sed 's/.*/        "&"/; $!s/$/,/' "$1/messages"
  printf '      ]\n    }'
done
printf '\n  ]\n}\n'
RUN
unshare --net sh "$work/run.sh" "$work" > "$work/golden.json"
mv "$work/golden.json" golden.json
