import { defineConfig } from 'vitest/config';

// unit: pure values. kernel: real netlink and eBPF in namespaces of its own, no VRF needed.
// netns: whole topologies with VRF; runs where the kernel has it (test/vm boots one that does); scripts/vm-tests shares the
// files out between VMs by a queue, and those of test/kernel/libbpf with them.
const queue = process.env.SEGUE_TEST_QUEUE === undefined ? {} : { runner: './scripts/queue-runner.js' };

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts'],
          ...queue,
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'netns',
          include: ['test/netns/**/*.test.ts'],
          ...queue,
          // Loading the modules anew for each file costs more than the tests, where the kernel runs emulated.
          isolate: false,
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
