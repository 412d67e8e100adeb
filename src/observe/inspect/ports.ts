/** Ports in the kernel: members of segue's VRFs, or entries of the fast path's maps if it forwards alone. */
import { formatMac } from 'netlink-ts/inet';
import { getAddress } from '../../ebpf/bytes.js';
import { Port, AllowedSrcKey } from '../../ebpf/generated/layouts.js';
import { membersOf, pinnedNeighbours } from './state.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Link } from 'netlink-ts';
import type { Names } from './names.js';

export interface HeldPort {
  link: Link;
  /** Name of the tenant, or its id as text if unknown. */
  tenant: string;
  /** Absent if the fast path forwards alone. */
  vrf?: string;
}

/** Ports by VRF and name; those of a fast path that forwards alone are in no VRF. */
export function heldPorts(kernel: Kernel, names: Names): HeldPort[] {
  const held = names.vrfs.flatMap(({ index, name: vrf, tenant }) =>
    membersOf(kernel, index).map((link): HeldPort => ({ link, tenant, vrf })),
  );
  // With VRFs, a port in none of them is not served, whatever the maps contain.
  if (names.vrfs.length > 0 || kernel.fastpath.responderAlone) return held;
  const known = new Set(held.map(({ link }) => link.index));
  const lone: HeldPort[] = [];
  for (const [key, value] of kernel.fastpath.maps?.sg_ports.entries() ?? []) {
    const link = kernel.links.get(kernel.links.nameOf(key.readUInt32LE(0)));
    if (link === undefined || known.has(link.index)) continue;
    lone.push({ link, tenant: names.tenantOfId(value.readUInt32LE(Port.OFFSETS.tenant)) });
  }
  return [...held, ...lone.sort((a, b) => a.link.name.localeCompare(b.link.name))];
}

/** The gateway's MAC address for a port's VM: with a kernel data plane, the interface's own. */
export function gatewayMacAt(kernel: Kernel, { link, vrf }: Pick<HeldPort, 'link' | 'vrf'>): string | undefined {
  if (vrf !== undefined) return link.mac;
  const key = Buffer.alloc(4);
  key.writeUInt32LE(link.index);
  const value = kernel.fastpath.maps?.sg_ports.lookup(key);
  return value && formatMac(value, Port.OFFSETS.gatewayMac);
}

/** The VM behind a port, by ifindex: its MAC address, and the port's addresses. */
export function vmsBehind(kernel: Kernel): (index: number) => { mac?: string; addresses: string[] } {
  const pinned = pinnedNeighbours(kernel);
  const { maps } = kernel.fastpath;
  const macs = new Map<number, string>();
  for (const [key, value] of maps?.sg_ports.entries() ?? []) {
    macs.set(key.readUInt32LE(0), formatMac(value, Port.OFFSETS.vmMac));
  }
  const sources = new Map<number, string[]>();
  for (const [key] of maps?.sg_allowed_src.entries() ?? []) {
    const index = key.readUInt32LE(AllowedSrcKey.OFFSETS.ifindex);
    const address = getAddress(key, AllowedSrcKey.OFFSETS.address, key.readUInt32LE(AllowedSrcKey.OFFSETS.family));
    sources.set(index, [...(sources.get(index) ?? []), address]);
  }
  return (index) => {
    const neighbours = pinned.get(index);
    const mac = neighbours?.find((neighbour) => neighbour.mac !== undefined)?.mac ?? macs.get(index);
    const addresses = neighbours?.map(({ address }) => address) ?? sources.get(index) ?? [];
    return { ...(mac !== undefined && { mac }), addresses };
  };
}
