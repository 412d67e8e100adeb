import { ourMaster } from '../vrf/ours.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Link } from 'netlink-ts';

/** Key of what is remembered of a port's interface: `<MTU before> <ifindex>`. */
export function portMemory(name: string): string {
  return `mtu ${name}`;
}

/** The MTU that an interface had before it became a port; undefined: this one never did, whatever had its name. */
export function heldMtu(kernel: Kernel, { name, index }: Link): number | undefined {
  const [mtu, of = String(index)] = kernel.savedSettings.get(portMemory(name))?.split(' ') ?? [];
  return mtu === undefined || Number(of) !== index ? undefined : Number(mtu);
}

/** The master of an interface where that is no VRF of segue's: a bridge, a bond, another's VRF. */
export function foreignMaster(kernel: Kernel, device: string): string | undefined {
  const link = kernel.links.get(device);
  return link === undefined || ourMaster(kernel, link) !== undefined ? undefined : kernel.links.masterOf(link);
}

/** Key of what is remembered of a port's interface: `<MAC address before> <ifindex>`. */
export function macMemory(name: string): string {
  return `lladdr ${name}`;
}

/** The MAC address that an interface had before it got the gateway's; undefined: it has its own. */
export function heldMac(kernel: Kernel, link: Pick<Link, 'name' | 'index'>): string | undefined {
  return heldOf(kernel, macMemory(link.name), link);
}

/** Key of what is remembered of a port's interface: `<the gateway's MAC address before this one> <ifindex>`. */
export function formerMacMemory(name: string): string {
  return `former lladdr ${name}`;
}

/**
 * What the VM behind an interface may still have as the gateway's MAC address: that of before the intent said another; else the interface's own,
 * which it was before there was one for all.
 */
export function formerMac(kernel: Kernel, link: Pick<Link, 'name' | 'index' | 'mac'>): string | undefined {
  return heldOf(kernel, formerMacMemory(link.name), link) ?? heldMac(kernel, link) ?? link.mac;
}

/** What is remembered of this very interface, not of another that had its name. */
function heldOf(kernel: Kernel, memory: string, { index }: Pick<Link, 'index'>): string | undefined {
  const [value, of] = kernel.savedSettings.get(memory)?.split(' ') ?? [];
  return Number(of) === index ? value : undefined;
}

/** Whether an interface is a port of ours: a member of a VRF of ours, or remembered as one. */
export function isPortDevice(kernel: Kernel, device: string): boolean {
  const link = kernel.links.get(device);
  return link !== undefined && (ourMaster(kernel, link) !== undefined || heldMtu(kernel, link) !== undefined);
}
