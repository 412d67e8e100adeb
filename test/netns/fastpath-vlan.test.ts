/** VLAN devices as uplinks: the fast path is at tcx of the VLAN device, which removes and adds the tag. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ROUTER, underlayAddresses, UPLINK } from '../../lab/topology.js';
import { fastpathCounts, since } from './lib/fastpath.js';
import { useNetwork } from './lib/network.js';
import { Witness } from './lib/probe.js';
import { macOf, sendFrames } from './lib/raw.js';
import { selftestTopology } from './lib/topologies.js';
import { encapsulated, ethernet, ip4, udp } from '../kernel/fastpath/packets.js';
import type { TestNetwork } from './lib/network.js';

const TAG = 7;
const COUNT = 3;
/** Of a hang, not of a slow machine. */
const ANSWER_MS = 300_000;
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

  it('send tagged frames', () => {
    const inTunnel = tagged.filter((frame) => frame.readUInt16BE(12) === ETHERTYPE_VLAN);
    expect(inTunnel.length).toBeGreaterThanOrEqual(2 * 2 * COUNT);
    for (const frame of inTunnel) expect(frame.readUInt16BE(14) & 0xfff).toBe(TAG);
  });

  it('have no XDP program', async () => {
    const links = JSON.parse(await network.output('hv1', ['ip', '-j', 'link'])) as { ifname: string; xdp?: unknown }[];
    expect(links.filter(({ xdp: attached }) => attached !== undefined).map(({ ifname }) => ifname)).toEqual([]);
  });
});

describe('VLAN devices beside the fast path', () => {
  const dataplane = { hv1: 'ebpf', hv2: 'ebpf' } as const;
  const network = useNetwork(selftestTopology({ dataplane, xdp: 'always' }), async (built) => {
    await built.applyAll();
    await built.ping('t100-1', '10.0.0.2');
  });
  /** A VLAN device with an address. */
  const stand = async (node: string, on: string, name: string, id: number, address: string): Promise<void> => {
    await network.ip(node, `link add link ${on} name ${name} type vlan id ${id}`);
    await network.ip(node, `addr add ${address}/24 dev ${name}`);
    await network.ip(node, `link set ${name} up`);
  };

  it('on an uplink: management traffic passes, and no packet of its VLAN is decapsulated', async () => {
    await stand('hv1', UPLINK, 'mgmt', 100, '192.0.2.1');
    await stand(ROUTER, 'hv1', 'mgmt', 100, '192.0.2.2');
    const before = fastpathCounts(network, 'hv1');
    expect(await network.ping(ROUTER, '192.0.2.1', { count: COUNT })).toMatchObject({ received: COUNT });
    const witness = await Witness.place(network, 't100-1', 'prerouting priority -400', {
      forged: 'ip saddr 10.0.0.2 udp dport 5000',
    });
    const macs = { to: macOf(network.netns('hv1'), UPLINK), from: macOf(network.netns(ROUTER), 'hv1') };
    const inner = ip4({ from: '10.0.0.2', to: '10.0.0.1', payload: udp({ destination: 5000 }) });
    const frame = ethernet(encapsulated(inner, ['fd00:5e:1:4600:64::'], 'fd00:5e:2::1'), macs);
    const sendBy = (device: string): void => {
      sendFrames(network.netns(ROUTER), device, [frame]);
    };
    expect(await witness.countOf('forged', () => sendBy('mgmt'))).toBe(0);
    expect(await witness.countOf('forged', () => sendBy('hv1'))).toBe(1);
    const { reasons } = since(before, fastpathCounts(network, 'hv1'));
    expect(reasons['pass vlan']).toBeGreaterThan(COUNT);
  });

  it('on a port: its frames pass exactly while the device exists', async () => {
    await stand('t100-1', 'eth0', 'eth0.5', 5, '198.51.100.1');
    const counted = async (work: () => Promise<unknown>): Promise<Record<string, number>> => {
      const before = fastpathCounts(network, 'hv1');
      await work();
      return since(before, fastpathCounts(network, 'hv1')).reasons;
    };
    const pinged = (): ReturnType<typeof network.ping> => network.ping('t100-1', '198.51.100.2', { timeoutS: 1 });
    expect((await counted(pinged))['drop vlan']).toBeGreaterThan(0);

    await stand('hv1', 't100-1', 'vp5', 5, '198.51.100.2');
    expect((await network.diff('hv1')).map(({ kind }) => kind)).toEqual(['bpf-port']);
    await network.apply('hv1');
    // The first ping may end with the VM's resolution of the address, which began while its frames were dropped.
    await expect
      .poll(async () => (await network.ping('t100-1', '198.51.100.2')).received, { timeout: ANSWER_MS, interval: 100 })
      .toBe(1);
    expect(await network.ping('t100-1', '10.0.0.2')).toMatchObject({ received: 1 });

    await network.ip('hv1', 'link del vp5');
    await network.apply('hv1');
    expect((await counted(pinged))['drop vlan']).toBeGreaterThan(0);
  });
});
