/** Probes, a missing or old libbpf, and the package's subpath. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type FeatureName, probe } from '../../../src/libbpf/index.js';
import { failure, ROOT, run } from './harness.js';

test('probes find the features of the oldest supported kernel', () => {
  // Linux >= 6.6: a verdict of false would be a mistake of the probe.
  const expected: FeatureName[] = [
    'tcx',
    'live frames',
    'ring buffer',
    'batches of hash maps',
    'batches of LPM tries',
    'batches of per-CPU arrays',
    'kernel BTF',
  ];
  for (const feature of expected) {
    probe.require(feature);
    expect([feature, probe.has(feature)]).toEqual([feature, true]);
  }
  expect(probe.all().map(({ feature }) => feature)).toEqual(expect.arrayContaining(expected));
  for (const type of ['xdp', 'sched_cls', 'lwt_xmit'] as const) expect(probe.programType(type)).toBe(true);
  for (const type of ['hash', 'lpm_trie', 'ringbuf', 'devmap_hash', 'hash_of_maps'] as const)
    expect(probe.mapType(type)).toBe(true);
  expect(probe.helper('xdp', 'fib_lookup')).toBe(true);
  expect(probe.helper('sched_cls', 'redirect_peer')).toBe(true);
});

test('a missing feature is reported with the first kernel that has it', () => {
  // redirect_peer is no helper of XDP programs on any kernel.
  expect(probe.helper('xdp', 'redirect_peer')).toBe(false);
  const config = spawnSync('ip', ['link', 'add', 'bpft-nk0', 'type', 'netkit']);
  if (config.status === 0) run(undefined, 'ip', 'link', 'del', 'bpft-nk0');
  const real = config.status === 0;
  expect(probe.has('netkit')).toBe(real);
  if (real) return;
  const error = failure(() => {
    probe.require('netkit');
  });
  expect(error.message).toBe('netkit not supported (requires >= 6.7)');
  expect(error.code).toBe('LIBBPF_NOT_SUPPORTED');
});

/** What the built package says when it is first used in a process of its own. */
function firstUse(environment: NodeJS.ProcessEnv): string {
  const script = `
    import { possibleCpus } from 'libbpf-ts';
    try { console.log(possibleCpus()); } catch (error) { console.log(error.code + ' ' + error.message); }`;
  return execFileSync('node', ['--input-type=module', '-e', script], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    encoding: 'utf8',
  }).trim();
}

test('the package exports libbpf-ts', () => {
  expect(firstUse({})).toMatch(/^\d+$/);
});

test('the import succeeds without libbpf, and the first use names the package to install', () => {
  expect(firstUse({ LIBBPF_PATH: 'libbpf-absent.so.1' })).toMatch(
    /^LIBBPF_MISSING load libbpf-absent\.so\.1: Failed to load shared library: .*; expected libbpf >= 1\.3 \(Debian: apt install libbpf1, from backports on Debian 12\)$/,
  );
});

test('a libbpf that is too old is refused by its version', () => {
  const directory = mkdtempSync(join(tmpdir(), 'libbpf-test-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  writeFileSync(
    join(directory, 'old.c'),
    'unsigned libbpf_major_version(void) { return 1; }\nunsigned libbpf_minor_version(void) { return 2; }\n',
  );
  run(undefined, 'gcc', '-shared', '-fPIC', '-o', join(directory, 'old.so'), join(directory, 'old.c'));
  expect(firstUse({ LIBBPF_PATH: join(directory, 'old.so') })).toMatch(
    /^LIBBPF_MISSING load .*old\.so: version 1\.2 is too old; expected libbpf >= 1\.3/,
  );
  // A library that is none at all.
  expect(firstUse({ LIBBPF_PATH: join(directory, 'old.c') })).toMatch(/^LIBBPF_MISSING load .*old\.c: /);
});
