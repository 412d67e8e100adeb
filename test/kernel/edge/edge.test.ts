/**
 * The edge of the SR domain against real packets: those that must not enter, those that must, and the one rule that
 * drops each.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as frames from '../../netns/lib/frames.js';
import { Witness } from '../../netns/lib/probe.js';
import { EdgeNode, HV1, HV2, HV3, LABEL, LINK } from './node.js';
import type { LinkName } from './node.js';

let node: EdgeNode;
/** What leaves by an uplink, and what the host itself takes. */
let core: Witness;
let host: Witness;

const marked = { marked: `ip6 flowlabel ${LABEL}` };
const OUTSIDER = 'fd00:bad::1';
const inner = { 4: frames.udpPacket('10.0.0.1', '10.0.0.2', 9), 6: frames.udpPacket('fd00:10::1', 'fd00:10::2', 9) };
const udp = (source: string, destination: string): Buffer => frames.udpPacket(source, destination, 9);

beforeAll(async () => {
  node = await EdgeNode.build();
  await node.load(node.plan());
  core = await Witness.place(node, 'core', 'prerouting priority -400', marked);
  // After the edge: what it let through, whatever becomes of it.
  host = await Witness.place(node, 'hv', 'prerouting priority -440', marked);
});
afterAll(() => {
  node.remove();
});

/** Sends, and says what the edge counted of it. */
async function counted(device: LinkName, packet: Buffer): Promise<Record<string, number>> {
  const before = await node.drops();
  node.send(device, packet);
  const after = await node.drops();
  return Object.fromEntries(
    Object.entries(after).flatMap(([name, count]) => {
      const more = count - (before[name] ?? 0);
      return more === 0 ? [] : [[name, more]];
    }),
  );
}

const OUTSIDE = ['mgmt0', 'br0'] as const;
const TO_DOMAIN: readonly [string, () => Buffer][] = [
  ['next header 4 to the SID of a tenant elsewhere', () => frames.tunnelled(OUTSIDER, HV2.sid, inner[4])],
  ['next header 41 to the SID of a tenant elsewhere', () => frames.tunnelled(OUTSIDER, HV2.sid, inner[6])],
  ['a routing header to it', () => frames.udpWithSrh(OUTSIDER, HV2.sid, HV2.sid, 9)],
  [
    'a tunnel behind a destination option',
    () => frames.behind(frames.tunnelled(OUTSIDER, HV2.sid, inner[4]), 'destination'),
  ],
  ['a fragment', () => frames.laterFragment(frames.tunnelled(OUTSIDER, HV2.sid, inner[4]))],
  ['UDP to another node’s own address', () => udp(OUTSIDER, HV2.source)],
  ['a tunnel with the source of a node', () => frames.tunnelled(HV2.source, HV2.sid, inner[4])],
  ['an address of a trusted prefix', () => udp(OUTSIDER, 'fd00:7::7')],
];

describe.each(OUTSIDE)('by %s, an interface outside', (device) => {
  it.each(TO_DOMAIN)('%s does not enter the domain', async (_name, make) => {
    expect(await counted(device, make())).toEqual({ drop_outside_destination: 1 });
    expect(await core.countOf('marked', () => node.send(device, make()))).toBe(0);
  });

  it.each([
    ['a SID of this node', HV1.sid],
    ['this node’s own address', HV1.source],
  ])('%s cannot be reached', async (_name, destination) => {
    expect(await counted(device, frames.tunnelled(OUTSIDER, destination, inner[4]))).toEqual({
      drop_outside_destination: 1,
    });
  });

  it('a packet from a source of the domain is dropped', async () => {
    for (const source of [HV2.source, HV1.source, HV2.sid, 'fd00:7::7']) {
      expect(await counted(device, udp(source, 'fd00:c0::1'))).toEqual({ drop_outside_source: 1 });
      expect(await core.countOf('marked', () => node.send(device, udp(source, 'fd00:c0::1')))).toBe(0);
    }
  });

  it('a node’s source outside the domain’s prefixes may send all but tunnels and errors', async () => {
    const about = udp('fd00:1::1', 'fd00:1::2');
    for (const packet of [
      frames.tunnelled(OUTSIDER, HV3.source, inner[4]),
      frames.tunnelled(HV3.source, 'fd00:c0::1', inner[6]),
      frames.behind(frames.tunnelled(HV3.source, 'fd00:c0::1', inner[6]), 'hop-by-hop'),
      frames.udpWithSrh(HV3.source, 'fd00:c0::1', 'fd00:c0::1', 9),
      frames.icmpv6Error(2, OUTSIDER, HV3.source, about),
      frames.icmpv6Error(3, HV3.source, 'fd00:c0::1', about),
    ]) {
      expect(await counted(device, packet)).toEqual({ drop_outside_tunnel: 1 });
    }
    expect(await core.sees('marked', () => node.send(device, frames.tcpSyn(OUTSIDER, HV3.source, 22)))).toBe(true);
    expect(await core.sees('marked', () => node.send(device, frames.tcpSyn(HV3.source, 'fd00:c0::1', 22)))).toBe(true);
  });

  it('packets outside the domain pass, for the host and forwarded', async () => {
    const { [device]: net } = LINK;
    expect(await host.sees('marked', () => node.send(device, frames.tcpSyn(`${net}::1`, `${net}::2`, 22)))).toBe(true);
    expect(await core.sees('marked', () => node.send(device, udp(`${net}::1`, 'fd00:c0::1')))).toBe(true);
    expect(
      await core.sees('marked', () => node.send(device, frames.tunnelled(`${net}::1`, 'fd00:c0::1', inner[6]))),
    ).toBe(true);
  });
});

