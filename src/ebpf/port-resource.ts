import { concernsLink } from '../reconcile/follows.js';
import type { EventContext, Follows } from '../reconcile/follows.js';
import { type Link, takesFrames, xdpFeatures } from 'netlink-ts';
import { formatMac } from 'netlink-ts/inet';
import { getAddress, indexOfDevice } from './bytes.js';
import { writePort } from './encoders.js';
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

/** Whether a link is a VLAN device on top of a port. */
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

/** The kernel's view of devices, by index. */
interface Devices {
  xdpFeatures: ReadonlyMap<number, number>;
  /** Devices with filters. */
  filtered: ReadonlySet<number>;
  /** Devices under VLAN devices of the namespace. */
  vlans: ReadonlySet<number>;
}

function devicesOf(kernel: Kernel): Devices {
  ensureIds(kernel);
  return { xdpFeatures: xdpFeatures(kernel.generic), filtered: filteredDevices(kernel), vlans: vlanParents(kernel) };
}

/** Interfaces under VLAN devices of the same namespace. */
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
    // A veth passes super-packets to the other namespace unsegmented (VETH_FEATURES, drivers/net/veth.c).
    (link.kind === 'veth' ? PortFlags.PORT_TUNNEL_SEGMENTATION : 0) |
    (frames ? PortFlags.PORT_XDP_XMIT : 0) |
    (known.vlans.has(link.index) ? PortFlags.PORT_VLANS : 0) |
    (canRedirectPeer(kernel, link, known.filtered) ? PortFlags.PORT_REDIRECT_PEER : 0)
  );
}

/** Flags that come from the intent and not from the interface. */
const MIGRATION_FLAGS = PortFlags.PORT_MIGRATES | PortFlags.PORT_STANDBY;

function migrationFlags(migrates: BpfPort['migrates']): number {
  if (migrates === undefined) return 0;
  return PortFlags.PORT_MIGRATES | (migrates === 'to-here' ? PortFlags.PORT_STANDBY : 0);
}

function migratesBy(flags: number): Pick<BpfPort, 'migrates'> {
  if ((flags & PortFlags.PORT_MIGRATES) === 0) return {};
  return { migrates: (flags & PortFlags.PORT_STANDBY) === 0 ? 'from-here' : 'to-here' };
}

/** Ports by interface. Values that depend on the interface (former MAC address, offloads) are read whenever an entry is written or compared. */
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
    const isOld =
      former !== (link && formerMac(kernel, link)) || (flags & ~MIGRATION_FLAGS) !== flagsOf(kernel, device, known);
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
        ...migratesBy(flags),
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
  writeValue(kernel, device, { dscp, migrates, ...port }, into, at, known) {
    const link = kernel.links.get(device);
    const former = link && formerMac(kernel, link);
    if (former === undefined) throw new Error(`interface ${device} has no MAC address: expected Ethernet`);
    const slot = slotOf(kernel, device);
    const flags = flagsOf(kernel, device, known) | migrationFlags(migrates);
    writePort({ ...port, slot, flags, dscp: dscpNumber(dscp), formerMac: former }, into, at);
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

/** Saves the previous MAC address of a gateway when the intent changes it: VMs use it until their neighbour entries expire. */
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

/** The port's counter slot. A new slot's counters are reset, since another port may have used it. */
function slotOf(kernel: Kernel, device: string): number {
  const { slots, maps } = kernel.fastpath;
  const known = slots.get(device);
  if (known !== undefined) return known;
  const slot = slots.allocate(device);
  const key = Buffer.alloc(4);
  key.writeUInt32LE(slot);
  const traffics = maps?.sg_port_stats;
  // The responder does not count traffic.
  if (traffics !== undefined && slot < traffics.info.maxEntries) traffics.update(key, Buffer.alloc(traffics.valueSize));
  return slot;
}
