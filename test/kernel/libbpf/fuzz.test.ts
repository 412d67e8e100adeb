/** Invalid handles, sizes and objects, in a child process so that a crash is detected. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { XDP_ACTIONS } from '../../../src/libbpf/index.js';
import { inNetns } from '../../../src/netlink/netns.js';
import { namespace, objectPath, ROOT } from './harness.js';

// FUZZ_SEED repeats a run; FUZZ_ROUNDS makes it longer.
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 1500);

test(`${ROUNDS} rounds of invalid calls, seed ${SEED}, cause errors but no crash`, { timeout: 300_000 }, () => {
  const child = join(ROOT, 'test/kernel/libbpf/fuzz-child.js');
  const args = [child, `${SEED}`, `${ROUNDS}`, objectPath('test/maps')];
  // It attaches to whatever interface a number happens to be: to those of a namespace of its own.
  const { status, signal, stdout, stderr } = inNetns(namespace(), () => spawnSync('node', args, { encoding: 'utf8' }));
  expect({ seed: SEED, status, signal, stderr }).toEqual({ seed: SEED, status: 0, signal: null, stderr: '' });
  const { verdict, counts } = JSON.parse(stdout) as { verdict: number; counts: Record<string, number> };
  expect(verdict).toBe(XDP_ACTIONS.pass);
  // Nonsense that is never refused, or that always is, would test nothing.
  expect(counts.fine).toBeGreaterThan(ROUNDS / 20);
  for (const code of ['LIBBPF_SIZE', 'LIBBPF_CLOSED', 'LIBBPF_ARGUMENT']) expect(counts[code]).toBeGreaterThan(0);
});