describe('each rule alone drops its packets', () => {
  it.each([
    ['prerouting', 'drop_outside_destination', () => frames.tunnelled(OUTSIDER, HV2.sid, inner[4])],
    ['prerouting', 'drop_outside_source', () => udp(HV2.source, 'fd00:c0::1')],
    ['distant', 'drop_outside_tunnel', () => frames.tunnelled(HV3.source, 'fd00:c0::1', inner[6])],
  ] as const)('%s %s', async (chain, counter, make) => {
    expect(await core.countOf('marked', () => node.send('mgmt0', make()))).toBe(0);
    await node.open(chain, counter);
    expect(await core.sees('marked', () => node.send('mgmt0', make()))).toBe(true);
    await node.load(node.plan());
    expect(await core.countOf('marked', () => node.send('mgmt0', make()))).toBe(0);
  });
});

describe('by an interface of the domain', () => {
  const FORGED: readonly [string, (source: string) => Buffer][] = [
    ['next header 4', (source) => frames.tunnelled(source, HV1.sid, inner[4])],
    ['next header 41', (source) => frames.tunnelled(source, HV1.sid, inner[6])],
    ['a routing header', (source) => frames.udpWithSrh(source, HV1.sid, HV1.sid, 9)],
    [
      'behind a hop-by-hop option',
      (source) => frames.behind(frames.tunnelled(source, HV1.sid, inner[4]), 'hop-by-hop'),
    ],
    [
      'behind destination options',
      (source) => frames.behind(frames.tunnelled(source, HV1.sid, inner[6]), 'destination', 'destination'),
    ],
    ['a first fragment', (source) => frames.behind(frames.tunnelled(source, HV1.sid, inner[4]), 'fragment')],
    ['a later fragment', (source) => frames.laterFragment(frames.tunnelled(source, HV1.sid, inner[6]))],
    [
      'a later fragment of options',
      (source) => frames.laterFragment(frames.behind(frames.tunnelled(source, HV1.sid, inner[6]), 'destination')),
    ],
  ];

  it.each(FORGED)('%s to a SID of the node needs a source of the domain', async (_name, make) => {
    for (const source of [OUTSIDER, LINK.eth0 + '::1', HV1.source, 'fd00:5e:9::1']) {
      expect(await counted('eth0', make(source))).toEqual({ drop_untrusted_source: 1 });
      expect(await counted('in0', make(source))).toEqual({ drop_untrusted_source: 1 });
    }
    for (const source of [HV2.source, HV3.source, 'fd00:7::7']) {
      // By whichever uplink: the way back is none of its business.
      for (const device of ['eth0', 'eth1', 'in0'] as const) {
        expect(await counted(device, make(source))).toEqual({});
      }
      expect(await host.sees('marked', () => node.send('eth1', make(source)))).toBe(true);
    }
  });

  it.each([
    ['an encapsulated packet', frames.tunnelled(OUTSIDER, HV1.sid, inner[4])],
    ['a packet with a routing header', frames.udpWithSrh(OUTSIDER, HV1.sid, HV1.sid, 9)],
    ['a fragment', frames.laterFragment(frames.behind(frames.tunnelled(OUTSIDER, HV1.sid, inner[4]), 'destination'))],
  ])('the rule alone drops it: %s', async (_name, packet) => {
    await node.open('encapsulated', 'drop_untrusted_source');
    expect(await host.sees('marked', () => node.send('eth0', packet))).toBe(true);
    await node.load(node.plan());
    expect(await host.countOf('marked', () => node.send('eth0', packet))).toBe(0);
  });

  it('`sourceCheck: false` accepts any source', async () => {
    await node.load(node.plan({ sourceCheck: false }));
    expect(await host.sees('marked', () => node.send('eth0', frames.tunnelled(OUTSIDER, HV1.sid, inner[4])))).toBe(
      true,
    );
    expect(await counted('mgmt0', frames.tunnelled(OUTSIDER, HV1.sid, inner[4]))).toEqual({
      drop_outside_destination: 1,
    });
    await node.load(node.plan());
  });

  it.each([
    ['BGP', () => frames.tcpSyn(`${LINK.eth0}::1`, HV1.source, 179)],
    ['SSH', () => frames.tcpSyn('fd00:c0::1', HV1.source, 22)],
    ['BFD', () => frames.udpPacket(`${LINK.eth0}::1`, HV1.source, 3784)],
    [
      'Packet Too Big of a router',
      () => frames.icmpv6Error(2, `${LINK.eth0}::1`, HV1.source, frames.tunnelled(HV1.source, HV2.sid, inner[4])),
    ],
    [
      'Time Exceeded of a router',
      () => frames.icmpv6Error(3, `${LINK.eth0}::1`, HV1.source, frames.tunnelled(HV1.source, HV2.sid, inner[4])),
    ],
    ['a ping to a SID', () => frames.udpPacket('fd00:c0::1', HV1.sid, 9)],
  ] as const)('%s needs no source of the domain', async (_name, make) => {
    for (const device of ['eth0', 'eth1', 'in0'] as const) {
      expect(await host.sees('marked', () => node.send(device, make()))).toBe(true);
    }
  });

  it('a downstream router reaches the domain through the host', async () => {
    expect(await core.sees('marked', () => node.send('in0', frames.tunnelled('fd00:7::7', HV2.sid, inner[4])))).toBe(
      true,
    );
    expect(await core.sees('marked', () => node.send('in0', udp('fd00:5e:9::1', HV2.source)))).toBe(true);
  });
});

