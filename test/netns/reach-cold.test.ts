import { afterAll, describe, expect, it } from 'vitest';
import { useNetwork } from './lib/network.js';
import { findHeader, isEcho } from './lib/packets.js';
import { selftestTopology } from './lib/topologies.js';
import type { CapturedPacket } from './lib/packets.js';

/** What a first packet may wait beyond what resolution needs, milliseconds. */
const ALLOWED_MS = 20;
/** Of this many tries the median counts: the machine may be busy with others. */
const TRIES = 5;
/** The kernel's own delay of proxied answers, in jiffies of USER_HZ: a random time up to 0.8 s (Documentation/networking/ip-sysctl). */
const KERNEL_PROXY_DELAY = 80;

const FAMILIES = [
  { family: 'IPv4', from: '10.0.0.1', remote: '10.0.0.2', gateway: '10.0.0.254', sysctl: 'ipv4' },
  { family: 'IPv6', from: 'cafe::1', remote: 'cafe::2', gateway: 'cafe::254', sysctl: 'ipv6' },
] as const;

describe('a cold VM', () => {
  const network = useNetwork(selftestTopology());

  /** Milliseconds from the VM's first question for a neighbour to its echo request, for each of several cold starts. */
  async function waits(from: string, to: string): Promise<number[]> {
    const capture = await network.capture('t100-1', 'eth0', 'arp or icmp or icmp6');
    for (let i = 0; i < TRIES; i++) {
      await network.ip('t100-1', 'neigh flush all');
      expect(await network.ping('t100-1', to), `${to} is lost`).toMatchObject({ sent: 1, received: 1 });
    }
    return betweenQuestionAndEcho(await capture.stop(), from, to);
  }

  describe.each(FAMILIES)('$family', ({ family, from, remote, gateway, sysctl }) => {
    const delay = `net/${sysctl}/neigh/t100-1/proxy_delay`;
    let needed = 0;

    afterAll(() => network.apply('hv1'));

    it('waits for a remote member no longer than resolution needs', async () => {
      // The gateway's address is the hypervisor's own: it answers for that as quickly as it can.
      needed = median(await waits(from, gateway));
      const waited = await waits(from, remote);
      expect(waited).toHaveLength(TRIES);
      expect(median(waited)).toBeLessThanOrEqual(needed + ALLOWED_MS);
    });

    it('of the delay that the kernel has for proxied answers: ARP would wait, a program answers solicitations', async () => {
      await network.shell('hv1', `echo ${KERNEL_PROXY_DELAY} >/proc/sys/${delay}`);
      const waited = median(await waits(from, remote));
      if (family === 'IPv4') expect(waited).toBeGreaterThan(needed + ALLOWED_MS);
      else expect(waited).toBeLessThanOrEqual(needed + ALLOWED_MS);
    });
  });

  it('loses no packet to an underlay neighbour that is not known yet', async () => {
    await network.ip('hv1', 'neigh flush dev eth0');
    expect(await network.ping('t100-1', '10.0.0.2')).toMatchObject({ sent: 1, received: 1 });
    await network.ip('hv1', 'neigh flush dev eth0');
    expect(await network.ping('t100-1', 'cafe::2')).toMatchObject({ sent: 1, received: 1 });
  });
});

function betweenQuestionAndEcho(packets: readonly CapturedPacket[], from: string, to: string): number[] {
  const waits: number[] = [];
  let asked: number | undefined;
  for (const { time, headers } of packets) {
    const arp = findHeader(headers, 'arp');
    const icmp = findHeader(headers, 'icmpv6');
    const isQuestion = (arp?.operation === 1 && arp.targetAddress === to) || (icmp?.type === 135 && icmp.target === to);
    if (isQuestion) asked ??= time;
    if (asked !== undefined && isEcho(headers, 'request', from, to)) {
      waits.push((time - asked) * 1000);
      asked = undefined;
    }
  }
  return waits;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
