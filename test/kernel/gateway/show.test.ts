/**
 * `segue show gateway|policy|flow` of a network node, as the commands print it, over real maps and packets of its real
 * program.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ip4, udp } from '../fastpath/packets.js';
import { ageTable, emptyTable } from '../steer/table.js';
import { echo, ECHO4 } from '../steer/icmp.js';
import { ACK, FIN, SYN, ViewNode } from './view-node.js';
import { run } from '../libbpf/harness.js';

const RED_TO_BLUE = { from: { tenant: 'red' }, to: { tenant: 'blue' } };
const WEB = { name: 'web', ...RED_TO_BLUE, protocol: 'tcp', ports: [80], action: 'allow' };
const NO_SSH = { name: 'no-ssh', ...RED_TO_BLUE, protocol: 'tcp', ports: [22], action: 'deny', log: true, priority: 5 };
const SHADOWED = { name: 'late', ...RED_TO_BLUE, protocol: 'tcp', ports: [22], action: 'allow' };
const PING = { name: 'ping', ...RED_TO_BLUE, protocol: 'icmp', action: 'allow' };
const DNS = {
  name: 'dns',
  from: { tenant: 'red' },
  to: { external: 'dc' },
  protocol: 'udp',
  ports: [53],
  action: 'allow',
};
const POLICIES = [WEB, NO_SSH, SHADOWED, PING, DNS];

const node = new ViewNode();
let port = 20_000;

beforeAll(async () => {
  node.setUp();
  await node.apply({ policies: POLICIES });
});

afterAll(() => node.tearDown());

interface Policy {
  name: string;
  state: string;
  connections: number | null;
  packets: number | null;
  bytes: number | null;
}

interface Flow {
  from: string;
  to: string;
  protocol: string;
  source: string;
  destination: string;
  sourcePort: number | null;
  destinationPort: number | null;
  id: number | null;
  state: string;
  ageSeconds: number;
  idleSeconds: number;
  timeoutSeconds: number;
  policy: string | null;
}

interface Flows {
  connections: Flow[];
  flowNodes: unknown[];
  counts: Record<'connections' | 'flowNodes', { matched: number; shown: number }>;
}

async function policies(): Promise<Record<string, Policy>> {
  const found = (await node.json('show', 'policy')) as Policy[];
  return Object.fromEntries(found.map((policy) => [policy.name, policy]));
}

const flows = async (...args: string[]): Promise<Flows> => (await node.json('show', 'flow', ...args)) as Flows;

describe('show gateway', () => {
  interface Shown {
    roles: string[];
    gateways: {
      nodes: { node: string; self: boolean; state: string; share: number; drainingShare: number }[];
      externals: object[];
    }[];
  }
  const shown = async (): Promise<Shown> => (await node.json('show', 'gateway')) as Shown;

  it('lists network nodes with their shares of new flows, and active nodes of external networks', async () => {
    const { roles, gateways } = await shown();
    expect(roles).toEqual(['network-node']);
    expect(gateways).toHaveLength(1);
    expect(gateways[0]).toMatchObject({ gateway: 'gw', tenants: ['blue', 'red'] });
    const [other, self] = gateways[0]?.nodes ?? [];
    expect(other).toMatchObject({ node: 'nn2', self: false, state: 'up', locator: 'fd00:5e:92::/48' });
    expect(self).toMatchObject({ node: node.name, self: true, state: 'up', source: 'fd00:5e:91::1' });
    expect((self?.share ?? 0) + (other?.share ?? 0)).toBeCloseTo(1);
    expect(self?.share).toBeGreaterThan(0.49);
    expect(gateways[0]?.externals).toMatchObject([
      { external: 'dc', prefix: '192.0.2.0/24', interface: 'eth1', state: 'up' },
      { external: 'dc', prefix: '198.51.100.0/24', interface: 'eth1', state: 'up' },
    ]);
    const { output } = await node.segue('show', 'gateway');
    expect(output).toMatch(new RegExp(`^${node.name}: network node$`, 'm'));
    expect(output).toMatch(/^GATEWAY +NODE +ROLE +STATE +SHARE +LOCATOR +SOURCE$/m);
    expect(output).toMatch(new RegExp(`^gw +${node.name} +self +UP +50\\.0% +fd00:5e:91::/48 +fd00:5e:91::1$`, 'm'));
    expect(output).toMatch(new RegExp(`^dc +192\\.0\\.2\\.0/24 +gw +(nn2|${node.name}) +eth1 +UP$`, 'm'));
  });

  it('shows no share of new flows for a draining node, and no share at all without a route', async () => {
    const other = async (): Promise<unknown> => (await shown()).gateways[0]?.nodes[0];
    await node.apply({ policies: POLICIES, drain: true });
    expect(await other()).toMatchObject({ state: 'draining', share: 0 });
    expect(((await other()) as { drainingShare: number }).drainingShare).toBeGreaterThan(0.49);
    await node.apply({ policies: POLICIES });
    run(node.name, 'ip', '-6', 'route', 'add', 'unreachable', 'fd00:5e:92::/48');
    await node.apply({ policies: POLICIES });
    expect(await other()).toMatchObject({ state: 'down', share: 0, drainingShare: 0 });
    expect((await shown()).gateways[0]?.externals).toMatchObject([{ active: node.name }, { active: node.name }]);
    run(node.name, 'ip', '-6', 'route', 'del', 'unreachable', 'fd00:5e:92::/48');
    await node.apply({ policies: POLICIES });
    expect(await other()).toMatchObject({ state: 'up' });
  });

  it('shows an external interface that is down', async () => {
    run(node.name, 'ip', 'link', 'set', 'eth1', 'down');
    expect((await shown()).gateways[0]?.externals[0]).toMatchObject({ state: 'down' });
    run(node.name, 'ip', 'link', 'set', 'eth1', 'up');
  });
});

describe('show policy', () => {
  it('lists policies in force, and policies that never match', async () => {
    const { output } = await node.segue('show', 'policy');
    const [head, ...lines] = output.trimEnd().split('\n');
    expect(head).toMatch(/^POLICY +FROM +TO +PROTO +PORTS +PRIO +ACTION +STATE +CONNECTIONS +PACKETS +BYTES$/);
    expect(lines.map((line) => line.split(/ {2,}/).slice(0, 8))).toEqual([
      ['no-ssh', 'red', 'blue', 'tcp', '22', '   5', 'deny log', 'in-force'].map((text) => text.trim()),
      ['late', 'red', 'blue', 'tcp', '22', '1000', 'allow', 'overridden'],
      ['ping', 'red', 'blue', 'icmp', 'all', '1000', 'allow', 'in-force'],
      ['web', 'red', 'blue', 'tcp', '80', '1000', 'allow', 'in-force'],
      ['dns', 'red', 'external:dc', 'udp', '53', '1000', 'allow', 'in-force'],
    ]);
  });

  it('counts connections, packets and bytes of both directions', async () => {
    const before = await policies();
    const source = ++port;
    expect(node.toBlue(source, 80, SYN)).toBe('redirect');
    expect(node.toRed(80, source, SYN | ACK)).toBe('redirect');
    expect(node.toBlue(source, 80, ACK)).toBe('redirect');
    expect(node.toBlue(++port, 22, SYN)).toBe('drop');
    const after = await policies();
    const more = (name: string): unknown[] =>
      (['connections', 'packets', 'bytes'] as const).map(
        (field) => (after[name]?.[field] ?? 0) - (before[name]?.[field] ?? 0),
      );
    expect(more('web')).toEqual([1, 3, 120]);
    expect(more('no-ssh')).toEqual([1, 1, 40]);
    expect(more('ping')).toEqual([0, 0, 0]);
    expect(after.late).toMatchObject({ connections: null, packets: null, bytes: null });
  });

  it('shows policies that differ from the intent', async () => {
    const state = async (): Promise<Record<string, string>> =>
      Object.fromEntries(Object.values(await policies()).map(({ name, state: word }) => [name, word]));
    node.want({
      policies: [
        { ...WEB, ports: [443] },
        { ...WEB, name: 'new', from: { tenant: 'blue' }, to: { tenant: 'red' } },
      ],
    });
    expect(await state()).toEqual({
      ...{ web: 'outdated', new: 'missing' },
      ...{ 'no-ssh': 'unplanned', ping: 'unplanned', dns: 'unplanned' },
    });
    const { output } = await node.segue('show', 'policy');
    expect(output).toMatch(/^dns +red +external:dc +- +- +- +allow +unplanned/m);
    node.want({ policies: POLICIES });
    expect(await state()).toMatchObject({ web: 'in-force', ping: 'in-force' });
  });

  it('filters by tenant', async () => {
    const { output, code } = await node.segue('show', 'policy', '-t', 'blue');
    expect(code).toBe(0);
    expect(output).not.toContain('dns');
    expect(output).toContain('web');
    expect((await node.segue('show', 'policy', '-t', 'green')).output).toContain(
      '--tenant green: expected one of blue red',
    );
  });
});

describe('show flow', () => {
  beforeEach(() => {
    // Nothing of the tests before.
    emptyTable(node.instance.kernel.fastpath.steering.make());
  });

  it("shows a TCP connection in conntrack's states from its SYN to its end", async () => {
    const source = ++port;
    const state = async (): Promise<string | undefined> => (await flows()).connections[0]?.state;
    node.toBlue(source, 80, SYN);
    const [opening] = (await flows()).connections;
    expect(opening).toEqual({
      ...{ from: 'red', to: 'blue', protocol: 'tcp', source: '10.0.0.2', destination: '10.1.0.2' },
      ...{ sourcePort: source, destinationPort: 80, id: null, state: 'SYN_SENT', policy: 'web' },
      ...{ ageSeconds: expect.any(Number) as number, idleSeconds: expect.any(Number) as number },
      timeoutSeconds: 60 - (opening?.idleSeconds ?? 0),
    });
    expect(opening?.ageSeconds).toBeLessThan(30);
    node.toRed(80, source, SYN | ACK);
    expect(await state()).toBe('SYN_RECV');
    node.toBlue(source, 80, ACK);
    const { output } = await node.segue('show', 'flow');
    expect(output).toMatch(/^FROM +TO +PROTO +SOURCE +DESTINATION +STATE +AGE +IDLE +TIMEOUT +POLICY$/m);
    expect(output).toMatch(
      new RegExp(
        `^red +blue +tcp +10\\.0\\.0\\.2:${source} +10\\.1\\.0\\.2:80 +ESTABLISHED +[0-9]+ +[0-9]+ +43[0-9]{4} +web$`,
        'm',
      ),
    );
    expect(output).toContain('segue: 1 connection\n');
    node.toBlue(source, 80, FIN | ACK);
    expect(await state()).toBe('FIN_WAIT');
    node.toRed(80, source, FIN | ACK);
    expect(await state()).toBe('TIME_WAIT');
  });

  it('shows ICMP by its identifier, and UDP to an external network', async () => {
    const echoes = { from: '10.0.0.2', to: '10.1.0.2', protocol: 1, payload: echo(ECHO4.request, 77) };
    expect(node.send('red', ip4(echoes))).toBe('redirect');
    node.send('red', ip4({ from: '10.0.0.2', to: '192.0.2.7', payload: udp({ source: 4000, destination: 53 }) }));
    const { connections } = await flows();
    expect(connections.find(({ protocol }) => protocol === 'icmp')).toMatchObject({
      ...{ id: 77, sourcePort: null, state: 'UNREPLIED', policy: 'ping' },
    });
    expect(connections.find(({ protocol }) => protocol === 'udp')).toMatchObject({
      ...{ to: 'external:dc', destination: '192.0.2.7', destinationPort: 53, policy: 'dns' },
    });
  });

  it('filters, limits and counts connections', async () => {
    for (let number = 0; number < 30; number++) node.toBlue(30_000 + number, 80, SYN);
    node.send('red', ip4({ from: '10.0.0.2', to: '192.0.2.7', payload: udp({ source: 4000, destination: 53 }) }));
    const bounded = await flows('--limit', '5');
    expect(bounded.connections).toHaveLength(5);
    expect(bounded.counts).toEqual({
      ...{ connections: { matched: 31, shown: 5 }, flowNodes: { matched: 0, shown: 0 } },
    });
    const { output } = await node.segue('show', 'flow', '--limit', '5');
    expect(output).toContain('segue: 5 of 31 connections shown (--limit 0 shows all)');
    const matched = async (...args: string[]): Promise<number> => (await flows(...args)).counts.connections.matched;
    expect(await matched('--limit', '0')).toBe(31);
    expect(await matched('--l4-port', '30007')).toBe(1);
    expect(await matched('--l4-port', '80')).toBe(30);
    expect(await matched('--proto', 'udp')).toBe(1);
    expect(await matched('--address', '192.0.2.7')).toBe(1);
    expect(await matched('--address', '10.1.0.0/24')).toBe(30);
    expect(await matched('--address', 'fd00::/8')).toBe(0);
    expect(await matched('-t', 'blue')).toBe(30);
    expect(await matched('-t', 'red')).toBe(31);
  });

  it('hides expired connections unless asked', async () => {
    node.toBlue(++port, 80, SYN);
    ageTable(node.instance.kernel.fastpath.steering.make(), 200);
    expect((await flows()).connections).toEqual([]);
    const [old] = (await flows('-a')).connections;
    expect(old?.timeoutSeconds).toBeLessThan(0);
  });
});

describe('show counters and fastpath', () => {
  it('list zones and policies', async () => {
    const counted = async (): Promise<Record<string, number[]>> => {
      const { steering } = (await node.json('show', 'counters')) as {
        steering: { zones: Record<string, number>[]; policies: Record<string, number>[] };
      };
      return Object.fromEntries([
        ...steering.zones.map(({ zone, ...counters }) => [String(zone), Object.values(counters)]),
        ...steering.policies.map(({ policy, ...counters }) => [String(policy), Object.values(counters)]),
      ]) as Record<string, number[]>;
    };
    const before = await counted();
    node.toBlue(++port, 80, SYN);
    const after = await counted();
    const more = (name: string): number[] =>
      (after[name] ?? []).map((value, index) => value - (before[name]?.[index] ?? 0));
    expect([more('red'), more('blue'), more('web')]).toEqual([
      [1, 40, 0, 0],
      [0, 0, 1, 40],
      [1, 1, 40],
    ]);
  });

  it('list programs and maps of a network node', async () => {
    const { output } = await node.segue('show', 'fastpath');
    expect(output).toMatch(/^data plane: hybrid: /);
    expect(output).not.toContain('the node file asks for');
    expect(output).toMatch(
      /^eth0 +uplink +UP +segue_steer_tc id .* segue_steer_xdp id [0-9]+ tag [0-9a-f]{16} native/m,
    );
    expect(output).toMatch(/^eth1 +external +UP +segue_extern_tc id [0-9]+ /m);
    expect(output).toMatch(/^sg_gw_sids +2 +65536$/m);
    expect(output).toMatch(/^connections +[0-9]+ +262144$/m);
    expect(output).toMatch(/^connections red blue +[0-9]+ +262144$/m);
  });
});
