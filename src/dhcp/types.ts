/** What the intent says of what VMs are told: part of its subnets and ports. Checked and canonical, as all of it (src/intent/types.ts). */

/** `subnet`: the subnet's mask; `host`: /32, and the gateway on the link by option 121. */
export type Netmask = 'subnet' | 'host';

/** `dhcpv6`: addresses by DHCPv6; `slaac`: the VM makes its own of the prefix; `none`: no router advertisements. */
export type RaMode = 'dhcpv6' | 'slaac' | 'none';

/** A route that VMs of an IPv4 subnet are told (RFC 3442). */
export interface DhcpRoute {
  to: string;
  /** Inside the subnet. */
  via: string;
}

/** What VMs of a subnet are told besides address and gateway. */
export interface SubnetDhcp {
  /** Resolvers, of the subnet's family, in order of preference. */
  dns?: string[];
  domain?: string;
  /** Search list, in order. */
  search?: string[];
  /** Time servers, of the subnet's family. */
  ntp?: string[];
  /** Seconds. */
  lease: number;
  /** Of an IPv4 subnet, besides the default route. */
  routes?: DhcpRoute[];
  /** Of an IPv4 subnet. */
  netmask?: Netmask;
}

/** Router advertisements in an IPv6 subnet. */
export interface SubnetRa {
  mode: RaMode;
}

/** What a VM boots from, by who asks. */
export interface PortBoot {
  /** TFTP server, an IPv4 address. */
  server?: string;
  /** File for BIOS firmware (architecture 0). */
  bios?: string;
  /** File for UEFI firmware (any other architecture). */
  uefi?: string;
  /** File or URL for iPXE, known by its user class. */
  ipxe?: string;
  /** URL for UEFI's HTTP boot. */
  http?: string;
}
