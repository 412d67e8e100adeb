import { concernsLink } from '../reconcile/follows.js';
import type { EventContext, Follows } from '../reconcile/follows.js';
import { type Link, takesFrames, xdpFeatures } from 'netlink-ts';
import { formatMac, writeMac } from 'netlink-ts/inet';
import { getAddress, indexOfDevice, putAddress } from './bytes.js';
import { entryResourceByRun } from './entry-resource.js';
import { DscpPolicy, Family, Port, PortFlags } from './generated/layouts.js';
import { ensureIds } from './ids.js';
import { filteredDevices, canRedirectPeer } from './peer.js';
import { formerMac, formerMacMemory } from '../port/ours.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource, ObjectChange } from '../reconcile/resource.js';
import type { DscpPolicy as Policy } from '../intent/types.js';
import type { BpfPort } from './objects.js';

const PORT_FOLLOWS: Follows = {
  link: (link, context) => concernsLink(link, context) || isVlanOnPort(link, context),
  'xdp-features': () => true,
};

/** Whether a link is a VLAN device that stands on a port. */
function isVlanOnPort({ kind, linkIndex }: Pick<Link, 'kind' | 'linkIndex'>, { plan, nameOf }: EventContext): boolean {
  return kind === 'vlan' && linkIndex !== undefined && plan['bpf-port'].has(nameOf(linkIndex));
}

function dscpNumber(policy: Policy): number {
  if (policy === 'copy') return DscpPolicy.DSCP_COPY;
  return policy === 'zero' ? DscpPolicy.DSCP_ZERO : DscpPolicy.DSCP_FIXED + policy;
}

function dscpPolicy(number: number): Policy {
  if (number >= DscpPolicy.DSCP_FIXED) return number - DscpPolicy.DSCP_FIXED;
  return number === DscpPolicy.DSCP_ZERO ? 'zero' : 'copy';
}

/** What the kernel says of its devices, by their numbers. */
interface Devices {
  xdpFeatures: ReadonlyMap<number, number>;
  /** Those with filters. */
  filtered: ReadonlySet<number>;
  /** Those that VLAN devices of the namespace stand on. */
  vlans: ReadonlySet<number>;
}

function devicesOf(kernel: Kernel): Devices {
  ensureIds(kernel);
  return { xdpFeatures: xdpFeatures(kernel.generic), filtered: filteredDevices(kernel), vlans: vlanParents(kernel) };
}

/** Interfaces that VLAN devices of the same namespace stand on. */
export function vlanParents({ links }: Kernel): Set<number> {
  const parents = new Set<number>();
  for (const { kind, linkIndex, linkNetnsId } of links.all()) {
    if (kind === 'vlan' && linkIndex !== undefined && linkNetnsId === undefined) parents.add(linkIndex);
  }
  return parents;
}

function flagsOf(kernel: Kernel, device: string, known: Devices): number {
  const link = kernel.links.get(device);
  if (link === undefined) return 0;
  const frames = takesFrames(known.xdpFeatures, link.index);
  return (
    // A veth hands super-packets to the other namespace as they are (VETH_FEATURES, drivers/net/veth.c).
    (link.kind === 'veth' ? PortFlags.PORT_TUNNEL_SEGMENTATION : 0) |
    (frames ? PortFlags.PORT_XDP_XMIT : 0) |
    (known.vlans.has(link.index) ? PortFlags.PORT_VLANS : 0) |
    (canRedirectPeer(kernel, link, known.filtered) ? PortFlags.PORT_REDIRECT_PEER : 0)
  );
}

