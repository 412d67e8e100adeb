/** `show` where the fast path forwards alone: its maps are the only source of routes. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { encapEntries } from '../../../src/observe/inspect/fastpath-entries.js';
import { EndpointKey, Endpoint, EndpointType } from '../../../src/ebpf/generated/layouts.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';

const SEGUE = fileURLToPath(new URL('../../../bin/segue', import.meta.url));
const REMOTE = 'fd00:5e:2:4600:64::';
/** Fills the map of members nearly: 2^20 there may be. */
const MILLION = 1_000_000;
/** Far less than the output would take as one string. */
const HEAP_MB = 64;

interface Shown {
  lines: string[];
  code: number | null;
  stderr: string;
}

describe('show, where the fast path forwards alone', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }));

  beforeAll(() => {
    network.files();
  });

  /** @param onLine takes the lines instead of keeping them */
  const show = async (args: string[], onLine?: (line: string) => void, options: string[] = []): Promise<Shown> => {
    const argv = [...options, SEGUE, 'show', ...args, '-c', join(network.directory, 'hv1.yaml')];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    const shown: Shown = { lines: [], code: null, stderr: '' };
    child.stderr.setEncoding('utf8').on('data', (text: string) => (shown.stderr += text));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    for await (const line of createInterface(child.stdout)) {
      if (onLine === undefined) shown.lines.push(line);
      else onLine(line);
    }
    shown.code = await ended;
    return shown;
  };
  const records = async (...args: string[]): Promise<Record<string, unknown>[]> => {
    const { lines, code, stderr } = await show([...args, '-j']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(lines.join('')) as Record<string, unknown>[];
  };

  it('vrf lists tenants with their ports, routes and SIDs', async () => {
    const common = { name: null, table: null, state: 'fastpath', ports: 1, routes4: 2, routes6: 2 };
    expect(await records('vrf')).toEqual([
      { ...common, tenant: 't100', sids: ['fd00:5e:1:4600:64::'] },
      { ...common, tenant: 't200', sids: ['fd00:5e:1:4600:c8::'] },
    ]);
    expect((await show(['vrf', '-t', 't200'])).lines).toEqual([
      'VRF  TENANT  TABLE  STATE     PORTS  ROUTES4  ROUTES6  SIDS',
      '-    t200    -      FASTPATH      1        2        2  fd00:5e:1:4600:c8::',
    ]);
  });

  it('sid lists the SIDs that decapsulate', async () => {
    const common = { table: null, vrf: null, protocol: 'segue', packets: null, bytes: null, errors: null };
    expect(await records('sid', '-t', 't100')).toEqual([
      { sid: 'fd00:5e:1:4600:64::', behaviour: 'End.DT46', tenant: 't100', state: 'present', ...common },
    ]);
  });

  it('nexthop lists encapsulations with their numbers of routes', async () => {
    const [found, ...others] = await records('nexthop', '-t', 't100');
    expect(others).toEqual([]);
    const common = { family: null, vrf: null, tenant: 't100', mode: 'encap.red' };
    expect(found).toMatchObject({ ...common, segments: [REMOTE], node: network.netns('hv2'), routes: 2 });
  });

  it('route filters by tenant, address, prefix and port, and lists gateways with -a', async () => {
    const all = await records('route', '-t', 't100');
    expect(all.map(({ prefix }) => prefix)).toEqual(['10.0.0.1/32', '10.0.0.2/32', 'cafe::1/128', 'cafe::2/128']);
    const [own, remote] = all;
    const common = { tenant: 't100', vrf: null, table: null, type: 'unicast', via: null, protocol: 'segue' };
    expect(own).toMatchObject({ ...common, device: 't100-1', nexthopId: null, segments: [], state: 'ok' });
    expect(remote).toMatchObject({ ...common, device: null, segments: [REMOTE], node: network.netns('hv2') });
    const prefixes = async (...args: string[]): Promise<unknown[]> =>
      (await records('route', ...args)).map(({ tenant, prefix }) => `${String(tenant)} ${String(prefix)}`);
    expect(await prefixes('--address', '10.0.0.2', '-t', 't100')).toEqual(['t100 10.0.0.2/32']);
    expect(await prefixes('--host', 'cafe::/64', '-t', 't200')).toEqual(['t200 cafe::3/128', 't200 cafe::4/128']);
    expect(await prefixes('--port', 't200-3')).toEqual(['t200 10.0.0.3/32', 't200 cafe::3/128']);
    expect(await prefixes('-a', '--address', '10.0.0.254', '-t', 't100')).toEqual(['t100 10.0.0.254/32']);
  });

  it('counters selects ports by address with either option', async () => {
    const counted = async (...args: string[]): Promise<unknown> => {
      const { lines, code, stderr } = await show(['counters', ...args, '-j']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { ports, fastpath } = JSON.parse(lines.join('')) as {
        ports: { device: string }[];
        fastpath: { ports: { device: string }[] };
      };
      expect(fastpath.ports.map(({ device }) => device)).toEqual(ports.map(({ device }) => device));
      return ports.map(({ device }) => device);
    };
    expect(await counted()).toEqual(['t100-1', 't200-3']);
    expect(await counted('--host', '10.0.0.3')).toEqual(['t200-3']);
    expect(await counted('--address', 'cafe::/64')).toEqual(['t100-1', 't200-3']);
    expect(await counted('--host', 'cafe::/64', '-t', 't100')).toEqual(['t100-1']);
    expect(await counted('--host', '10.0.0.2')).toEqual([]);
    expect(await show(['counters', '--host', 'x'])).toMatchObject({ code: 2, lines: [] });
  });

  it.each([
    ['gateway', { node: expect.any(String) as string, roles: [], gateways: [] }],
    ['policy', []],
    ['flow', { connections: [], flowNodes: [], counts: expect.anything() as object }],
  ])('%s reports that the node has no gateways', async (what, empty) => {
    expect(await show([what])).toEqual({
      lines: [],
      code: 0,
      stderr:
        'segue: no gateways on this node: it is not a network node, and no tenant with a port here has a gateway\n',
    });
    const { lines, code, stderr } = await show([what, '-j']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(lines.join(''))).toEqual(empty);
  });

  it('tenants are shown by their ids without the intent', async () => {
    const { lines, code, stderr } = await show(['vrf', '-t', 'tenant 100', '-f', '/nowhere/intent.yaml']);
    expect({ code, lines: lines.length }).toEqual({ code: 0, lines: 2 });
    expect(stderr).toContain('the intent cannot be used');
  });

  it('a missing underlay route is reported', async () => {
    await network.ip('hv1', 'link set eth0 down');
    try {
      await network.apply('hv1');
      const [found] = await records('route', '-t', 't100', '--address', '10.0.0.2');
      expect(found).toMatchObject({ state: 'unresolved', segments: [REMOTE] });
    } finally {
      await network.ip('hv1', 'link set eth0 up');
    }
  });

  it('a million routes are printed as they are read', { timeout: 300_000 }, async () => {
    const { maps } = network.instance('hv1').kernel.fastpath;
    if (maps === undefined) throw new Error('no fast-path maps are pinned');
    const [encap] = [...encapEntries(maps).keys()];
    const keys = Buffer.alloc(MILLION * EndpointKey.SIZE);
    const values = Buffer.alloc(MILLION * Endpoint.SIZE);
    for (let index = 0; index < MILLION; index++) {
      keys.writeUInt32LE(100, index * EndpointKey.SIZE + EndpointKey.OFFSETS.tenant);
      keys.writeUInt32LE(4, index * EndpointKey.SIZE + EndpointKey.OFFSETS.family);
      keys.writeUInt32BE(0x0b000000 + index, index * EndpointKey.SIZE + EndpointKey.OFFSETS.address);
      values.writeUInt32LE(EndpointType.EP_REMOTE, index * Endpoint.SIZE + Endpoint.OFFSETS.type);
      values.writeUInt32LE(encap ?? 0, index * Endpoint.SIZE + Endpoint.OFFSETS.id);
    }
    maps.sg_endpoints.updateBatch(keys, values);
    try {
      let rows = 0;
      const isRemote = (line: string): void => void (rows += line.includes('/32') && line.includes(' 11.') ? 1 : 0);
      const heap = [`--max-old-space-size=${HEAP_MB}`];
      const { code, stderr } = await show(['route', '-t', 't100'], isRemote, heap);
      expect({ rows, code, stderr }).toEqual({ rows: MILLION, code: 0, stderr: '' });
      const [vrf] = await records('vrf', '-t', 't100');
      expect(vrf).toMatchObject({ routes4: MILLION + 2 });
    } finally {
      maps.sg_endpoints.deleteBatch(keys);
    }
  });
});
