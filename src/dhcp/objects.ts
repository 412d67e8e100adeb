import type { DhcpRoute, PortBoot } from './types.js';

/** Leases and advertisements in the plan's terms: maps hold them as the bytes of replies. */

/** DHCPv4. */
export interface Lease4 {
  /** The VM's. */
  mac: string;
  address: string;
  /** Of the mask. */
  prefixLength: number;
  /** The subnet's gateway: server identifier and router. */
  server: string;
  /** Seconds. */
  seconds: number;
  /** Bytes. */
  mtu: number;
  dns?: readonly string[];
  domain?: string;
  search?: readonly string[];
  ntp?: readonly string[];
  hostname?: string;
  /** Of options 121 and 249, the default route among them; empty: option 3 says it. */
  routes: readonly DhcpRoute[];
}

/** DHCPv6. */
export interface Lease6 {
  /** The gateway's MAC address, of which the server's DUID is made. */
  serverMac: string;
  /** Non-temporary addresses; none where the VM makes its own. */
  addresses: readonly string[];
  /** Prefixes to delegate. */
  prefixes: readonly string[];
  /** Valid lifetime, seconds. */
  seconds: number;
  dns?: readonly string[];
  search?: readonly string[];
  ntp?: readonly string[];
}

/** A router advertisement. */
export interface RouterAdvertisement {
  /** The VM's MAC address, which it is sent to. */
  mac: string;
  gatewayMac: string;
  /** Bytes. */
  mtu: number;
  /** Addresses by DHCPv6 (M). */
  managed: boolean;
  /** Everything else by DHCPv6 (O). */
  other: boolean;
  prefixes: readonly { prefix: string; autonomous: boolean }[];
  dns?: readonly string[];
  search?: readonly string[];
}

/** A program that answers requests of all ports of the node. */
export interface ReplyProgram {
  program: 'dhcp4_tc' | 'dhcp6_tc';
  /** Without the kernel beneath (`dataplane: ebpf`). */
  alone?: true;
}

declare module '../plan/plan.js' {
  interface Resources {
    /** key: interface name */
    'bpf-dhcp4': Lease4;
    /** key: interface name */
    'bpf-boot': PortBoot;
    /** key: interface name */
    'bpf-dhcp6': Lease6;
    /** key: interface name */
    'bpf-ra': RouterAdvertisement;
    /** key: the program */
    'reply-program': ReplyProgram;
  }
}
