/** The file by which the metadata proxy identifies a port. */
import { formatAddress, parsePrefix } from 'netlink-ts/inet';
import { raModeOf, subnetOf } from '../dhcp/lease.js';
import type { Port, Subnet, Tenant } from '../intent/types.js';

/** How a VM gets an address. */
export interface PortNetwork {
  how: 'dhcp4' | 'dhcp6' | 'slaac' | 'static';
  address: string;
  /** In the notation of the family: 255.255.255.0, ffff:ffff:ffff:ffff::. */
  netmask: string;
  gateway: string;
}

/** The JSON of the file. */
export interface PortFile {
  port: string;
  tenant: string;
  /** Id of the VM, if the intent has one. */
  instance?: string;
  project?: string;
  hostname: string;
  /** Domain of the first subnet with one, for the VM's full name. */
  domain?: string;
  mac: string;
  /** In bytes. */
  mtu: number;
  addresses: readonly string[];
  networks: readonly PortNetwork[];
  nameservers?: readonly string[];
  sshKeys?: readonly string[];
  userData?: string;
}

/** @param mtu MTU of the tenant in bytes */
export function describePort({ subnets }: Pick<Tenant, 'subnets'>, port: Port, mtu: number): string {
  const { name, tenant, instance, project, hostname = name, mac, addresses, sshKeys, userData } = port;
  const found = addresses.flatMap((address) => {
    const subnet = subnetOf(subnets, address);
    return subnet === undefined ? [] : [{ address, subnet }];
  });
  const domain = found.find(({ subnet }) => subnet.dhcp?.domain !== undefined)?.subnet.dhcp?.domain;
  const nameservers = new Set(found.flatMap(({ subnet }) => subnet.dhcp?.dns ?? []));
  const file: PortFile = {
    port: name,
    tenant,
    ...(instance !== undefined && { instance }),
    ...(project !== undefined && { project }),
    hostname,
    ...(domain !== undefined && { domain }),
    mac,
    mtu,
    addresses,
    networks: found.map(({ address, subnet }) => networkOf(address, subnet)),
    ...(nameservers.size > 0 && { nameservers: [...nameservers] }),
    ...(sshKeys && { sshKeys }),
    ...(userData !== undefined && { userData }),
  };
  return `${JSON.stringify(file)}\n`;
}

function networkOf(address: string, subnet: Subnet): PortNetwork {
  return { how: howOf(subnet), address, netmask: netmaskOf(subnet.prefix), gateway: subnet.gateway };
}

function howOf(subnet: Subnet): PortNetwork['how'] {
  if (!subnet.prefix.includes(':')) return subnet.dhcp === undefined ? 'static' : 'dhcp4';
  const mode = raModeOf(subnet);
  if (mode === 'slaac') return mode;
  return mode === 'dhcpv6' && subnet.dhcp !== undefined ? 'dhcp6' : 'static';
}

function netmaskOf(prefix: string): string {
  const parsed = parsePrefix(prefix);
  if (!parsed.ok) throw new Error(`${prefix}: expected a prefix`);
  const { family, length } = parsed.prefix;
  const bytes = Uint8Array.from({ length: family === 4 ? 4 : 16 }, (_, at) => {
    const ones = Math.max(0, Math.min(8, length - at * 8));
    return (0xff << (8 - ones)) & 0xff;
  });
  return formatAddress(bytes);
}

/** @throws SyntaxError if the file has another format */
export function readPortFile(text: string): PortFile {
  return JSON.parse(text) as PortFile;
}
