/** DHCP and router advertisements in the intent: parts of its subnets and ports. Checked and canonical, like all of it (src/intent/types.ts). */

/** `subnet`: the subnet's mask; `host`: /32, with an on-link route to the gateway in option 121. */
export type Netmask = 'subnet' | 'host';

/** `dhcpv6`: addresses by DHCPv6; `slaac`: the VM derives its own from the prefix; `none`: no router advertisements. */
export type RaMode = 'dhcpv6' | 'slaac' | 'none';

/** A route for VMs of an IPv4 subnet (RFC 3442). */
export interface DhcpRoute {
  to: string;
  /** Inside the subnet. */
  via: string;
}

/** Settings for VMs of a subnet, in addition to address and gateway. */
export interface SubnetDhcp {
  /** Resolvers of the subnet's family, in order of preference. */
  dns?: string[];
  domain?: string;
  /** Search list, in order. */
  search?: string[];
  /** NTP servers of the subnet's family. */
  ntp?: string[];
  /** In seconds. */
  lease: number;
  /** Routes of an IPv4 subnet, in addition to the default route. */
  routes?: DhcpRoute[];
  /** Mask of an IPv4 subnet. */
  netmask?: Netmask;
}

/** Router advertisements in an IPv6 subnet. */
export interface SubnetRa {
  mode: RaMode;
}

/** Boot files of a VM, by the client. */
export interface PortBoot {
  /** TFTP server, an IPv4 address. */
  server?: string;
  /** File for BIOS firmware (architecture 0). */
  bios?: string;
  /** File for UEFI firmware (any other architecture). */
  uefi?: string;
  /** File or URL for iPXE, recognised by its user class. */
  ipxe?: string;
  /** URL for HTTP boot of UEFI. */
  http?: string;
}