describe('a host that forwards for segue alone', () => {
  beforeAll(() => node.load(node.plan({}, { forwarding: 'host' })));
  afterAll(() => node.load(node.plan()));

  it('does not route between other interfaces', async () => {
    const outside = await Witness.place(node, 'outside', 'prerouting priority -400', marked);
    const across = (): void => node.send('br0', udp(`${LINK.br0}::1`, `${LINK.mgmt0}::1`));
    expect(await counted('br0', udp(`${LINK.br0}::1`, `${LINK.mgmt0}::1`))).toEqual({ drop_host_forwarding: 1 });
    expect(await outside.countOf('marked', across)).toBe(0);
    // A host that forwarded before is left alone.
    await node.load(node.plan());
    expect(await outside.sees('marked', across)).toBe(true);
    await node.load(node.plan({}, { forwarding: 'host' }));
    expect(await outside.countOf('marked', across)).toBe(0);
  });

  it('routes what enters or leaves by an interface of the domain', async () => {
    expect(await core.sees('marked', () => node.send('br0', udp(`${LINK.br0}::1`, 'fd00:c0::1')))).toBe(true);
    expect(await core.sees('marked', () => node.send('in0', udp('fd00:5e:9::1', HV2.source)))).toBe(true);
  });
});

describe('the table', () => {
  it('has no drift with ten thousand sources, and is repaired element by element', async () => {
    const plan = node.plan();
    for (let n = 1; n <= 10_000; n++) {
      const element = `fd00:5f:${n.toString(16)}::1`;
      plan.edge.set(`inet segue_edge sources ${element}`, { table: 'inet segue_edge', set: 'sources', element });
    }
    await node.load(plan);
    const drift = async (): Promise<string[]> =>
      (await node.engine.diff(plan)).changes.map((change) => `${change.action} ${node.engine.text(change).object}`);
    expect(await drift()).toEqual([]);
    await node.shell('hv', `nft delete element inet segue_edge sources '{ ${HV2.source} }'`);
    await node.shell('hv', `nft add element inet segue_edge inside '{ "mgmt0" }'`);
    expect((await drift()).sort()).toEqual([
      `create nft element inet segue_edge sources { ${HV2.source} }`,
      'delete nft element inet segue_edge inside { "mgmt0" }',
    ]);
    await node.load(plan);
    await node.shell('hv', 'nft insert rule inet segue_edge prerouting accept');
    expect(await drift()).toContain('replace nft table inet segue_edge');
    await node.load(node.plan());
  });
});
