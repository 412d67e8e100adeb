/**
 * A network node as the agent makes it on this kernel: intent in, maps and program out, and the program's verdicts on
 * packets. It needs no VRF, as a network node has none.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { applyOnce, diffOnce } from '../../../src/agent/apply.js';
import { Instance } from '../../../src/agent/instance.js';
import { purge } from '../../../src/agent/purge.js';
import { reasonCounts } from '../../../src/ebpf/counters.js';
import { nnPoliciesResource } from '../../../src/gateway/policy-resource.js';
import { compilePolicySet } from '../../../src/gateway/policy-set.js';
import { stableNumbers } from '../../../src/gateway/view.js';
import { parseIntent, scopeTo } from '../../../src/app/intent.js';
import { createNetns, deleteNetns } from 'netlink-ts';
import { encapsulated, ethernet, ip4, tcp, udp } from '../fastpath/packets.js';
import { bpffs, ifindex, run, xdpArriving } from '../libbpf/harness.js';
import type { Intent, NodeConfig } from '../../../src/intent/types.js';

const NODE = `sgnn${process.pid}`;
const ROUTERS = `${NODE}r`;
const ROUTER = '02:00:00:00:02:01';
const UPLINK = '02:00:00:00:02:02';
const config: NodeConfig = {
  ...{ node: NODE, netns: NODE, uplinks: ['eth0'], dataplane: 'hybrid', xdp: 'always', behaviours: ['dt46'] },
  intent: '/intent.json',
};

const WEB = {
  ...{ name: 'web', from: { tenant: 'red' }, to: { tenant: 'blue', prefixes: ['10.1.0.0/28'] } },
  ...{ protocol: 'tcp', ports: [80], action: 'allow' },
};
const DNS = {
  name: 'dns',
  from: { tenant: 'blue' },
  to: { tenant: 'red' },
  protocol: 'udp',
  ports: [53],
  action: 'allow',
};

interface Raw {
  policies?: object[];
  drain?: boolean;
}

function intentWith({ policies = [WEB, DNS], drain = false }: Raw = {}): Intent {
  const subnets = (n: number): object[] => [{ prefix: `10.${n}.0.0/24`, gateway: `10.${n}.0.1` }];
  const port = { interface: 'tap0', mac: '02:00:00:00:00:0a' };
  const raw = {
    version: 1,
    sidBlock: 'fd00:5e::/32',
    nodes: [
      { name: 'hv1', locator: 'fd00:5e:1::/48' },
      { name: 'hv2', locator: 'fd00:5e:2::/48' },
      { name: NODE, locator: 'fd00:5e:91::/48' },
      { name: 'nn2', locator: 'fd00:5e:92::/48', drain },
    ],
    tenants: [
      { name: 'red', id: 100, subnets: subnets(0) },
      { name: 'blue', id: 200, subnets: subnets(1) },
      { name: 'green', id: 300, subnets: subnets(1) },
    ],
    ports: [
      { ...port, name: 'red-a', tenant: 'red', node: 'hv1', addresses: ['10.0.0.2'] },
      { ...port, name: 'blue-a', tenant: 'blue', node: 'hv2', addresses: ['10.1.0.2', '10.1.0.99'] },
    ],
    gateways: [{ name: 'gw', nodes: [NODE, 'nn2'], tenants: ['red', 'blue', 'green'] }],
    policies,
  };
  return scopeTo(parseIntent(JSON.stringify(raw), { file: 'intent.json' }), NODE);
}

let instance: Instance;
let uplinkIndex: number;

beforeAll(async () => {
  createNetns(NODE);
  createNetns(ROUTERS);
  const ip = (...args: string[]): string => run(NODE, 'ip', ...args);
  ip('link', 'add', 'eth0', 'address', UPLINK, 'type', 'veth', 'peer', 'name', 'router', 'address', ROUTER);
  ip('link', 'set', 'router', 'netns', ROUTERS);
  for (const link of ['lo', 'eth0']) ip('link', 'set', link, 'up');
  for (const link of ['lo', 'router']) run(ROUTERS, 'ip', 'link', 'set', link, 'up');
  ip('addr', 'add', '2001:db8::2/64', 'dev', 'eth0', 'nodad');
  run(ROUTERS, 'ip', 'addr', 'add', '2001:db8::1/64', 'dev', 'router', 'nodad');
  // What takes frames of XDP at the other end: a veth does with NAPI.
  run(ROUTERS, 'ethtool', '-K', 'router', 'gro', 'on');
  // Until the first neighbour is resolved: ping ends with the first answer.
  run(NODE, 'ping', '-6', '-q', '-i', '0.2', '-c', '1', '-w', '20', '2001:db8::1');
  ip('-6', 'route', 'add', 'fd00:5e::/32', 'via', '2001:db8::1');
  uplinkIndex = ifindex(NODE, 'eth0');
  instance = new Instance(config);
  await apply(intentWith());
});

afterAll(async () => {
  await purge(instance);
  instance.close();
  deleteNetns(NODE);
  deleteNetns(ROUTERS);
});

async function apply(intent: Intent): Promise<void> {
  const report = await applyOnce(instance, intent);
  expect(report.failures.map(({ error }) => error.message)).toEqual([]);
}

async function drift(intent: Intent): Promise<unknown[]> {
  const { changes } = await diffOnce(instance, intent);
  return changes.map((change) => instance.engine.text(change));
}

const SIDS = { red: 'fd00:5e:91:4600:64::', blue: 'fd00:5e:91:4600:c8::' } as const;

/** Frames come in by the uplink. */
const arrivingAt = (frame: Buffer): Buffer => xdpArriving(uplinkIndex, frame.length);

