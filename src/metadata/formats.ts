/** A port's metadata in the formats of OpenStack and EC2, as cloud-init's data sources read them. */
import { familyOf } from 'netlink-ts/inet';
import type { PortFile, PortNetwork } from '../service/port-file.js';
import type { Tree } from './tree.js';

/** Versions that clients request, with equal contents. */
const OPENSTACK_VERSIONS = ['2012-08-10', '2013-10-17', '2015-10-15', '2016-06-30', '2018-08-27', 'latest'];
const EC2_VERSIONS = ['1.0', '2007-01-19', '2009-04-04', '2016-09-02', '2018-09-24', '2021-03-23', 'latest'];

/** Both trees: OpenStack's below `openstack`, EC2's below its versions. */
export function metadataOf(port: PortFile): Tree {
  const openstack = openstackOf(port);
  const ec2 = ec2Of(port);
  return {
    openstack: Object.fromEntries(OPENSTACK_VERSIONS.map((version) => [version, openstack])),
    ...Object.fromEntries(EC2_VERSIONS.map((version) => [version, ec2])),
  };
}

function instanceOf({ instance, port }: PortFile): string {
  return instance ?? port;
}

function fullName({ hostname, domain }: PortFile): string {
  return domain === undefined ? hostname : `${hostname}.${domain}`;
}

/** Name of a key, which OpenStack requires. */
function keyName(index: number): string {
  return `key-${index}`;
}

function openstackOf(port: PortFile): Tree {
  const { hostname, project, sshKeys = [], userData } = port;
  const keys = sshKeys.map((data, index) => ({ name: keyName(index), type: 'ssh', data }));
  const metadata = {
    uuid: instanceOf(port),
    name: hostname,
    hostname: fullName(port),
    ...(project !== undefined && { project_id: project }),
    availability_zone: 'nova',
    launch_index: 0,
    devices: [],
    ...(keys.length > 0 && { keys, public_keys: Object.fromEntries(keys.map(({ name, data }) => [name, data])) }),
  };
  return {
    'meta_data.json': JSON.stringify(metadata),
    'network_data.json': JSON.stringify(networkOf(port)),
    'vendor_data.json': '{}',
    ...(userData !== undefined && { user_data: userData }),
  };
}

const LINK = 'port0';

function networkOf({ mac, mtu, networks, nameservers = [] }: PortFile): Record<string, unknown> {
  return {
    links: [{ id: LINK, type: 'phy', ethernet_mac_address: mac, mtu }],
    networks: networks.map((network, index) => ({ id: `network${index}`, link: LINK, ...networkEntry(network) })),
    services: nameservers.map((address) => ({ type: 'dns', address })),
  };
}

const NAMES = {
  dhcp4: 'ipv4_dhcp',
  dhcp6: 'ipv6_dhcpv6-stateful',
  slaac: 'ipv6_slaac',
} as const;

/** Only names how the VM gets a DHCP or SLAAC address; describes a static one in full. */
function networkEntry({ how, address, netmask, gateway }: PortNetwork): Record<string, unknown> {
  if (how !== 'static') return { type: NAMES[how] };
  const isIPv4 = familyOf(address) === 4;
  const [network, mask] = isIPv4 ? ['0.0.0.0', '0.0.0.0'] : ['::', '::'];
  return {
    type: isIPv4 ? 'ipv4' : 'ipv6',
    ip_address: address,
    netmask,
    routes: [{ network, netmask: mask, gateway }],
  };
}

function ec2Of(port: PortFile): Tree {
  const { hostname, mac, addresses, sshKeys = [], userData } = port;
  const ipv4 = addresses.filter((address) => familyOf(address) === 4);
  const ipv6 = addresses.filter((address) => familyOf(address) === 6);
  const [first] = ipv4;
  const local = {
    ...(ipv4.length > 0 && { 'local-ipv4s': ipv4.join('\n') }),
    ...(ipv6.length > 0 && { ipv6s: ipv6.join('\n') }),
  };
  const metadata: Tree = {
    'ami-id': 'ami-none',
    'ami-launch-index': '0',
    hostname: fullName(port),
    'instance-id': instanceOf(port),
    'instance-type': 'none',
    'local-hostname': hostname,
    ...(first !== undefined && { 'local-ipv4': first }),
    mac,
    network: { interfaces: { macs: { [mac]: { 'device-number': '0', mac, 'local-hostname': hostname, ...local } } } },
    placement: { 'availability-zone': 'nova' },
    ...(sshKeys.length > 0 && { 'public-keys': keysTree(sshKeys) }),
  };
  return { 'meta-data': metadata, ...(userData !== undefined && { 'user-data': userData }) };
}

function keysTree(keys: readonly string[]): Tree {
  return Object.fromEntries(keys.map((key, index) => [String(index), { 'openssh-key': key }]));
}
