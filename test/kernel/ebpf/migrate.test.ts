/** A VM moves to another node by its own announcement: no agent runs, and the intent does not change meanwhile. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Migration, Notice } from '../../../src/ebpf/generated/layouts.js';
import { noticeSid, tenantSid } from '../../../src/encap/sid.js';
import { heldMigration } from '../../../src/migrate/resources.js';
import { findHeader } from '../../../src/packet/headers.js';
import { fastpathCounts, since } from '../../netns/lib/fastpath.js';
import * as frames from '../../netns/lib/frames.js';
import { useNetwork } from '../../netns/lib/network.js';
import { macOf, sendFrames } from '../../netns/lib/raw.js';
import type { Intent } from '../../../src/intent/types.js';
import type { Migration as PortMigration } from '../../../src/intent/migration.js';
import type { LabNode, LabVm, Topology } from '../../../lab/topology.js';

const hypervisor = (number: number): LabNode => ({
  name: `hv${number}`,
  role: 'hypervisor',
  locator: `fd00:5e:${number}::/48`,
  dataplane: 'ebpf',
});
const vm = (name: string, number: number, node: string): LabVm => ({
  ...{ name, tenant: 'red', node },
  mac: `02:00:00:00:00:0${number}`,
  addresses: [`10.0.0.${number}`, `cafe::${number}`],
});
const GUEST = vm('guest', 1, 'hv1');
const TENANT = 100;
const TOPOLOGY: Omit<Topology, 'prefix'> = {
  sidBlock: 'fd00:5e::/32',
  nodes: [hypervisor(1), hypervisor(2), hypervisor(3)],
  tenants: [
    {
      name: 'red',
      id: TENANT,
      subnets: [
        { prefix: '10.0.0.0/24', gateway: '10.0.0.254' },
        { prefix: 'cafe::/64', gateway: 'cafe::254' },
      ],
    },
  ],
  vms: [GUEST, vm('near', 2, 'hv1'), vm('there', 3, 'hv2'), vm('peer', 4, 'hv3')],
  paths: [],
};
/** The port at the destination, and the VM's end of it. */
const [ARRIVAL, ARRIVED] = ['guest-in', 'guest-vm'];
const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const SENDERS = ['peer', 'near', 'there'];
const BATCH = 20;

/** QEMU's RARP (announce_self_create, net/announce.c): 60 bytes, sender and target its MAC address, no address. */
function rarp(mac: string): Buffer {
  const packet = frames.arpRequest(mac, '0.0.0.0', '0.0.0.0');
  packet.writeUInt16BE(3, 6);
  packet.copy(packet, 18, 8, 14);
  return frames.ethernet(mac, BROADCAST, 0x8035, Buffer.concat([packet, Buffer.alloc(18)]));
}

