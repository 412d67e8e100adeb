/** What a node loads at boot: it has an edge, whatever is left of its files, or it reports that it has none. */
import { compile } from '../../../src/app/planning.js';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadEdge } from '../../../src/app/edge-boot.js';
import { EdgeFile } from '../../../src/edge/edge-file.js';
import { edgeResource } from '../../../src/edge/edge-resource.js';
import { openKernel } from '../../../src/app/kernel.js';
import type { Kernel } from '../../../src/kernel/kernel.js';
import { createNetns, deleteNetns } from 'netlink-ts';
import { Engine } from '../../../src/reconcile/engine.js';
import { HV2, intent } from './node.js';
import type { NodeConfig } from '../../../src/intent/types.js';

const NETNS = `sgt${process.pid}edgeboot`;
const directory = mkdtempSync(join(tmpdir(), 'segue-edge-'));
const state = join(directory, 'state');
const file = join(directory, 'node.yaml');
const intentFile = join(directory, 'intent.json');
const saved = join(state, 'hv1', 'edge.nft');
const CONFIG: NodeConfig = {
  node: 'hv1',
  netns: NETNS,
  uplinks: ['eth0'],
  inside: ['in0'],
  dataplane: 'kernel',
  xdp: 'never',
  behaviours: ['dt46'],
  intent: intentFile,
};
const plan = compile(intent(), CONFIG, { uplinkMtu: 1500 });
let kernel: Kernel;
let engine: Engine;

beforeAll(() => {
  createNetns(NETNS);
  kernel = openKernel({
    netns: NETNS,
    runDirectory: join(directory, 'run'),
    pinDirectory: `/sys/fs/bpf/segue/${NETNS}`,
  });
  engine = new Engine(kernel, { edge: edgeResource });
});
afterAll(() => {
  kernel.close();
  deleteNetns(NETNS);
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  await kernel.nft(['flush', 'ruleset']);
  rmSync(state, { recursive: true, force: true });
  const { uplinks, inside, intent: path, netns, node } = CONFIG;
  writeFileSync(file, JSON.stringify({ node, netns, uplinks, inside, intent: path }));
  writeFileSync(intentFile, JSON.stringify(intent()));
});

const drift = async (): Promise<string[]> =>
  (await engine.diff(plan)).changes.map((change) => `${change.action} ${engine.text(change).object}`);
const load = (): ReturnType<typeof loadEdge> => loadEdge(file, state);
const save = (): Promise<void> => new EdgeFile('hv1', NETNS, state).save(plan.edge.values());
const block = async (): Promise<string> => kernel.nft(['list', 'set', 'inet', 'segue_edge', 'domain']);