/** What the program says of a packet that arrives for a tenant's gateway SID. @returns where it goes, or `drop` */
function send(tenant: keyof typeof SIDS, packet: Buffer): string {
  const source = tenant === 'red' ? 'fd00:5e:1::1' : 'fd00:5e:2::1';
  const frame = ethernet(encapsulated(packet, [SIDS[tenant]], source), { to: UPLINK, from: ROUTER });
  const program = instance.kernel.fastpath.program('nn_uplink_xdp');
  if (program === undefined) throw new Error('no program');
  const { verdict, data } = program.testRun({ data: frame, netns: NODE, context: arrivingAt(frame) });
  if (verdict === 1) return 'drop';
  if (verdict !== 3 && verdict !== 4) return `verdict ${verdict}`;
  return Buffer.from(data).toString('hex', 14 + 24, 14 + 24 + 12);
}

const TO_BLUE = 'fd00005e0002460000c80000';
const TO_RED = 'fd00005e0001460000640000';
const SYN = 0x02;
const ACK = 0x10;

let port = 10_000;

/** A connection's first packet from red to blue. */
function open(destination: number, to = '10.1.0.2'): string {
  return send(
    'red',
    ip4({ from: '10.0.0.2', to, protocol: 6, payload: tcp({ source: ++port, destination, flags: SYN }) }),
  );
}

