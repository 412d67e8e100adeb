/**
 * The VRF's seal, the discards, and conflicts with the host's own rules. Each case holds with the complete
 * configuration and fails when exactly its seal is removed; `apply` restores it.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { IdentityServer, whoIs } from '../../lab/identity.js';
import { plugVm, unplugVm } from '../../lab/network.js';
import * as frames from './lib/frames.js';
import { removeDrop, removeRules } from './lib/guard.js';
import { A, B, isolationTopology, MARK } from './lib/isolation.js';
import { useNetwork } from './lib/network.js';
import { Witness } from './lib/probe.js';
import { macOf, sendFrames, setSysctls } from './lib/raw.js';

const RED_TABLE = 0x5e000000 + 100;
/** Of the hypervisors themselves: on lo, and on the uplinks. */
const OWN = { v4: '192.0.2.1', hv1: 'fd00:ffff:1::2', hv2: 'fd00:ffff:2::2' } as const;
const SEAL_METRIC = 4278198272;

const network = useNetwork(isolationTopology());
let hv1: Witness;
let router: Witness;
let redA: Witness;
let redB: Witness;

beforeAll(async () => {
  const marked = `udp dport ${MARK}`;
  hv1 = await Witness.place(network, 'hv1', 'input priority 100', {
    own4: `ip daddr ${OWN.v4}`,
    // A router asks for this address, too (RFC 4861 section 7.3.3).
    own6: `ip6 saddr fd00:10::/64 ip6 daddr ${OWN.hv1}`,
    marked,
  });
  router = await Witness.place(network, 'router', 'prerouting priority -400', {
    tenant: 'ip6 saddr fd00:10::/64',
    absent: 'ip6 daddr fd00:5e:1:4600:ffff::',
  });
  redA = await Witness.place(network, 'red-a', 'prerouting priority -400', { underlay: 'ip6 saddr fd00:ffff::/32' });
  redB = await Witness.place(network, 'red-b', 'prerouting priority -400', { marked });
  await network.ip('hv1', `addr add ${OWN.v4}/32 dev lo`);
});

async function repair(node = 'hv1'): Promise<void> {
  expect(await network.diff(node)).not.toEqual([]);
  await network.apply(node);
  expect(await network.diff(node)).toEqual([]);
}

const ping = (from: string, to: string) => (): Promise<unknown> => network.ping(from, to, { count: 1, timeoutS: 1 });
const udp = (from: string, to: string) => (): Promise<unknown> =>
  network.run(from, ['bash', '-c', `echo test > /dev/udp/${to}/${MARK}`]);

describe('the hypervisor’s own addresses', () => {
  it.each([
    ['IPv4', '-4', OWN.v4, 'own4'],
    ['IPv6', '-6', OWN.hv1, 'own6'],
  ] as const)('cannot be reached by its tenants: %s', async (_name, family, address, counter) => {
    expect(await hv1.countOf(counter, ping('red-a', address))).toBe(0);

    await network.ip('hv1', `${family} rule add pref 0 lookup local`);
    expect(await hv1.sees(counter, ping('red-a', address))).toBe(true);
    await repair();
    expect(await hv1.countOf(counter, ping('red-a', address))).toBe(0);
  });

  it('of another hypervisor cannot be reached either', async () => {
    expect(await router.countOf('tenant', ping('red-a', OWN.hv2))).toBe(0);

    await network.ip('hv1', `-6 route del unreachable default table ${RED_TABLE} metric ${SEAL_METRIC}`);
    expect(await router.sees('tenant', ping('red-a', OWN.hv2))).toBe(true);
    await repair();
    expect(await router.countOf('tenant', ping('red-a', OWN.hv2))).toBe(0);
  });

  it('do not capture packets for a VM with the same address', async () => {
    await network.ip('hv1', `addr add ${B[4]}/32 dev lo`);
    expect(await redB.sees('marked', udp('red-a', B[4]))).toBe(true);

    await network.ip('hv1', '-4 rule add pref 0 lookup local');
    expect(await redB.countOf('marked', udp('red-a', B[4]))).toBe(0);
    await repair();
    expect(await redB.sees('marked', udp('red-a', B[4]))).toBe(true);
    await network.ip('hv1', `addr del ${B[4]}/32 dev lo`);
  });
});

describe('an address that no member has', () => {
  const ABSENT = '10.0.0.77';
  const answered = async (): Promise<boolean> => {
    await network.run('red-a', ['ip', 'neigh', 'flush', 'to', ABSENT]);
    await network.ping('red-a', ABSENT, { count: 1, timeoutS: 1 });
    return (await network.ip('red-a', `neigh show ${ABSENT}`)).includes('lladdr');
  };

  it('gets no proxy ARP reply, even with a default route in the tenant’s table', async () => {
    expect(await answered()).toBe(false);
    const [nexthop] = (await network.ip('hv1', '-4 nexthop show dev sg-100')).split('\n');
    const id = /^id (\d+)/.exec(nexthop ?? '')?.[1] ?? '';
    await network.ip('hv1', `route add default nhid ${id} table ${RED_TABLE}`);
    expect(await answered()).toBe(false);

    await network.ip('hv1', `route del unreachable 10.0.0.0/24 table ${RED_TABLE} metric ${SEAL_METRIC}`);
    expect(await answered()).toBe(true);
    await repair();
    expect(await answered()).toBe(false);
    await network.ip('hv1', `route del default nhid ${id} table ${RED_TABLE}`);
  });
});