describe('an edge at boot', () => {
  it('is built completely from the node file and the intent', async () => {
    const { from, problems } = await load();
    expect(from).toBe(`made from ${file} and ${intentFile}`);
    expect(problems).toEqual([`${saved}: no such file: expected a complete edge that segue wrote`]);
    expect(await drift()).toEqual([]);
  });

  it('is the one last in force when the intent is missing', async () => {
    await save();
    rmSync(intentFile);
    expect(await load()).toEqual({ from: 'the edge that was last in force', problems: [] });
    expect(await drift()).toEqual([]);
  });

  it('does not limit the forwarding of a host that forwards by itself', async () => {
    const limited = compile(intent(), CONFIG, { uplinkMtu: 1500, forwarding: 'host' });
    await new EdgeFile('hv1', NETNS, state).save(limited.edge.values());
    await load();
    expect(await kernel.nft(['list', 'table', 'inet', 'segue_edge'])).not.toContain('hook forward');
  });

  it.each<[string, (text: string) => string, RegExp]>([
    ['cut off', (text) => text.slice(0, text.length / 2), /truncated or altered/],
    ['altered', (text) => text.replace('fd00:5e::/32', 'fd00:5f::/32'), /truncated or altered/],
    ['not segue’s', () => 'flush ruleset\n', /not a file of segue/],
    ['empty', () => '', /not a file of segue/],
    ['of another node', (text) => text.replace('"hv1"', '"hv9"'), /the edge of node hv9/],
    ['refused by nft', () => headed('table inet segue_edge { nonsense }\n'), /syntax error|nonsense/],
  ])('is built anew when the saved file is %s', async (_name, spoil, problem) => {
    await save();
    writeFileSync(saved, spoil(readFileSync(saved, 'utf8')));
    const { from, problems } = await load();
    expect(from).toMatch(/^made from/);
    expect(problems).toEqual([expect.stringMatching(problem)]);
    expect(await drift()).toEqual([]);
  });

  it.each<[string, string]>([
    ['refused', JSON.stringify({ ...intent(), nodes: [] })],
    ['without this node', JSON.stringify({ ...intent(), nodes: intent().nodes.slice(1) })],
  ])('has at least the domain when the intent is %s', async (_name, text) => {
    writeFileSync(intentFile, text);
    const { from } = await load();
    expect(from).toBe(`made from ${file} and the prefixes of ${intentFile}`);
    expect(await block()).toMatch(/fd00:7::\/64,\s+fd00:5e::\/32/);
    const found = await drift();
    expect(found.length).toBeGreaterThan(0);
    expect(
      found.every((line) =>
        /^create nft element inet segue_edge (sources|own_sources|locator|trusted|distant_sources)/.test(line),
      ),
    ).toBe(true);
  });

  it('has at least the SID block when the intent is truncated', async () => {
    const text = JSON.stringify(intent(), undefined, 1);
    writeFileSync(intentFile, text.slice(0, text.indexOf('locator')));
    expect((await load()).from).toBe(`made from ${file} and the prefixes of ${intentFile}`);
    expect(await block()).toContain('fd00:5e::/32');
    // Two values: nobody knows which.
    writeFileSync(intentFile, '{ "sidBlock": "fd00:5e::/32", "sidBlock": "fd00:5f::/32", ');
    await expect(load()).rejects.toThrow(/sidBlock/);
  });

  it('is the machine’s only saved one when the node file is invalid', async () => {
    await save();
    writeFileSync(file, 'node: [');
    expect(await load()).toMatchObject({ from: saved });
    expect(await drift()).toEqual([]);
    mkdirSync(join(state, 'hv2'));
    await new EdgeFile('hv2', undefined, state).save(plan.edge.values());
    await expect(load()).rejects.toThrow(/edges of 2 nodes were saved: expected one/);
  });

  it('is refused when nothing can be read, and a loaded one stays', async () => {
    await load();
    writeFileSync(intentFile, '{}');
    await expect(load()).rejects.toThrow(
      /no edge is loaded[^]*no such file[^]*sidBlock: missing: expected an IPv6 prefix/,
    );
    expect(await block()).toContain('fd00:5e::/32');
  });

  it('replaces another in one transaction, and an agent adopts it unchanged', async () => {
    await save();
    await load();
    await engine.converge(plan);
    expect(await drift()).toEqual([]);
    await kernel.nft(['delete', 'element', 'inet', 'segue_edge', 'sources', `{ ${HV2.source} }`]);
    await load();
    expect(await drift()).toEqual([]);
  });
});

describe('the saved edge', () => {
  it('is written when it changes, completely or not at all', async () => {
    const edge = new EdgeFile('hv1', NETNS, state);
    await edge.save(plan.edge.values());
    const text = readFileSync(saved, 'utf8');
    rmSync(saved);
    await edge.save(plan.edge.values());
    // It is not read again each time: that it is gone is found at the next start.
    await new EdgeFile('hv1', NETNS, state).save(plan.edge.values());
    expect(readFileSync(saved, 'utf8')).toBe(text);
    await edge.remove();
    expect(() => readFileSync(saved)).toThrow(/ENOENT/);
  });

  it('is unchanged on a full disk', async () => {
    mkdirSync(state);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32k', 'none', state]);
    try {
      await save();
      const text = readFileSync(saved, 'utf8');
      const other = compile({ ...intent(), sidBlock: 'fd00:5e::/31' }, CONFIG, { uplinkMtu: 1500 });
      execFileSync('sh', ['-c', `cat /dev/zero >${state}/full 2>/dev/null || true`]);
      await expect(new EdgeFile('hv1', NETNS, state).save(other.edge.values())).rejects.toThrow(/ENOSPC/);
      expect(readFileSync(saved, 'utf8')).toBe(text);
      await load();
      expect(await drift()).toEqual([]);
    } finally {
      execFileSync('umount', [state]);
    }
  });
});

function headed(script: string): string {
  const sha256 = createHash('sha256').update(script).digest('hex');
  return `# segue edge ${JSON.stringify({ node: 'hv1', netns: NETNS, sha256 })}\n${script}`;
}
