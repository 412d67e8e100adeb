import { quote } from '../reconcile/nft-objects.js';

export const ICMP_TABLE = 'inet segue_icmp';

const ERRORS = {
  icmp: 'echo-reply, destination-unreachable, time-exceeded, parameter-problem',
  icmpv6: 'echo-reply, destination-unreachable, packet-too-big, time-exceeded, parameter-problem',
};

/**
 * Limits the kernel's replies to VMs. A packet traverses output twice, by its VRF and by its port, while forwarded packets traverse only forward.
 * The burst is a second's.
 *
 * @param rates messages per second by interface
 */
export function icmpTable(rates: ReadonlyMap<string, number>): string {
  const devices = [...rates].sort(([a], [b]) => (a < b ? -1 : 1));
  const chains = devices.map(
    ([, rate], index) => `  chain port_${index} {
    limit rate over ${rate}/second burst ${rate} packets counter name "drop_icmp_rate" drop
  }
`,
  );
  const jumps = devices.map(([device], index) => `${quote(device)} : jump port_${index}`).join(', ');
  return `table inet segue_icmp {
  counter drop_icmp_rate { }
${chains.join('')}  chain output {
    type filter hook output priority filter - 10; policy accept;
    icmp type { ${ERRORS.icmp} } oifname vmap { ${jumps} }
    icmpv6 type { ${ERRORS.icmpv6} } oifname vmap { ${jumps} }
  }
}
`;
}
