import type { DhcpRoute, PortBoot } from './types.js';

/** Leases and advertisements, as the plan holds them; maps hold the bytes of replies. */

/** A DHCPv4 lease. */
export interface Lease4 {
  /** MAC address of the VM. */
  mac: string;
  address: string;
  /** Prefix length of the mask. */
  prefixLength: number;
  /** The subnet's gateway, as server identifier and router. */
  server: string;
  /** In seconds. */
  seconds: number;
  /** In bytes. */
  mtu: number;
  dns?: readonly string[];
  domain?: string;
  search?: readonly string[];
  ntp?: readonly string[];
  hostname?: string;
  /** Routes of options 121 and 249, including the default route; empty: only option 3 is sent. */
  routes: readonly DhcpRoute[];
}

/** A DHCPv6 lease. */
export interface Lease6 {
  /** The gateway's MAC address, from which the server's DUID is derived. */
  serverMac: string;
  /** Non-temporary addresses; empty if the VM configures its own. */
  addresses: readonly string[];
  /** Prefixes to delegate. */
  prefixes: readonly string[];
  /** Valid lifetime in seconds. */
  seconds: number;
  dns?: readonly string[];
  search?: readonly string[];
  ntp?: readonly string[];
}

/** A router advertisement. */
export interface RouterAdvertisement {
  gatewayMac: string;
  /** In bytes. */
  mtu: number;
  /** Addresses by DHCPv6 (M flag). */
  managed: boolean;
  /** Other information by DHCPv6 (O flag). */
  other: boolean;
  prefixes: readonly { prefix: string; autonomous: boolean }[];
  dns?: readonly string[];
  search?: readonly string[];
}

/** Boot files of a VM. */
export interface BootTemplate extends PortBoot {
  /** Prefix length of the subnet's mask, which firmware gets if the lease has /32. */
  prefixLength: number;
}

/** A program that answers requests of all ports of the node. */
export interface ReplyProgram {
  program: 'dhcp4_tc' | 'dhcp6_tc' | 'service_tc';
  /** Without the kernel's data plane (`dataplane: ebpf`). */
  alone?: true;
}

declare module '../plan/plan.js' {
  interface Resources {
    /** key: interface name */
    'bpf-dhcp4': Lease4;
    /** key: interface name */
    'bpf-boot': BootTemplate;
    /** key: interface name */
    'bpf-dhcp6': Lease6;
    /** key: interface name */
    'bpf-ra': RouterAdvertisement;
    /** key: the program */
    'reply-program': ReplyProgram;
  }
}