describe('a packet for an unknown SID of the node’s locator', () => {
  it('ends at the node instead of looping', async () => {
    const toAbsent = ping('hv2', 'fd00:5e:1:4600:ffff::');
    expect(await router.countOf('absent', toAbsent)).toBe(1);

    // Announced or not: the discard is no route.
    await network.ip('hv1', '-6 route del blackhole fd00:5e:1::/48');
    expect(await router.countOf('absent', toAbsent)).toBe(1);
    await network.ip('hv1', '-6 rule del pref 32764');
    expect(await router.countOf('absent', toAbsent)).toBeGreaterThan(10);
    await repair();
    expect(await router.countOf('absent', toAbsent)).toBe(1);
  });
});

describe('an interface that is not yet in its VRF', () => {
  it('reaches neither the hypervisor nor the underlay', async () => {
    setSysctls(network.netns('hv1'), [['net/ipv4/ip_forward', '1']]);
    const vm = network.vm('red-a');
    unplugVm(network.topology, vm);
    plugVm(network.topology, vm);
    const mac = macOf(network.netns('hv1'), 'red-a');
    const toOwn = frames.ethernet(A.mac, mac, frames.ETHERTYPE.ipv4, frames.udpPacket(A[4], OWN.v4, MARK));
    const toUnderlay = frames.ethernet(A.mac, mac, frames.ETHERTYPE.ipv6, frames.udpPacket(A[6], OWN.hv2, MARK));
    const send = (frame: Buffer) => (): void => {
      sendFrames(network.netns('red-a'), 'eth0', [frame]);
    };
    expect(await hv1.countOf('marked', send(toOwn))).toBe(0);
    expect(await router.countOf('tenant', send(toUnderlay))).toBe(0);

    await removeDrop(network, 'hv1', 'inet segue input_tenant', 'hypervisor');
    await removeDrop(network, 'hv1', 'inet segue forward', 'not-enslaved');
    expect(await hv1.sees('marked', send(toOwn))).toBe(true);
    expect(await router.sees('tenant', send(toUnderlay))).toBe(true);

    // Writing ip_forward sets the forwarding of every device, ours too: apply puts those back.
    setSysctls(network.netns('hv1'), [['net/ipv4/ip_forward', '0']]);
    await repair();
    expect(await redB.sees('marked', udp('red-a', B[4]))).toBe(true);
  });
});

describe('ICMPv6 errors of another hypervisor', () => {
  it('do not reveal an underlay address to tenants', async () => {
    // The member is there for hv1 and gone for hv2, which then answers that it is unreachable.
    await network.ip('hv2', `-6 route del ${B[6]} table ${RED_TABLE}`);
    expect(await redA.countOf('underlay', udp('red-a', B[6]))).toBe(0);

    await removeDrop(network, 'hv2', 'inet segue output', 'underlay-address');
    expect(await redA.sees('underlay', udp('red-a', B[6]))).toBe(true);
    await repair('hv2');
  });
});

describe('a host’s firewall that drops packets of invalid connections', () => {
  it('does not break tenants’ TCP', async () => {
    const chains = ['prerouting', 'forward', 'input']
      .map(
        (hook) =>
          `chain ${hook} { type filter hook ${hook} priority 0; policy accept; ct state invalid counter drop; }`,
      )
      .join('\n');
    for (const node of ['hv1', 'hv2']) {
      await network.output(node, ['nft', '-f', '-'], { input: `table inet firewall {\n${chains}\n}\n` });
    }
    const server = new IdentityServer(network.netns('red-b'), 'red-b');
    try {
      for (const address of [B[4], B[6]]) expect(await whoIs(network.netns('red-a'), address), address).toBe('red-b');

      await removeRules(network, 'hv1', 'inet segue forward_raw', (rule) => rule.includes('notrack'));
      for (const chain of ['port', 'vrf']) {
        await removeRules(network, 'hv1', `inet segue ${chain}`, (rule) => rule.includes('notrack'));
      }
      for (const address of [B[4], B[6]]) {
        expect(await whoIs(network.netns('red-a'), address), address).toBeUndefined();
      }
      await repair();
      expect(await whoIs(network.netns('red-a'), B[4])).toBe('red-b');
    } finally {
      await server.close();
      for (const node of ['hv1', 'hv2']) await network.run(node, ['nft', 'delete', 'table', 'inet', 'firewall']);
    }
  });
});
