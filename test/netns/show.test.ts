import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it, vi } from 'vitest';
import { addShowCommand } from '../../src/cli/show.js';
import { countersOf } from '../../src/cli/show/counters.js';
import { fastpathOf } from '../../src/cli/show/fastpath.js';
import { nexthopRecords } from '../../src/cli/show/nexthop.js';
import { portRecords } from '../../src/cli/show/port.js';
import { routeRecords } from '../../src/cli/show/route.js';
import { sidRecords } from '../../src/cli/show/sid.js';
import { vrfRecords } from '../../src/cli/show/vrf.js';
import { showContext } from '../../src/observe/inspect/context.js';
import { plugVm, unplugVm } from '../../lab/network.js';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';
import type { ShowContext } from '../../src/observe/inspect/context.js';
import { scopeTo } from '../../src/app/intent.js';

const TABLE = 0x5e000000 + 100;

describe('show', () => {
  const network = useNetwork(selftestTopology());
  const withIntent = (): ShowContext =>
    showContext(network.instance('hv1'), scopeTo(network.intent(), network.netns('hv1')));
  const kernelAlone = (): ShowContext => showContext(network.instance('hv1'), undefined);
  const ipJson = async <T>(args: string): Promise<T[]> => JSON.parse(await network.ip('hv1', `-j ${args}`)) as T[];

  it('lists VRFs', () => {
    const expected = { table: TABLE, state: 'up', ports: 1, routes4: 2, routes6: 2, sids: ['fd00:5e:1:4600:64::'] };
    expect(vrfRecords(kernelAlone())[0]).toEqual({ name: 'sg-100', tenant: 't100', ...expected });
    expect(vrfRecords(kernelAlone()).map(({ tenant }) => tenant)).toEqual(['t100', 't200']);
  });

  it('lists VRFs and SIDs that the kernel lost', async () => {
    await network.ip('hv1', 'link delete sg-200');
    try {
      expect(vrfRecords(kernelAlone()).map(({ name }) => name)).toEqual(['sg-100']);
      expect(vrfRecords(withIntent()).map(({ name, state }) => `${name} ${state}`)).toEqual([
        'sg-100 up',
        'sg-200 missing',
      ]);
      const sids = sidRecords(withIntent()).map(({ sid, state }) => `${sid} ${state}`);
      expect(sids).toEqual(['fd00:5e:1:4600:64:: present', 'fd00:5e:1:4600:c8:: missing']);
    } finally {
      await network.apply('hv1');
    }
    expect(vrfRecords(withIntent()).map(({ state }) => state)).toEqual(['up', 'up']);
  });

  it('counts decapsulated packets of SIDs', async () => {
    const of = (): { packets: number; bytes: number; errors: number } => {
      const found = sidRecords(kernelAlone()).find(({ sid }) => sid === 'fd00:5e:1:4600:64::');
      return { packets: found?.packets ?? -1, bytes: found?.bytes ?? -1, errors: found?.errors ?? -1 };
    };
    await network.ping('t100-2', '10.0.0.1');
    const before = of();
    await network.ping('t100-2', '10.0.0.1', { count: 5 });
    const after = of();
    expect(after.packets - before.packets).toBe(5);
    // 84 bytes inner, 40 outer
    expect(after.bytes - before.bytes).toBe(5 * 124);
    expect(after.errors).toBe(0);
  });

  it('lists as many routes as ip', async () => {
    const records = [...routeRecords(withIntent(), { tenant: 't100' })];
    expect(records.find(({ prefix }) => prefix === '10.0.0.2/32')).toMatchObject({
      tenant: 't100',
      vrf: 'sg-100',
      table: TABLE,
      type: 'unicast',
      segments: ['fd00:5e:2:4600:64::'],
      node: network.netns('hv2'),
      device: 'sg-100',
      protocol: 'segue',
      metric: 0,
      state: 'ok',
    });
    expect(records.find(({ prefix }) => prefix === 'cafe::1/128')).toMatchObject({
      device: 't100-1',
      segments: [],
      via: null,
    });
    const listed = [
      ...(await ipJson<unknown>(`-4 route show table ${TABLE} proto 94`)),
      ...(await ipJson<unknown>(`-6 route show table ${TABLE} proto 94`)),
    ];
    expect(records).toHaveLength(listed.length);
    const all = [...routeRecords(withIntent(), { tenant: 't100', all: true })];
    expect(all.find(({ prefix }) => prefix === '10.0.0.254/32')).toMatchObject({ type: 'local', protocol: 'kernel' });
  });

  it("lists somebody else's route in a tenant's table, with its protocol", async () => {
    await network.ip('hv1', `route add 10.9.9.0/24 dev t100-1 table ${TABLE} proto 186`);
    try {
      const found = [...routeRecords(kernelAlone(), {})].find(({ prefix }) => prefix === '10.9.9.0/24');
      expect(found).toMatchObject({ protocol: 'bgp', device: 't100-1', tenant: 't100' });
    } finally {
      await network.ip('hv1', `route del 10.9.9.0/24 table ${TABLE}`);
    }
  });

  it('lists next hops with their routes', async () => {
    const records = nexthopRecords(withIntent());
    const listed = await ipJson<{ id: number }>('nexthop show');
    expect(records.map(({ id }) => id)).toEqual(listed.map(({ id }) => id).sort((a, b) => a - b));
    expect(records.filter(({ tenant }) => tenant === 't100')).toMatchObject([
      { family: 'inet', vrf: 'sg-100', mode: 'encap.red', node: network.netns('hv2'), routes: 1 },
      { family: 'inet6', vrf: 'sg-100', mode: 'encap.red', node: network.netns('hv2'), routes: 1 },
    ]);
    expect(nexthopRecords(kernelAlone())[0]).toMatchObject({ node: null, segments: ['fd00:5e:2:4600:64::'] });
  });

  it('shows a port as up, detached, waiting and up again', async () => {
    const state = (context: ShowContext): string[] =>
      portRecords(context).map((port) => `${port.interface} ${port.state}`);
    expect(portRecords(withIntent())[0]).toEqual({
      name: 't100-1',
      icmpRate: null,
      icmpRateDropped: null,
      migration: null,
      migrationRelayed: null,
      interface: 't100-1',
      tenant: 't100',
      vrf: 'sg-100',
      state: 'up',
      mac: '02:00:00:00:00:01',
      addresses: ['10.0.0.1', 'cafe::1'],
      gatewayMac: '02:73:67:00:00:64',
      mtu: 1460,
    });
    expect(portRecords(kernelAlone())[0]).toMatchObject({ name: null, mac: '02:00:00:00:00:01' });
    await network.ip('hv1', 'link set t100-1 nomaster');
    expect(state(withIntent())).toEqual(['t200-3 up', 't100-1 detached']);
    unplugVm(network.topology, network.vm('t100-1'));
    expect(state(withIntent())).toEqual(['t200-3 up', 't100-1 waiting']);
    expect(state(kernelAlone())).toEqual(['t200-3 up']);
    plugVm(network.topology, network.vm('t100-1'));
    await network.apply('hv1');
    expect(state(withIntent())).toEqual(['t100-1 up', 't200-3 up']);
    await network.ip('hv1', 'link set t100-1 down');
    expect(state(kernelAlone())).toEqual(['t100-1 down', 't200-3 up']);
    await network.apply('hv1');
  });

  it('shows that the kernel forwards and a program answers solicitations', () => {
    expect(fastpathOf(kernelAlone())).toMatchObject({
      running: 'kernel',
      missing: null,
      responder: true,
      maps: [{ map: 'sg_ports', entries: 2 }],
      devices: [
        { device: 'eth0', role: 'uplink', state: 'up' },
        { device: 't100-1', role: 'port', tcx: { name: 'segue_responder' } },
        { device: 't200-3', role: 'port', tcx: { name: 'segue_responder' } },
      ],
    });
  });

  it('counts sent and dropped packets', async () => {
    // A forged sender does not get through ARP: the neighbour must be known before.
    expect(await network.ping('t100-1', '10.0.0.2')).toMatchObject({ received: 1 });
    const before = await countersOf(kernelAlone());
    await network.ip('t100-1', 'address replace 10.0.0.66/32 dev eth0');
    expect(await network.ping('t100-1', '10.0.0.2', { count: 4, source: '10.0.0.66' })).toMatchObject({ received: 0 });
    const after = await countersOf(kernelAlone());
    const source = ({ guard }: typeof before): number =>
      guard.find(({ reason }) => reason === 'source')?.packets ?? NaN;
    expect(source(after) - source(before)).toBe(4);
    const rx = ({ ports }: typeof before): number => ports.find(({ device }) => device === 't100-1')?.rxPackets ?? NaN;
    expect(rx(after) - rx(before)).toBeGreaterThanOrEqual(4);
    const { vrfs, sids } = await countersOf(kernelAlone(), { tenant: 't200' });
    expect([...vrfs.map(({ device }) => device), ...sids.map(({ sid }) => sid)]).toEqual([
      'sg-200',
      'fd00:5e:1:4600:c8::',
    ]);
  });

  it('works without a readable intent, and reports it', async () => {
    const { nodes } = network.files();
    writeFileSync(join(network.directory, 'intent.yaml'), 'version: nonsense\n');
    const written: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' };
    const spies = (['stdout', 'stderr'] as const).map((stream) =>
      vi.spyOn(process[stream], 'write').mockImplementation((text) => {
        written[stream] += String(text);
        return true;
      }),
    );
    try {
      const program = new Command('segue').exitOverride();
      addShowCommand(program);
      await program.parseAsync(['node', 'segue', 'show', 'vrf', '-j', '-c', nodes.get('hv1') ?? '']);
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    expect((JSON.parse(written.stdout) as { name: string }[]).map(({ name }) => name)).toEqual(['sg-100', 'sg-200']);
    expect(written.stderr).toMatch(/the intent cannot be used/);
  });
});
