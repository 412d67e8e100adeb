/** Uplinks that are VLAN devices: the fast path is at tcx of the VLAN device, which takes the tag off and puts it on. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ROUTER, underlayAddresses, UPLINK } from '../../src/lab/topology.js';
import { fastpathCounts, since } from './lib/fastpath.js';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';
import type { TestNetwork } from './lib/network.js';

const TAG = 7;
const COUNT = 3;
const ETHERTYPE_VLAN = 0x8100;
const HYPERVISORS = ['hv1', 'hv2'] as const;

/** Puts a VLAN device of the same name and MAC address in a device's place. */
async function tag(network: TestNetwork, node: string, device: string): Promise<void> {
  await network.ip(node, `link set ${device} down`);
  await network.ip(node, `link set ${device} name under-${device}`);
  await network.ip(node, `link add link under-${device} name ${device} type vlan id ${TAG}`);
  await network.ip(node, `link set under-${device} up`);
  await network.ip(node, `link set ${device} up`);
}

async function tagUnderlay(network: TestNetwork): Promise<void> {
  for (const name of HYPERVISORS) {
    const { node, router, length } = underlayAddresses(network.topology, name);
    const locator = network.topology.nodes.find((one) => one.name === name)?.locator ?? '';
    await tag(network, name, UPLINK);
    await network.ip(name, `addr add ${node}/${length} dev ${UPLINK} nodad`);
    await network.ip(name, `route replace default via ${router} dev ${UPLINK}`);
    await tag(network, ROUTER, name);
    await network.ip(ROUTER, `addr add ${router}/${length} dev ${name} nodad`);
    await network.ip(ROUTER, `route replace ${locator} via ${node} dev ${name}`);
  }
}

describe.each(['auto', 'always'] as const)('uplinks that are VLAN devices, xdp: %s', (xdp) => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'hybrid', hv2: 'hybrid' }, xdp }), async (built) => {
    await tagUnderlay(built);
    await built.applyAll();
    // What resolves the ways.
    await built.ping('t100-1', '10.0.0.2');
    await built.applyAll();
  });
  let tagged: Buffer[] = [];
  const counted: Record<string, ReturnType<typeof since>> = {};

  beforeAll(async () => {
    const before = HYPERVISORS.map((name) => fastpathCounts(network, name));
    const capture = await network.capture('hv1', `under-${UPLINK}`);
    for (const to of ['10.0.0.2', 'cafe::2']) {
      expect(await network.ping('t100-1', to, { count: COUNT }), to).toMatchObject({ received: COUNT });
    }
    tagged = (await capture.stop()).map(({ bytes }) => Buffer.from(bytes));
    for (const [index, name] of HYPERVISORS.entries()) {
      counted[name] = since(before[index] ?? { reasons: {}, slow: 0 }, fastpathCounts(network, name));
    }
  });

  it('carry the fast path both ways', () => {
    for (const name of HYPERVISORS) {
      expect(counted[name], name).toMatchObject({ reasons: { 'forward forwarded': 2 * 2 * COUNT }, slow: 0 });
    }
  });

  it('have the tag on the wire', () => {
    const inTunnel = tagged.filter((frame) => frame.readUInt16BE(12) === ETHERTYPE_VLAN);
    expect(inTunnel.length).toBeGreaterThanOrEqual(2 * 2 * COUNT);
    for (const frame of inTunnel) expect(frame.readUInt16BE(14) & 0xfff).toBe(TAG);
  });

  it('have no XDP program', async () => {
    const links = JSON.parse(await network.output('hv1', ['ip', '-j', 'link'])) as { ifname: string; xdp?: unknown }[];
    expect(links.filter(({ xdp: attached }) => attached !== undefined).map(({ ifname }) => ifname)).toEqual([]);
  });
});