describe('a network node', () => {
  it('has no drift after one apply, also for another process', async () => {
    expect(await drift(intentWith())).toEqual([]);
    const other = new Instance(config);
    const { changes } = await diffOnce(other, intentWith());
    other.close();
    expect(changes).toEqual([]);
  });

  it('forwards what a policy allows, and nothing else', () => {
    expect(open(80)).toBe(TO_BLUE);
    expect(open(81)).toBe('drop');
    expect(open(80, '10.1.0.99')).toBe('drop');
    const query = udp({ source: 4000, destination: 53 });
    expect(send('blue', ip4({ from: '10.1.0.2', to: '10.0.0.2', payload: query }))).toBe(TO_RED);
    // Dropped here, or relayed to the other network node, which may know the flow: that is in the hash.
    expect(send('red', ip4({ from: '10.0.0.2', to: '10.1.0.2', payload: query }))).not.toBe(TO_BLUE);
  });

  it('decides the opposite with inverted policies', async () => {
    const inverted = [
      { ...WEB, ports: ['0-79', '81-65535'] },
      { ...DNS, action: 'deny' },
    ];
    await apply(intentWith({ policies: inverted }));
    expect(await drift(intentWith({ policies: inverted }))).toEqual([]);
    expect([open(80), open(81)]).toEqual(['drop', TO_BLUE]);
    const query = udp({ source: 4001, destination: 53 });
    expect(send('blue', ip4({ from: '10.1.0.2', to: '10.0.0.2', payload: query }))).not.toBe(TO_RED);
    await apply(intentWith());
    expect([open(80), open(81)]).toEqual([TO_BLUE, 'drop']);
  });

  it('decides by the old or the new policies, never by a mix, during a change', async () => {
    const { fastpath } = instance.kernel;
    const pin = join(bpffs(), 'program');
    fastpath.program('nn_uplink_xdp')?.pin(pin);
    // Of a VM that no other test asks for.
    const syn = ip4({ from: '10.0.0.9', to: '10.1.0.2', protocol: 6, payload: tcp({ destination: 80, flags: SYN }) });
    const frame = ethernet(encapsulated(syn, [SIDS.red], 'fd00:5e:1::1'), { to: UPLINK, from: ROUTER });
    const counts = (): Map<string, number> => {
      if (fastpath.maps === undefined) throw new Error('no maps');
      const all = reasonCounts(fastpath.maps);
      return new Map(all.map(({ verdict, reason, packets }) => [`${verdict} ${reason}`, packets]));
    };
    const before = counts();
    const child = spawn(process.execPath, [
      fileURLToPath(new URL('../steer/open-child.js', import.meta.url)),
      ...[pin, frame.toString('hex'), String(14 + 40 + 20), NODE, arrivingAt(frame).toString('hex')],
    ]);
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await once(child.stdout, 'data');
    // Denied by a policy, or allowed by one; with other prefixes, ports and neighbours in the set each time.
    for (let turn = 0; turn < 40; turn++) {
      const web =
        turn % 2 === 0 ? { ...WEB, action: 'deny' } : { ...WEB, to: { tenant: 'blue' }, ports: ['70-90', 443] };
      await apply(intentWith({ policies: [web, DNS] }));
    }
    child.stdin.end();
    await once(child, 'close');
    const moved = [...counts()].filter(([name, packets]) => packets !== before.get(name)).map(([name]) => name);
    expect(moved.sort()).toEqual(['drop policy', 'forward forwarded']);
    const [passed, refused] = [4, 1].map(
      (verdict) => (JSON.parse(said.split('\n')[1] ?? '') as number[])[verdict] ?? 0,
    );
    expect(passed).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
    await apply(intentWith());
  });

  it('continues a connection through changes that allow it, and drops it when no policy does', async () => {
    const segment = (flags: number): Buffer =>
      ip4({ from: '10.0.0.2', to: '10.1.0.2', protocol: 6, payload: tcp({ source: 4242, destination: 80, flags }) });
    const answer = (flags: number): Buffer =>
      ip4({ from: '10.1.0.2', to: '10.0.0.2', protocol: 6, payload: tcp({ source: 80, destination: 4242, flags }) });
    expect(send('blue', answer(ACK))).not.toBe(TO_RED);
    expect(send('red', segment(SYN))).toBe(TO_BLUE);
    expect(send('blue', answer(SYN | ACK))).toBe(TO_RED);
    expect(send('red', segment(ACK))).toBe(TO_BLUE);
    await apply(intentWith({ policies: [{ ...WEB, ports: ['1-100'] }, DNS] }));
    expect(send('red', segment(ACK))).toBe(TO_BLUE);
    expect(send('blue', answer(ACK))).toBe(TO_RED);
    instance.close();
    instance = new Instance(config);
    await apply(intentWith({ policies: [{ ...WEB, ports: ['1-100'] }, DNS] }));
    expect(send('blue', answer(ACK))).toBe(TO_RED);
    await apply(intentWith({ policies: [{ ...WEB, ports: [443] }, DNS] }));
    expect(send('red', segment(ACK))).toBe('drop');
    expect(send('blue', answer(ACK))).not.toBe(TO_RED);
    await apply(intentWith());
  });

  it('deletes former policy sets, and reuses slots of policies', async () => {
    const sizes = (): number[] => {
      const { maps } = instance.kernel.fastpath.steering;
      if (maps === undefined) throw new Error('no maps');
      const { sg_pol_pairs, sg_pol_rules, sg_pol_src, sg_pol_dst } = maps;
      const named = [...maps.sg_policies.entries()].filter(([, value]) => value[0] !== 0).length;
      return [...[sg_pol_pairs, sg_pol_rules, sg_pol_src, sg_pol_dst].map((map) => [...map.keys()].length), named];
    };
    await apply(intentWith());
    const before = sizes();
    expect(before).toEqual([2, 2, 0, 1, 2]);
    for (let turn = 0; turn < 5; turn++) {
      await apply(intentWith({ policies: [{ ...WEB, name: `web${turn}`, ports: [80 + turn] }] }));
    }
    await apply(intentWith());
    expect(sizes()).toEqual(before);
    expect(await drift(intentWith())).toEqual([]);
  });

  it('changes one pair without reading or changing the entries of others', async () => {
    const ends = ['red', 'blue'].flatMap((from) => ['red', 'blue'].map((to) => ({ from, to })));
    const many = ends.flatMap(({ from, to }) =>
      from === to
        ? []
        : [1, 2, 3].map((n) => ({
            ...{
              name: `${from}-${to}-${n}`,
              from: { tenant: from },
              to: { tenant: to, prefixes: [`10.${to === 'red' ? 0 : 1}.0.0/${24 + n}`] },
            },
            ...{ protocol: 'tcp', ports: [n, 100 * n], action: 'allow' },
          })),
    );
    await apply(intentWith({ policies: many }));
    const { maps } = instance.kernel.fastpath.steering;
    if (maps === undefined) throw new Error('no maps');
    const { sg_pol_pairs, sg_pol_rules, sg_pol_src, sg_pol_dst, sg_pol_ports, sg_policies } = maps;
    const all = [sg_pol_pairs, sg_pol_rules, sg_pol_src, sg_pol_dst, sg_pol_ports, sg_policies];
    /** Of policy_ports what a set in force has: places that were given back keep what they had. */
    const dump = (): Set<string> => {
      const inForce = new Set([...sg_pol_pairs.entries()].map(([, value]) => value.readUInt32LE(0)));
      return new Set(
        all.flatMap((map, index) =>
          [...map.entries()]
            .filter(([, value]) => map !== sg_pol_ports || inForce.has(value.readUInt32LE(0)))
            .map(([key, value]) => `${index} ${key.toString('hex')} ${value.toString('hex')}`),
        ),
      );
    };
    const idOf = (from: number, to: number): string => {
      const pair = Buffer.alloc(8);
      pair.writeUInt32LE(from, 0);
      pair.writeUInt32LE(to, 4);
      return sg_pol_pairs.lookup(pair)?.toString('hex', 0, 4) ?? 'none';
    };
    const [before, set] = [dump(), idOf(100, 200)];
    const changed = intentWith({
      policies: many.map((one) => (one.name === 'red-blue-2' ? { ...one, action: 'deny' } : one)),
    });
    const desired = compilePolicySet((changed.policies ?? []).filter(({ name }) => name.startsWith('red-blue-')));
    const looks = all.flatMap((map) => [vi.spyOn(map, 'entries'), vi.spyOn(map, 'readBatches'), vi.spyOn(map, 'keys')]);
    const failures = await nnPoliciesResource.apply(instance.kernel, [{ key: '100 200', desired }]);
    expect([failures, looks.flatMap((look) => look.mock.calls)]).toEqual([[], []]);
    for (const look of looks) look.mockRestore();
    const [after, next] = [dump(), idOf(100, 200)];
    expect(next).not.toBe(set);
    const [gone, come] = [[...before].filter((one) => !after.has(one)), [...after].filter((one) => !before.has(one))];
    expect(gone.length).toBeGreaterThan(0);
    expect(gone.filter((one) => !one.includes(set))).toEqual([]);
    expect(come.filter((one) => !one.includes(next))).toEqual([]);
    expect(await drift(changed)).toEqual([]);
    await apply(intentWith());
    expect(await drift(intentWith())).toEqual([]);
  });

  it('repairs drift', async () => {
    const { maps } = instance.kernel.fastpath.steering;
    const gateways = instance.kernel.fastpath.gateways.maps;
    if (maps === undefined || gateways === undefined) throw new Error('no maps');
    const kinds: string[] = [];
    for (const map of [
      maps.sg_gw_sids,
      maps.sg_zone_routes,
      maps.sg_pol_pairs,
      maps.sg_pol_rules,
      gateways.sg_nn_src,
    ]) {
      const [key] = [...map.keys()];
      if (key !== undefined) map.delete(key);
      const { changes } = await diffOnce(instance, intentWith());
      kinds.push([...new Set(changes.map(({ kind }) => kind))].join(','));
      await apply(intentWith());
      expect(await drift(intentWith())).toEqual([]);
    }
    expect(kinds).toEqual(['nn-sid', 'nn-route', 'nn-policies', 'nn-policies', 'gw-node']);
  });

  it('fills the Maglev table with network nodes that are up and not draining', async () => {
    const numbers = stableNumbers([NODE, 'nn2'], 1024);
    const gateway = Buffer.alloc(4);
    gateway.writeUInt32LE(stableNumbers(['gw'], 64).get('gw') ?? 0);
    const nodesOf = (at: number): Set<number> => {
      const table = instance.kernel.fastpath.gateways.maps?.sg_maglev.lookup(gateway) ?? Buffer.alloc(0);
      return new Set(Array.from({ length: 4093 }, (_, slot) => table.readUInt16LE(at + slot * 2)));
    };
    const both = new Set(numbers.values());
    expect([nodesOf(0), nodesOf(8186)]).toEqual([both, both]);
    await apply(intentWith({ drain: true }));
    expect([nodesOf(0), nodesOf(8186)]).toEqual([new Set([numbers.get(NODE)]), both]);
    await apply(intentWith());
    run(NODE, 'ip', '-6', 'route', 'add', 'unreachable', 'fd00:5e:92::/48');
    await apply(intentWith());
    expect([nodesOf(0), nodesOf(8186)]).toEqual([new Set([numbers.get(NODE)]), new Set([numbers.get(NODE)])]);
    run(NODE, 'ip', '-6', 'route', 'del', 'unreachable', 'fd00:5e:92::/48');
    await apply(intentWith());
    expect(nodesOf(0)).toEqual(both);
  });
});
