/** A failed creation leaves no descriptor open, as an agent retries for as long as it runs. */
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { FastpathStore } from '../../../src/ebpf/fastpath.js';
import { programVersion } from '../../../src/ebpf/programs.js';
import { bpffs } from '../libbpf/harness.js';

/** Descriptors of eBPF objects that this process has. */
function held(): string[] {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return targets.filter((target) => target.startsWith('anon_inode:bpf')).sort();
}

function open(): { store: FastpathStore; pins: string } {
  const runDirectory = mkdtempSync(join(tmpdir(), 'segue-store-'));
  const pins = join(bpffs(), 'segue', 'hv1');
  const store = new FastpathStore({ runDirectory, pinDirectory: pins });
  onTestFinished(() => {
    store.close();
    rmSync(runDirectory, { recursive: true });
  });
  return { store, pins };
}

/** A directory where a pin is to be: nothing can be pinned there. */
function bar(path: string): () => void {
  mkdirSync(path, { recursive: true });
  return () => {
    rmdirSync(path);
  };
}

it('a program that cannot be pinned leaves no descriptor open', () => {
  const { store, pins } = open();
  store.makeMaps();
  const before = held();
  const unbar = bar(`${pins}/programs/uplink_tc_${programVersion('uplink_tc', {})}`);
  for (let turn = 0; turn < 3; turn++) expect(() => store.makeProgram('uplink_tc')).toThrow();
  expect(held()).toEqual(before);
  unbar();
  expect(store.makeProgram('uplink_tc').info().name).toContain('uplink_tc');
});

it.each([
  ['the fast path', (store: FastpathStore) => store.makeMaps(), 'sg_node'],
  ['gateways', (store: FastpathStore) => store.gateways.make(), 'sg_gw_affinity'],
  ['a network node', (store: FastpathStore) => store.steering.make(), 'sg_ct'],
])('maps of %s that cannot be pinned leave no descriptor open', (_whose, make, barred) => {
  const { store, pins } = open();
  // Where it is pinned, and so where it is barred, is what the maps themselves tell.
  make(store);
  const path = pathsBelow(pins).find((one) => one.endsWith(`/${barred}`));
  if (path === undefined) throw new Error(`${barred} is not pinned`);
  store.gateways.forget();
  store.steering.forget();
  rmSync(path);
  const unbar = bar(path);
  expect(() => make(store)).toThrow();
  const before = held();
  for (let turn = 0; turn < 3; turn++) expect(() => make(store)).toThrow();
  expect(held()).toEqual(before);
  unbar();
  make(store);
});

function pathsBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? pathsBelow(join(directory, entry.name)) : [join(directory, entry.name)],
  );
}
