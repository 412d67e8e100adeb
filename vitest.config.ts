import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Tests start bin/segue by the Node.js that runs them.
const { engines } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as {
  engines: { node: string };
};
const least = Number.parseFloat(engines.node.replace('>=', ''));
if (Number.parseFloat(process.versions.node) < least) {
  throw new Error(
    `Node.js ${process.versions.node} runs the tests: expected ${engines.node}; make setup brings it, ` +
      'then PATH=$PWD/.cache/node/bin:$PATH has it first (make test does so by itself)',
  );
}

// unit: pure values. kernel: real netlink and eBPF in namespaces of its own, no VRF needed; two files at once. bench: the
// benchmarks once each, small; one at a time, for they compile into one folder and sweep what others left.
// netns: whole topologies with VRF; runs where the kernel has it (test/vm boots one that does); scripts/vm-tests shares the
// files out between VMs by a queue, and those of test/kernel/libbpf with them.
const isQueued = process.env.SEGUE_TEST_QUEUE !== undefined;
const queue = isQueued ? { runner: './scripts/queue-runner.js' } : {};
/** Projects that differ in their workers run one after the other; a queue's files are one order. */
const group = (order: number): { groupOrder: number } => ({ groupOrder: isQueued ? 0 : order });

const BENCH = 'test/kernel/bench*.test.ts';
const kernelSetup = { globalSetup: './test/kernel/bpffs.ts' };

// netlink-ts and libbpf-ts from their sources, as tsconfig.json has it. By names, not by the condition of their exports: threads that a test
// starts would inherit that, and Node.js by itself cannot run the sources.
interface Library {
  name: string;
  exports: Record<string, string | { '@segue/source': string }>;
}
const sources = ['src/netlink/', 'src/libbpf/'].flatMap((folder) => {
  const root = new URL(folder, import.meta.url);
  const { name, exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Library;
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string'
      ? []
      : [
          {
            find: new RegExp(`^${name}${path.slice(1)}$`),
            replacement: fileURLToPath(new URL(target['@segue/source'], root)),
          },
        ],
  );
});

export default defineConfig({
  resolve: { alias: sources },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          // For what hangs, not for what is slow on a machine that others keep busy.
          testTimeout: 600_000,
          sequence: group(0),
        },
      },
      {
        extends: true,
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts'],
          exclude: [BENCH],
          ...kernelSetup,
          ...queue,
          ...(isQueued ? { fileParallelism: false } : { maxWorkers: 2 }),
          // For what hangs, not for what is slow on a machine that others keep busy.
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: group(1),
        },
      },
      {
        extends: true,
        test: {
          name: 'bench',
          include: [BENCH],
          ...kernelSetup,
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: group(2),
        },
      },
      {
        extends: true,
        test: {
          name: 'netns',
          include: ['test/netns/**/*.test.ts'],
          ...queue,
          // Loading the modules anew for each file costs more than the tests, where the kernel runs emulated.
          isolate: false,
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: group(3),
        },
      },
    ],
  },
});
