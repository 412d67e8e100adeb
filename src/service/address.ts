/** Addresses of the node's services: as VMs use them, and inside the node. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Addresses of the metadata service for VMs: those of EC2 and OpenStack for either family, and a link-local one. */
export const METADATA_ADDRESSES = ['169.254.169.254', 'fd00:ec2::254', 'fe80::a9fe:a9fe'] as const;

/** Addresses of the DNS service for VMs, those of EC2. */
export const DNS_ADDRESSES = ['169.254.169.253', 'fd00:ec2::253'] as const;

/** The node's end of the veth, in the agent's namespace. */
export const SERVICE_DEVICE = 'segue-svc';
/** The other end, in the services' namespace. */
export const SERVICE_PEER = 'eth0';
/** SERVICE_MACS of bpf/service/address.h. */
export const DEVICE_MAC = '02:73:67:fe:00:01';
export const PEER_MAC = '02:73:67:fe:00:02';
/** The largest MTU of a veth, in bytes: IPv4 packets grow by 20 bytes in translation, and the VM's MTU limits packets to it. */
export const SERVICE_MTU = 65_535;

/** Name of the services' namespace (`ip netns`). */
export function serviceNetns(node: string): string {
  return `segue-${node}`;
}

const MACHINE_ID = '/etc/machine-id';

/**
 * The default prefix between ports and services: random for each machine and node, and constant across boots. It is a hash, since the machine's id
 * must not be disclosed (machine-id(5)).
 */
export function servicePrefixOf(node: string): string {
  let machine = '';
  try {
    machine = readFileSync(MACHINE_ID, 'utf8').trim();
  } catch {
    // Without an id, only the node's name is used.
  }
  const hash = createHash('sha256').update(`segue services ${machine} ${node}`).digest('hex');
  const words = [`fd${hash.slice(0, 2)}`, hash.slice(2, 6)].map((word) => Number.parseInt(word, 16).toString(16));
  return `${words.join(':')}::/32`;
}

/** The halves of the prefix for services (SERVICE_SIDE) and for ports. */
export function halvesOf(prefix: string): { services: string; ports: string } {
  const [head = ''] = prefix.split('::');
  // A second word of zero is omitted in text.
  const words = head.split(':');
  const base = words.length === 1 ? `${head}:0` : head;
  return { services: `${base}:8000::/33`, ports: `${head}::/33` };
}
