#!/bin/sh
# segue by the Node.js and the libbpf of its own package, whatever else this machine has. Options of the environment that are
# meant for another Node.js would end this one, or load into it what is not its own.
unset NODE_OPTIONS NODE_PATH
: "${LIBBPF_PATH=/usr/lib/segue/lib/libbpf.so.1}"
export LIBBPF_PATH
# The young generation as bin/segue has it.
exec /usr/lib/segue/bin/node --max-semi-space-size=4 /usr/lib/segue/bin/segue "$@"
