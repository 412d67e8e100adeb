/** Reads the present state of services: the programs' settings, the listener, and files of ports. */
import { existsSync, readFileSync } from 'node:fs';
import { inNetns, netnsIdentity } from 'netlink-ts';
import { formatIPv6 } from 'netlink-ts/inet';
import { Service } from '../ebpf/generated/layouts.js';
import { SERVICES, servicesIn } from './kinds.js';
import type { ServiceName } from './objects.js';
import type { Kernel } from '../kernel/kernel.js';

const PREFIX_BYTES = 4;
const PREFIX_BITS = 32;

/** A socket that listens at a port, in /proc/net/tcp6: `sl local_address rem_address st`. */
function listensAt(port: number): RegExp {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return new RegExp(`^\\s*\\d+: [0-9A-F]{32}:${hex} [0-9A-F]{32}:0000 0A `, 'm');
}

/** The prefix of an entry of sg_service. */
export function prefixIn(values: Buffer, valueAt: number): string {
  const at = valueAt + Service.OFFSETS.prefix;
  const address = Buffer.alloc(16);
  values.copy(address, 0, at, at + PREFIX_BYTES);
  return `${formatIPv6(address, 0)}/${PREFIX_BITS}`;
}

/** The prefix to which programs of ports translate, and the services; undefined: they do not translate. */
export function heldServices({ fastpath }: Kernel): { prefix: string; services: ServiceName[] } | undefined {
  const value = fastpath.maps?.sg_service.lookup(Buffer.alloc(4));
  if (value === undefined || value.readUInt32LE(Service.OFFSETS.ifindex) === 0) return undefined;
  return { prefix: prefixIn(value, 0), services: servicesIn(value.readUInt32LE(Service.OFFSETS.kinds)) };
}

/** Whether a process listens for requests to a service; undefined if the namespace does not exist, or may not be entered. */
export function isServed({ services: { netns } }: Kernel, name: ServiceName): boolean | undefined {
  if (netnsIdentity(netns) === undefined) return undefined;
  try {
    return listensAt(SERVICES[name].port).test(
      inNetns(netns, () => readFileSync('/proc/thread-self/net/tcp6', 'utf8')),
    );
  } catch {
    return undefined;
  }
}

/** Whether the service has the file of a port; it refuses other ports. */
export function hasPortFile({ services, links }: Kernel, device: string): boolean {
  const index = links.get(device)?.index;
  return index !== undefined && existsSync(services.portFile(index));
}
