# `make` prints the targets. `make demo` and `make test` set up what is missing by themselves.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
# The Node.js that scripts/setup brings where the machine's is too old (scripts/env does the same for the scripts).
export PATH := $(CURDIR)/.cache/node/bin:$(PATH)
# `programs` fails no test: it writes what the test compares with.
.PHONY: programs packages help setup build test lint unit kernel netns vm demo bench bench-failover bench-smoke gen gen-check clean soak

VITEST := node_modules/.bin/vitest run
# Every run leaves its numbers where .ci/run adds them up.
REPORT = --reporter=default --reporter=json --outputFile.json=.cache/results/$@.json
# Seconds; a calm machine needs some half of it.
VM_TIMEOUT ?= 4700
# The VMs leave half of the processors' time to the native tests: at once both take little longer than the longer one.
STAGES := setup build gen-check lint unit kernel+vm
NATIVE := $(patsubst native/%.c,build/native/%,$(wildcard native/*.c))
# The programs of bpf/prog go to build/bpf itself, where the command looks for them, in the package too.
PROGRAMS := $(patsubst bpf/prog/%.bpf.c,%.o,$(wildcard bpf/prog/*.bpf.c))
BPF := $(addprefix build/bpf/,$(PROGRAMS)) $(patsubst bpf/%.bpf.c,build/bpf/%.o,$(wildcard bpf/test/*.bpf.c bpf/bench/*.bpf.c))
# The fast path once more, by a newer compiler: test/kernel/fastpath/verifier.test.ts loads both.
BPF_NEWER := $(addprefix build/bpf-newer/,$(PROGRAMS))
BPF_HEADERS := $(shell find bpf -name '*.h')
CFLAGS ?= -O2 -g -std=gnu17 -Wall -Wextra -Werror
# v3: 32-bit jumps and registers, as kernels since 5.1 have them. The include path is where Debian keeps <asm/types.h>.
BPF_CFLAGS ?= -O2 -g -target bpf -mcpu=v3 -std=gnu17 -Wall -Werror -fdebug-prefix-map=$(CURDIR)=. -Ibpf -idirafter /usr/include/$(shell $(CC) -dumpmachine)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup build ## set up, build, and run the demonstration networks with their reports: by the kernel, by eBPF alone, steering between tenants
	@bin/segue lab run
	@bin/segue lab run --dataplane ebpf
	@bin/segue lab run --dataplane ebpf --topology steering

test: ## set up, build, lint, and every test: unit, kernel, and netns in the VM
	@scripts/stages $(STAGES)

setup: ## install what is missing: Debian packages, a kernel for the VM, node modules
	@scripts/setup

build: setup $(NATIVE) $(BPF) $(BPF_NEWER) ## compile src/ to dist/, native/ to build/native/, bpf/ to build/bpf/
	@mkdir -p .cache; npm run --silent build >.cache/build.log 2>&1 || { cat .cache/build.log >&2; exit 1; }

build/native/%: native/%.c | setup
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -o $@ $<

build/native/layouts: bpf/test/maps.h

build/native/fuzz: $(wildcard native/fuzz/*.h)

build/native/parity: $(wildcard native/fuzz/*.h native/parity/*.h)

build/bpf/%.o: bpf/prog/%.bpf.c $(BPF_HEADERS) | setup
	@mkdir -p $(@D)
	@clang $(BPF_CFLAGS) -c -o $@ $<

build/bpf/test/%.o: bpf/test/%.bpf.c $(BPF_HEADERS) | setup
	@mkdir -p $(@D)
	@clang $(BPF_CFLAGS) -c -o $@ $<

build/bpf/bench/%.o: bpf/bench/%.bpf.c $(BPF_HEADERS) bpf/prog/port_xdp.bpf.c bpf/prog/uplink_xdp.bpf.c bpf/prog/nn_uplink_xdp.bpf.c | setup
	@mkdir -p $(@D)
	@clang $(BPF_CFLAGS) -c -o $@ $<

build/bpf-newer/%.o: bpf/prog/%.bpf.c $(BPF_HEADERS) | setup
	@mkdir -p $(@D)
	@clang-16 $(BPF_CFLAGS) -c -o $@ $<

lint: setup ## types, type-checked lint, formatting
	@node_modules/.bin/tsc --noEmit -p .
	@npm run --silent lint
	@clang-format --dry-run -Werror $$(find bpf -name '*.[ch]')

unit: setup build ## tests of pure values
	@$(VITEST) --project unit $(REPORT)

kernel: setup build ## tests against this machine's kernel, in namespaces of their own (root)
	@$(VITEST) --project kernel --project bench $(REPORT)

netns: setup build ## tests of whole topologies on this machine's kernel, which must have VRF (root)
	@ip link add sg-probe type vrf table 1 2>/dev/null && ip link del sg-probe || \
	  { echo 'netns: this kernel has no VRF (or you are not root); make vm boots one that has' >&2; exit 1; }
	@$(VITEST) --project netns $(REPORT)

vm: setup build ## the same topologies in a VM whose kernel has VRF (DEBUG=1: a shell in it when a test fails)
	@scripts/vm-tests --timeout $(VM_TIMEOUT)

bench: setup $(NATIVE) $(BPF) ## all benchmarks and docs/benchmarks.md (root; half an hour; on a machine that rests; BENCH="--only packets,tcp --rounds 3")
	@node_modules/.bin/tsc -p bench/tsconfig.json
	@node build/bench/main.js $(BENCH)

bench-failover: setup build ## loss time when an uplink or a neighbour fails, or a port moves (root; three minutes)
	@node_modules/.bin/tsc -p bench/tsconfig.json
	@node build/bench/failover/main.js --json bench/results/failover.json $(BENCH)

bench-smoke: setup $(NATIVE) $(BPF) ## each benchmark once, in seconds (root; also part of make test)
	@$(VITEST) --project bench $(REPORT)

GENERATE = node_modules/.bin/tsc -p src/libbpf && node scripts/gen.js

# Seconds; a repair may take SEGUE_SOAK_BACK_MS.
SOAK_SECONDS ?= 1800
soak: setup build ## faults at random under 10,000 packets a second (root; half an hour; on a machine that rests; SOAK_SECONDS=600)
	@SEGUE_SOAK_SECONDS=$(SOAK_SECONDS) SEGUE_SOAK_BACK_MS=2000 $(VITEST) --project kernel test/kernel/soak $(REPORT)

gen: setup $(BPF) ## write what is generated anew: TypeScript codecs of bpf/'s structs (bpf/abi/codegen.json says which), descriptors of src/fleet/proto, dashboards
	@$(GENERATE)
	@node scripts/gen-proto.js
	@node scripts/gen-dashboards.js

gen-check: setup $(BPF) ## is what is generated as `make gen` would write it?
	@$(GENERATE) --check
	@node scripts/gen-proto.js --check
	@node scripts/gen-dashboards.js --check

programs: setup build ## docs/programs.md: what the programs cost the verifier, here and in the VM
	@rm -rf .cache/vm/results/programs
	@$(VITEST) --project kernel test/kernel/fastpath/verifier -t programs >/dev/null || true
	@test/vm/run -- $(VITEST) --project kernel test/kernel/fastpath/verifier -t programs >/dev/null || true
	@node scripts/programs-table.js

packages: setup build ## build/packages: .deb and .rpm for amd64 and arm64, npm's tarballs; the same tree gives the same bytes
	@scripts/packages

clean: ## remove what build and tests made (not the VM's kernel image, not node_modules)
	@rm -rf dist src/*/dist build .cache/results .cache/vm/results .cache/vm/run.* .cache/vm/fetch.*
