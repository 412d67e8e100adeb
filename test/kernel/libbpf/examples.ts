/** Checks of each program of src/libbpf/examples, wherever it is installed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inNetns } from 'netlink-ts';
import { namespace, run } from './harness.js';
import type { Examples } from '../examples.js';

/** A packet of `ping` is 98 bytes: Ethernet, IPv4, ICMP and 56 bytes of its own. */
const PING_BYTES = 98;

/** A namespace in which v1 has addresses, and sends what is for 192.0.2.9 to v0. */
function sender(): string {
  const netns = namespace();
  for (const address of ['192.0.2.1/24', '198.51.100.7/32']) run(netns, 'ip', 'addr', 'add', address, 'dev', 'v1');
  run(netns, 'ip', 'neigh', 'add', '192.0.2.9', 'lladdr', '02:00:00:00:00:09', 'dev', 'v1', 'nud', 'permanent');
  return netns;
}

/** Nobody answers. */
function send(netns: string, source: string, packets: number): void {
  const words = ['-q', '-I', source, '-c', String(packets), '-i', '0.01', '-W', '0.01', '192.0.2.9'];
  inNetns(netns, () => spawnSync('ping', words));
}

/** @param source the folder that the README has copied */
export function libbpfExamples(examples: Examples, source: string): void {
  const directory = mkdtempSync(join(tmpdir(), 'libbpf-examples-'));
  const object = join(directory, 'sources.o');
  beforeAll(() => {
    const { stdout: triplet } = spawnSync('gcc', ['-dumpmachine'], { encoding: 'utf8' });
    const flags = ['-O2', '-g', '-target', 'bpf', '-mcpu=v3', '-Wall', '-Werror'];
    const includes = ['-idirafter', `/usr/include/${triplet.trim()}`];
    run(undefined, 'clang', ...flags, ...includes, '-c', '-o', object, join(source, 'sources.bpf.c'));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  it('cover every program of the folder', () => {
    expect(examples.names).toEqual(['drop-prefixes.ts', 'new-sources.ts', 'top-sources.ts']);
  });

  it('drop-prefixes.ts drops packets from its prefixes until it ends', async () => {
    const netns = sender();
    const drops = examples.start(netns, 'drop-prefixes.ts', object, 'v0', '198.51.100.0/24', '203.0.113.1');
    await drops.printed('v0: 2 prefixes are dropped');
    send(netns, '192.0.2.1', 3);
    send(netns, '198.51.100.7', 5);
    await drops.printed('5 packets dropped');
    expect(await drops.end()).toBe(0);
    expect(run(netns, 'ip', 'link', 'show', 'v0')).not.toContain('xdp');
  });

  it('new-sources.ts prints each source once', async () => {
    const netns = sender();
    const sources = examples.start(netns, 'new-sources.ts', object, 'v0');
    await sources.printed('waiting for packets at v0');
    send(netns, '192.0.2.1', 3);
    send(netns, '198.51.100.7', 3);
    await sources.printed('198.51.100.7');
    expect(await sources.end()).toBe(0);
    expect(sources.lines.slice(1)).toEqual(['192.0.2.1', '198.51.100.7']);
  });

  it('top-sources.ts prints the busiest sources', async () => {
    const netns = sender();
    const top = examples.start(netns, 'top-sources.ts', object, 'v0', '3600');
    await top.printed('counting at v0');
    send(netns, '192.0.2.1', 2);
    send(netns, '198.51.100.7', 4);
    expect(await top.end()).toBe(0);
    expect(top.lines.slice(1)).toEqual([
      `198.51.100.7 4 packets ${4 * PING_BYTES} bytes`,
      `192.0.2.1 2 packets ${2 * PING_BYTES} bytes`,
    ]);
  });
}