/** Ports by interface. What follows from the interface (its former MAC, offloads) is looked up when an entry is written and compared. */
const portEntries = entryResourceByRun<'bpf-port', Devices>({
  name: 'bpf-port',
  after: ['bpf-domain-source'],
  follows: PORT_FOLLOWS,
  map: ({ sg_ports }) => sg_ports,
  devices: (_value, device) => [device],
  begin: devicesOf,
  read(kernel, { keys, keyAt, values, valueAt }, _wanted, known) {
    const device = kernel.links.nameOf(keys.readUInt32LE(keyAt));
    const former = formatMac(values, valueAt + Port.OFFSETS.formerMac);
    const flags = values.readUInt8(valueAt + Port.OFFSETS.flags);
    const checkedSources = values.readUInt32LE(valueAt + Port.OFFSETS.checkedSources);
    const link = kernel.links.get(device);
    const isOld = former !== (link && formerMac(kernel, link)) || flags !== flagsOf(kernel, device, known);
    return [
      device,
      {
        tenant: values.readUInt32LE(valueAt + Port.OFFSETS.tenant),
        mac: formatMac(values, valueAt + Port.OFFSETS.vmMac),
        gatewayMac: formatMac(values, valueAt + Port.OFFSETS.gatewayMac),
        mtu: values.readUInt16LE(valueAt + Port.OFFSETS.mtu),
        dscp: dscpPolicy(values.readUInt8(valueAt + Port.OFFSETS.dscp)),
        ...readGateways(values, valueAt),
        ...(checkedSources !== 0 && { checkedSources }),
        ...(isOld && { drift: `former lladdr ${former} flags ${flags}` }),
      },
    ];
  },
  writeKey(kernel, device, _value, into, at) {
    const index = indexOfDevice(kernel, device);
    if (index === undefined) return false;
    into.writeUInt32LE(index, at);
    return true;
  },
  writeValue(
    kernel,
    device,
    { tenant, mac, gatewayMac, mtu, dscp, gateway4, gateway6, checkedSources = 0 },
    into,
    at,
    known,
  ) {
    const link = kernel.links.get(device);
    const former = link && formerMac(kernel, link);
    if (former === undefined) throw new Error(`interface ${device} has no MAC address: expected Ethernet`);
    into.writeUInt32LE(tenant, at + Port.OFFSETS.tenant);
    into.writeUInt32LE(slotOf(kernel, device), at + Port.OFFSETS.slot);
    into.writeUInt16LE(Math.min(mtu, 0xffff), at + Port.OFFSETS.mtu);
    into.writeUInt8(dscpNumber(dscp), at + Port.OFFSETS.dscp);
    into.writeUInt8(flagsOf(kernel, device, known), at + Port.OFFSETS.flags);
    into.fill(0, at + Port.OFFSETS.gateway6, at + Port.OFFSETS.gateway4 + 4);
    if (gateway4 !== undefined) putAddress(gateway4, into, at + Port.OFFSETS.gateway4);
    if (gateway6 !== undefined) putAddress(gateway6, into, at + Port.OFFSETS.gateway6);
    into.writeUInt32LE(checkedSources, at + Port.OFFSETS.checkedSources);
    writeMac(mac, into, at + Port.OFFSETS.vmMac);
    writeMac(gatewayMac, into, at + Port.OFFSETS.gatewayMac);
    writeMac(former, into, at + Port.OFFSETS.formerMac);
  },
  released(kernel, device) {
    kernel.fastpath.slots.release(device);
  },
  describe: (device, { tenant, mac, gatewayMac, mtu }) =>
    `fast path port ${device} tenant ${tenant} lladdr ${mac} gateway lladdr ${gatewayMac} mtu ${mtu}`,
});

export const bpfPortResource: Resource<'bpf-port'> = {
  ...portEntries,
  apply(kernel, changes) {
    rememberFormer(kernel, changes);
    return portEntries.apply(kernel, changes);
  },
};

/** Where the intent says another MAC address of a gateway: VMs have the one before until their neighbour entries end. */
function rememberFormer(kernel: Kernel, changes: readonly ObjectChange<BpfPort>[]): void {
  const former = changes.flatMap(({ key, desired, actual }): [string, string][] => {
    const index = kernel.links.get(key)?.index;
    if (index === undefined || desired === undefined || actual === undefined) return [];
    return desired.gatewayMac === actual.gatewayMac ? [] : [[formerMacMemory(key), `${actual.gatewayMac} ${index}`]];
  });
  kernel.savedSettings.forget(former.map(([memory]) => memory));
  kernel.savedSettings.remember(former);
}

function readGateways(values: Buffer, at: number): Pick<BpfPort, 'gateway4' | 'gateway6'> {
  const has = (offset: number, bytes: number): boolean =>
    values.subarray(at + offset, at + offset + bytes).some((byte) => byte !== 0);
  const { gateway4, gateway6 } = Port.OFFSETS;
  return {
    ...(has(gateway4, 4) && { gateway4: getAddress(values, at + gateway4, Family.FAMILY_INET) }),
    ...(has(gateway6, 16) && { gateway6: getAddress(values, at + gateway6, Family.FAMILY_INET6) }),
  };
}

/** The counters of a port; those of another before it are set to zero. */
function slotOf(kernel: Kernel, device: string): number {
  const { slots, maps } = kernel.fastpath;
  const known = slots.get(device);
  if (known !== undefined) return known;
  const slot = slots.allocate(device);
  const key = Buffer.alloc(4);
  key.writeUInt32LE(slot);
  const traffics = maps?.sg_port_stats;
  // The responder counts no traffic.
  if (traffics !== undefined && slot < traffics.info.maxEntries) traffics.update(key, Buffer.alloc(traffics.valueSize));
  return slot;
}
