/** What goes wrong, and how it is put right again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FailoverNetwork } from './network.js';

export interface FailureEvent {
  name: string;
  what: string;
  /** Before the flows run. */
  prepare?(network: FailoverNetwork): Promise<void>;
  strike(network: FailoverNetwork): Promise<void>;
  /** Until both ways are there again. */
  mend(network: FailoverNetwork): Promise<void>;
}

/**
 * Neighbour discovery at one second instead of Linux's half a minute, so that a silent peer is found out within one bench: reachable
 * for 0.5 to 1.5 s, then three solicitations 100 ms apart (RFC 4861 section 7.3, net/core/neighbour.c).
 */
const QUICK_NEIGHBOURS = {
  base_reachable_time_ms: 1000,
  delay_first_probe_time: 0,
  retrans_time_ms: 100,
  interval_probe_time_ms: 1000,
} as const;

const ROUTE = 'fd00:5e::/32 nexthop via fd00:ffff:10::1 dev up0 nexthop via fd00:ffff:11::1 dev up1';

export const FAILURES: readonly FailureEvent[] = [
  {
    name: 'uplink down',
    what: 'an uplink is taken down on the hypervisor (ip link set up0 down)',
    strike: async (network) => {
      await network.shell('hv1', 'ip link set up0 down');
    },
    // The kernel took its address and its part of the route along.
    mend: async (network) => {
      await network.shell(
        'hv1',
        `ip link set up0 up; ip addr replace fd00:ffff:10::2/64 dev up0 nodad; ip -6 route del fd00:5e::/32; ip -6 route add ${ROUTE}`,
      );
    },
  },
  {
    name: 'carrier lost',
    what: 'the far end of an uplink goes down',
    strike: async (network) => {
      await network.shell('r0', 'ip link set hv1 down');
    },
    mend: async (network) => {
      await network.shell(
        'r0',
        'ip link set hv1 up; ip addr replace fd00:ffff:10::1/64 dev hv1 nodad; ip -6 route replace fd00:5e:1::/48 via fd00:ffff:10::2',
      );
    },
  },
  {
    name: 'peer silent',
    what: 'the router behind an uplink hears nothing any more, the carrier stays; neighbours are reachable for about one second',
    prepare: async (network) => {
      for (const [name, value] of Object.entries(QUICK_NEIGHBOURS)) {
        await network.shell('hv1', `for d in up0 up1; do echo ${value} >/proc/sys/net/ipv6/neigh/$d/${name}; done`);
      }
      // What is reachable for as long as it was set before goes on until then.
      await network.shell(
        'hv1',
        'for d in up0 up1; do ip neigh show dev $d | while read -r a _; do ip neigh replace $a dev $d nud probe managed 2>/dev/null || true; done; done',
      );
      await sleep(3000);
    },
    strike: async (network) => {
      await network.shell(
        'r0',
        'nft "table netdev dead { chain in { type filter hook ingress device hv1 priority 0; policy drop; }; }"',
      );
    },
    mend: async (network) => {
      await network.shell('r0', 'nft delete table netdev dead');
    },
  },
];
