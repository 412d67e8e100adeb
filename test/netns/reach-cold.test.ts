import { afterAll, describe, expect, it } from 'vitest';
import * as frames from './lib/frames.js';
import { useNetwork } from './lib/network.js';
import { findHeader } from './lib/packets.js';
import { sendFrames } from './lib/raw.js';
import { selftestTopology } from './lib/topologies.js';

/** Questions for each of two addresses. */
const TRIES = 5;
/** The kernel's own delay of proxied answers, in jiffies of USER_HZ: a random time up to 0.8 s (Documentation/networking/ip-sysctl). */
const KERNEL_PROXY_DELAY = 80;
/** Longer than that delay: what is not answered by then is not asserted on, it is missing. */
const PATIENCE_MS = 3000;

const FAMILIES = [
  { family: 'IPv4', from: '10.0.0.1', remote: '10.0.0.2', gateway: '10.0.0.254', sysctl: 'ipv4' },
  { family: 'IPv6', from: 'cafe::1', remote: 'cafe::2', gateway: 'cafe::254', sysctl: 'ipv6' },
] as const;

describe('a VM with empty neighbour caches', () => {
  const network = useNetwork(selftestTopology());
  const { mac } = network.vm('t100-1');

  const question = (from: string, target: string): Buffer =>
    from.includes(':')
      ? frames.ethernet(
          mac,
          `33:33:ff:${target === 'cafe::2' ? '00:00:02' : '00:02:54'}`,
          frames.ETHERTYPE.ipv6,
          frames.neighbourSolicitation(from, mac, target),
        )
      : frames.ethernet(mac, 'ff:ff:ff:ff:ff:ff', frames.ETHERTYPE.arp, frames.arpRequest(mac, from, target));

  /** Asks for each in turn, all in one go. @returns what was answered, in the order of the answers */
  async function answers(from: string, targets: readonly string[]): Promise<string[]> {
    const capture = await network.capture('t100-1', 'eth0', 'arp or icmp6');
    const asked = Array.from({ length: TRIES }, () => targets.map((target) => question(from, target))).flat();
    sendFrames(network.netns('t100-1'), 'eth0', asked);
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
    return (await capture.stop()).flatMap(({ headers }) => {
      const arp = findHeader(headers, 'arp');
      const icmp = findHeader(headers, 'icmpv6');
      const answered = arp?.operation === 2 ? arp.senderAddress : icmp?.type === 136 ? icmp.target : undefined;
      return answered !== undefined && targets.includes(answered) ? [answered] : [];
    });
  }

  describe.each(FAMILIES)('$family', ({ family, from, remote, gateway, sysctl }) => {
    const delay = `net/${sysctl}/neigh/t100-1/proxy_delay`;
    const inTurn = Array.from({ length: TRIES }, () => [remote, gateway]).flat();

    afterAll(() => network.apply('hv1'));

    it('gets the reply for a remote member before the one for its gateway, which it asks next', async () => {
      expect(await answers(from, [remote, gateway])).toEqual(inTurn);
      expect(await network.ping('t100-1', remote)).toMatchObject({ sent: 1, received: 1 });
    });

    it('gets proxied ARP replies late with the kernel’s default delay, and advertisements at once', async () => {
      await network.shell('hv1', `echo ${KERNEL_PROXY_DELAY} >/proc/sys/${delay}`);
      const answered = await answers(from, [remote, gateway]);
      expect([...answered].sort()).toEqual([...inTurn].sort());
      if (family === 'IPv4') expect(answered).not.toEqual(inTurn);
      else expect(answered).toEqual(inTurn);
    });
  });

  it('loses no packet while an underlay neighbour is resolved', async () => {
    await network.ip('hv1', 'neigh flush dev eth0');
    expect(await network.ping('t100-1', '10.0.0.2')).toMatchObject({ sent: 1, received: 1 });
    await network.ip('hv1', 'neigh flush dev eth0');
    expect(await network.ping('t100-1', 'cafe::2')).toMatchObject({ sent: 1, received: 1 });
  });
});