describe('a VM that announces itself at another node', () => {
  const network = useNetwork(TOPOLOGY, async (made) => {
    await made.ip('hv2', `link add ${ARRIVAL} type veth peer name ${ARRIVED}`);
    for (const device of [ARRIVAL, ARRIVED]) await made.ip('hv2', `link set ${device} up`);
  });
  let next = 0;
  let gateway = '';

  const migrating = (migrate: (node: (name: string) => string) => PortMigration | undefined, node = 'hv1'): Intent => {
    const intent = network.intent();
    const found = migrate((name) => network.netns(name));
    const device = node === 'hv1' ? GUEST.name : ARRIVAL;
    const ports = intent.ports.map((port) =>
      port.name === GUEST.name
        ? { ...port, node: network.netns(node), interface: device, ...(found && { migrate: found }) }
        : port,
    );
    return { ...intent, ports };
  };
  const applyAll = async (intent: Intent): Promise<void> => {
    for (const name of ['hv1', 'hv2', 'hv3']) expect((await network.apply(name, intent)).failures).toEqual([]);
  };
  const there = migrating.bind(undefined, (node) => ({ activate: 'announce', to: node('hv2'), interface: ARRIVAL }));
  const back = migrating.bind(
    undefined,
    (node) => ({ activate: 'announce', to: node('hv1'), interface: GUEST.name }),
    'hv2',
  );
  const state = (name: string, device: string): boolean | undefined =>
    heldMigration(network.instance(name).kernel, device)?.activated;
  const counts = (name: string) => fastpathCounts(network, name);
  const announce = (frame = rarp(GUEST.mac)): void => {
    sendFrames(network.netns('hv2'), ARRIVED, [frame]);
  };

  /** Has each VM send packets to the guest, of both families. @returns at which of its ports they arrived, each once or more, by UDP port */
  async function arrivals(): Promise<{ sent: number[]; source: number[]; destination: number[] }> {
    const filter = 'udp and dst portrange 1000-60000';
    const captures = [await network.capture('guest', 'eth0', filter), await network.capture('hv2', ARRIVED, filter)];
    const sent: number[] = [];
    for (const name of SENDERS) {
      const { mac, addresses } = network.vm(name);
      const batch = Array.from({ length: BATCH }, (_, at) => {
        const port = 1000 + next++;
        sent.push(port);
        const [from = '', to = ''] = [addresses[at % 2], GUEST.addresses[at % 2]];
        const type = at % 2 === 0 ? frames.ETHERTYPE.ipv4 : frames.ETHERTYPE.ipv6;
        return frames.ethernet(mac, gateway, type, frames.udpPacket(from, to, port));
      });
      sendFrames(network.netns(name), 'eth0', batch);
    }
    const [source = [], destination = []] = await Promise.all(
      captures.map(async (capture) =>
        (await capture.stop()).flatMap(({ headers }) => findHeader(headers, 'udp')?.destinationPort ?? []),
      ),
    );
    return { sent, source: source.sort((a, b) => a - b), destination: destination.sort((a, b) => a - b) };
  }

  const expectAt = async (where: 'source' | 'destination'): Promise<void> => {
    const { sent, ...at } = await arrivals();
    expect(at).toEqual({ source: [], destination: [], [where]: sent });
  };

  beforeAll(async () => {
    await applyAll(network.intent());
    // The tenant's gateway has one MAC address everywhere; a ping teaches it to a VM, which says it.
    for (const name of SENDERS) await network.ping(name, '10.0.0.254');
    gateway = /lladdr (\S+)/.exec(await network.ip('peer', 'neigh show 10.0.0.254'))?.[1] ?? '';
    expect(gateway).not.toBe('');
    await applyAll(there());
  });

  it('is reached at the old node, and its new port is silent, until it announces itself', async () => {
    const before = counts('hv2');
    const discover = frames.udpPacket('0.0.0.0', '255.255.255.255', 67);
    announce(frames.ethernet(GUEST.mac, BROADCAST, frames.ETHERTYPE.ipv4, discover));
    announce(rarp('02:00:00:00:00:99'));
    expect(since(before, counts('hv2')).reasons).toMatchObject({ 'drop standby': 2 });
    await expectAt('source');
    expect([state('hv1', GUEST.name), state('hv2', ARRIVAL)]).toEqual([false, false]);
  });

  it('is not moved by packets of another VM, an outsider or another node', async () => {
    const sid = noticeSid('fd00:5e:1::/48', TENANT, GUEST.mac);
    const notice = (source: string, to = sid): Buffer => {
      const packet = frames.tunnelled(source, to, frames.udpPacket('10.0.0.4', '10.0.0.1', 9)).subarray(0, 40);
      packet.writeUInt16BE(0, 4);
      packet.writeUInt8(59, 6);
      return packet;
    };
    const before = counts('hv1');
    // A VM beside it, on the same node and on another one.
    for (const name of ['near', 'peer']) {
      const { mac, addresses } = network.vm(name);
      for (const source of [addresses[1] ?? '', 'fd00:5e:2::1'])
        sendFrames(network.netns(name), 'eth0', [frames.ethernet(mac, gateway, frames.ETHERTYPE.ipv6, notice(source))]);
    }
    expect(since(before, counts('hv1')).reasons).toMatchObject({ 'drop domain address': 2 });
    // On the wire: no node of the domain, and one that is not the destination.
    const to = macOf(network.netns('hv1'), 'eth0');
    for (const source of ['2001:db8::1', 'fd00:5e:3::1', 'fd00:5e:1::1'])
      sendFrames(network.netns('router'), 'hv1', [
        frames.ethernet('02:00:00:00:00:77', to, frames.ETHERTYPE.ipv6, notice(source)),
      ]);
    expect(since(before, counts('hv1')).reasons).toMatchObject({ 'drop untrusted source': 3 });
    // From the destination, for another VM, and to the tenant's SID: none of them is a notice.
    for (const other of [
      noticeSid('fd00:5e:1::/48', TENANT, network.vm('near').mac),
      tenantSid('fd00:5e:1::/48', 'End.DT46', TENANT),
    ])
      sendFrames(network.netns('router'), 'hv1', [
        frames.ethernet('02:00:00:00:00:77', to, frames.ETHERTYPE.ipv6, notice('fd00:5e:2::1', other)),
      ]);
    expect(state('hv1', GUEST.name)).toBe(false);
    await expectAt('source');
  });

  it('gets each packet once at the new node from its first RARP on, and further ones change nothing', async () => {
    const before = counts('hv1');
    announce();
    await expect.poll(() => state('hv1', GUEST.name), { timeout: 60_000 }).toBe(true);
    expect(since(before, counts('hv1')).reasons).toMatchObject({ 'drop migrated': 1 });
    await expectAt('destination');
    for (let again = 0; again < 4; again++) announce();
    await expect.poll(() => since(before, counts('hv1')).reasons['drop migrated'], { timeout: 60_000 }).toBe(5);
    await expectAt('destination');
    expect(heldMigration(network.instance('hv1').kernel, GUEST.name)?.relayed).toBe(2 * BATCH);
  });

  it('is heard from the new port, and not from the old one', async () => {
    const capture = await network.capture('peer', 'eth0', 'udp');
    const say = (port: number): Buffer =>
      frames.ethernet(GUEST.mac, gateway, frames.ETHERTYPE.ipv4, frames.udpPacket('10.0.0.1', '10.0.0.4', port));
    const before = counts('hv1');
    announce(say(61_001));
    sendFrames(network.netns('guest'), 'eth0', [say(61_002)]);
    const heard = (await capture.stop()).flatMap(({ headers }) => findHeader(headers, 'udp')?.destinationPort ?? []);
    expect(heard).toEqual([61_001]);
    expect(since(before, counts('hv1')).reasons).toMatchObject({ 'drop standby': 1 });
  });

  it('stays at the new node after another apply, and after the intent follows', async () => {
    await applyAll(there());
    expect([state('hv1', GUEST.name), state('hv2', ARRIVAL)]).toEqual([true, true]);
    await expectAt('destination');
    await applyAll(migrating(() => undefined, 'hv2'));
    expect([state('hv1', GUEST.name), state('hv2', ARRIVAL)]).toEqual([undefined, undefined]);
    await expectAt('destination');
  });

  it('comes back by gratuitous ARP or an unsolicited advertisement', async () => {
    await applyAll(back());
    await expectAt('destination');
    const garp = frames.ethernet(
      GUEST.mac,
      BROADCAST,
      frames.ETHERTYPE.arp,
      frames.arpRequest(GUEST.mac, '10.0.0.1', '10.0.0.1'),
    );
    sendFrames(network.netns('guest'), 'eth0', [garp]);
    await expect.poll(() => state('hv2', ARRIVAL), { timeout: 60_000 }).toBe(true);
    await expectAt('source');
    // Cancelled by the intent, whatever was announced: it is where that says.
    await applyAll(migrating(() => undefined, 'hv2'));
    await expectAt('destination');
    await applyAll(back());
    const na = frames.neighbourAdvertisement('cafe::1', GUEST.mac, 'cafe::1');
    sendFrames(network.netns('guest'), 'eth0', [
      frames.ethernet(GUEST.mac, '33:33:00:00:00:01', frames.ETHERTYPE.ipv6, na),
    ]);
    await expect.poll(() => state('hv2', ARRIVAL), { timeout: 60_000 }).toBe(true);
    await expectAt('source');
    await applyAll(network.intent());
    await expectAt('source');
  });

  it('is moved by the intent alone with `activate: intent`', async () => {
    await applyAll(migrating((node) => ({ activate: 'intent', to: node('hv2'), interface: ARRIVAL })));
    const before = counts('hv2');
    announce();
    expect(since(before, counts('hv2')).reasons).toMatchObject({ 'drop standby': 1 });
    await expectAt('source');
    await applyAll(migrating(() => undefined, 'hv2'));
    await expectAt('destination');
  });

  it.each([
    ['bpf-migration', 'sg_migrations', Migration.OFFSETS.announced],
    ['bpf-notice', 'sg_notices', Notice.OFFSETS.from],
  ] as const)('%s: drift of %s is named and repaired', async (kind, name, at) => {
    await applyAll(there());
    const { maps } = network.instance('hv1').kernel.fastpath;
    if (maps === undefined) throw new Error('no maps are pinned');
    const map = maps[name];
    const entries = (): string[] =>
      [...map.entries()].map((entry) => entry.map((bytes) => bytes.toString('hex')).join(' '));
    const before = entries();
    const [[key, value] = []] = [...map.entries()];
    if (key === undefined || value === undefined) throw new Error(`${name} is empty`);
    const other = (bytes: Buffer, offset: number): Buffer => {
      const copy = Buffer.from(bytes);
      copy.writeUInt8(copy.readUInt8(offset) ^ 1, offset);
      return copy;
    };
    const harms = [
      () => map.delete(key),
      () => map.update(key, other(value, at)),
      () => map.update(other(key, key.length - 1), value),
    ];
    for (const harm of harms) {
      harm();
      const found = await network.diff('hv1', there());
      expect(new Set(found.map((change) => change.kind))).toEqual(new Set([kind]));
      await applyAll(there());
      expect(entries()).toEqual(before);
    }
  });

  afterAll(() => applyAll(network.intent()));
});
