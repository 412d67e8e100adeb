/** Ports as the kernel has them: members of VRFs of ours, and where the fast path forwards alone, entries of its maps. */
import { formatMac } from 'netlink-ts/inet';
import { getAddress } from '../../ebpf/bytes.js';
import { Port, AllowedSrcKey } from '../../ebpf/generated/layouts.js';
import { membersOf, pinnedNeighbours } from './state.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Link } from 'netlink-ts';
import type { Names } from './names.js';

export interface HeldPort {
  link: Link;
  /** Name of the tenant, or its id in words where nobody says the name. */
  tenant: string;
  /** Absent: in none, the fast path forwards alone. */
  vrf?: string;
}

/** VRF by VRF; those in none where the fast path forwards alone. By name. */
export function heldPorts(kernel: Kernel, names: Names): HeldPort[] {
  const held = names.vrfs.flatMap(({ index, name: vrf, tenant }) =>
    membersOf(kernel, index).map((link): HeldPort => ({ link, tenant, vrf })),
  );
  // Where there are VRFs a port that is in none is not served, whatever programs know of it.
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

/** What a VM has as its gateway's MAC address: where a kernel is beneath, the interface's own. */
export function gatewayMacAt(kernel: Kernel, { link, vrf }: Pick<HeldPort, 'link' | 'vrf'>): string | undefined {
  if (vrf !== undefined) return link.mac;
  const key = Buffer.alloc(4);
  key.writeUInt32LE(link.index);
  const value = kernel.fastpath.maps?.sg_ports.lookup(key);
  return value && formatMac(value, Port.OFFSETS.gatewayMac);
}

/** What stands behind ports, by their ifindex: the VM's MAC, and its addresses as its port has them. */
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
