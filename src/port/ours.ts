import { ourMaster } from '../vrf/ours.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Link } from 'netlink-ts';

/** Key of a port's saved MTU: `<former MTU> <ifindex>`. */
export function portMemory(name: string): string {
  return `mtu ${name}`;
}

/** The MTU of an interface before it became a port; undefined if this interface never became one. */
export function heldMtu(kernel: Kernel, { name, index }: Link): number | undefined {
  const [mtu, of = String(index)] = kernel.savedSettings.get(portMemory(name))?.split(' ') ?? [];
  return mtu === undefined || Number(of) !== index ? undefined : Number(mtu);
}

/** The master of an interface, if it is not segue's VRF: a bridge, a bond, a VRF of others. */
export function foreignMaster(kernel: Kernel, device: string): string | undefined {
  const link = kernel.links.get(device);
  return link === undefined || ourMaster(kernel, link) !== undefined ? undefined : kernel.links.masterOf(link);
}

/** Key of a port's saved MAC address: `<former MAC address> <ifindex>`. */
export function macMemory(name: string): string {
  return `lladdr ${name}`;
}

/** The MAC address of an interface before it got the gateway's; undefined if it has its own. */
export function heldMac(kernel: Kernel, link: Pick<Link, 'name' | 'index'>): string | undefined {
  return heldOf(kernel, macMemory(link.name), link);
}

/** Key of the gateway's saved MAC address at a port: `<the gateway's former MAC address> <ifindex>`. */
export function formerMacMemory(name: string): string {
  return `former lladdr ${name}`;
}

/**
 * The gateway's MAC address that a VM may still use: the one before the intent changed it, else the interface's own, which was the gateway's before
 * tenants had a common one.
 */
export function formerMac(kernel: Kernel, link: Pick<Link, 'name' | 'index' | 'mac'>): string | undefined {
  return heldOf(kernel, formerMacMemory(link.name), link) ?? heldMac(kernel, link) ?? link.mac;
}

/** The saved value, if it is of this interface and not of another with its name. */
function heldOf(kernel: Kernel, memory: string, { index }: Pick<Link, 'index'>): string | undefined {
  const [value, of] = kernel.savedSettings.get(memory)?.split(' ') ?? [];
  return Number(of) === index ? value : undefined;
}

/** Whether an interface is segue's port: a member of segue's VRF, or with a saved MTU. */
export function isPortDevice(kernel: Kernel, device: string): boolean {
  const link = kernel.links.get(device);
  return link !== undefined && (ourMaster(kernel, link) !== undefined || heldMtu(kernel, link) !== undefined);
}
