/** Locations of tenants' addresses and prefixes. */
import { concernsLink } from '../reconcile/follows.js';
import type { Follows } from '../reconcile/follows.js';
import { tenantTable } from '../plan/numbers.js';
import { getAddress, indexOfPresent } from './bytes.js';
import { KEY_BITS, writeEndpointKey, writePrefixKey } from './encoders.js';
import { entryResourceByRun } from './entry-resource.js';
import { EndpointKey, PrefixKey, Endpoint, EndpointType, Limits } from './generated/layouts.js';
import { ensureIds } from './ids.js';
import { addressStart, memberKey } from './member-key.js';
import { takesFrames, xdpFeatures } from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { Scope } from '../reconcile/resource.js';
import type { BpfMember } from './objects.js';

/** The scope of members is the routing table of their tenant, which need not exist. */
const MEMBER_FOLLOWS: Follows = {
  link(link, context) {
    if (!concernsLink(link, context)) return false;
    const tenant = context.plan['bpf-port'].get(link.name)?.tenant;
    return tenant === undefined ? [] : [tenantTable(tenant)];
  },
};

const NONE: readonly string[] = [];
/** An id that no encapsulation has: the kernel forwards the packet. */
const KERNEL_ENCAP = 0;

const devices = ({ device, external }: BpfMember): readonly string[] => {
  const name = device ?? external;
  return name === undefined ? NONE : [name];
};
const inScope = ({ tenant }: BpfMember, { tables }: Scope): boolean => tables.has(tenantTable(tenant));

/** EP_EXTERNAL_XDP_XMIT of bpf/abi/types.h. */
const EXTERNAL_FRAMES = 0x80000000;

/** Whether XDP can transmit frames on an interface; queried once for the first external member of a run. */
type SentFrames = (ifindex: number) => boolean;

function begin(kernel: Kernel): SentFrames {
  ensureIds(kernel);
  let known: Map<number, number> | undefined;
  return (ifindex) => takesFrames((known ??= xdpFeatures(kernel.generic)), ifindex);
}

function describe(what: string, key: string, member: BpfMember): string {
  const { tenant, device, encap, external, gateway, steered, fixedSlot, absent } = member;
  const to = key.slice(addressStart(key));
  if (absent) return `fast path ${what} ${to} tenant ${tenant} absent`;
  if (steered !== undefined) {
    return `fast path ${what} ${to} tenant ${tenant} by gateway ${steered}${fixedSlot === undefined ? '' : ` slot ${fixedSlot}`}`;
  }
  if (external !== undefined) return `fast path ${what} ${to} zone ${tenant} external dev ${external}`;
  const elsewhere = encap === undefined ? 'by the kernel' : `encap ${encap}`;
  const where = gateway ? 'gateway' : device === undefined ? elsewhere : `dev ${device}`;
  return `fast path ${what} ${to} tenant ${tenant} ${where}`;
}

function readTarget(kernel: Kernel, values: Buffer, at: number, isSentFrames: SentFrames): Omit<BpfMember, 'tenant'> {
  const id = values.readUInt32LE(at + Endpoint.OFFSETS.id);
  const kind = values.readUInt32LE(at + Endpoint.OFFSETS.type);
  if (kind === EndpointType.EP_LOCAL) return { device: kernel.links.nameOf(id) };
  if (kind === EndpointType.EP_EXTERNAL) {
    const index = id & ~EXTERNAL_FRAMES;
    const frames = id !== index;
    return {
      external: kernel.links.nameOf(index),
      ...(frames !== isSentFrames(index) && { drift: frames ? 'xdp' : 'no xdp' }),
    };
  }
  if (kind === EndpointType.EP_REMOTE && id === KERNEL_ENCAP) return {};
  if (kind === EndpointType.EP_REMOTE) return { encap: kernel.fastpath.encapIds.keyOf(id) ?? `id ${id}` };
  if (kind === EndpointType.EP_GATEWAY) return { gateway: true };
  if (kind === EndpointType.EP_BLACKHOLE) return { absent: true };
  if (kind === EndpointType.EP_VIA_GATEWAY) {
    const slot = id >>> Limits.GW_FIXED_SLOT_SHIFT;
    return { steered: id & ((1 << Limits.GW_FIXED_SLOT_SHIFT) - 1), ...(slot > 0 && { fixedSlot: slot - 1 }) };
  }
  return { encap: `kind ${kind} id ${id}` };
}

function writeTarget(
  kernel: Kernel,
  key: string,
  to: BpfMember,
  into: Buffer,
  at: number,
  isSentFrames: SentFrames,
): void {
  const { encap } = to;
  // Fast path for nearly all members, without allocating a pair.
  const id = encap === undefined ? undefined : kernel.fastpath.encapIds.get(encap);
  if (id !== undefined) {
    into.writeUInt32LE(EndpointType.EP_REMOTE, at + Endpoint.OFFSETS.type);
    into.writeUInt32LE(id, at + Endpoint.OFFSETS.id);
    return;
  }
  const [kind, number] = targetOf(kernel, key, to, isSentFrames);
  into.writeUInt32LE(kind, at + Endpoint.OFFSETS.type);
  into.writeUInt32LE(number, at + Endpoint.OFFSETS.id);
}

function targetOf(kernel: Kernel, key: string, member: BpfMember, isSentFrames: SentFrames): [number, number] {
  const { device, encap, external, gateway, steered, fixedSlot, absent } = member;
  if (absent) return [EndpointType.EP_BLACKHOLE, 0];
  if (steered !== undefined) {
    return [
      EndpointType.EP_VIA_GATEWAY,
      steered | ((fixedSlot === undefined ? 0 : fixedSlot + 1) << Limits.GW_FIXED_SLOT_SHIFT),
    ];
  }
  if (gateway) return [EndpointType.EP_GATEWAY, 0];
  if (device !== undefined) return [EndpointType.EP_LOCAL, indexOfPresent(kernel, device)];
  if (external !== undefined) {
    const index = indexOfPresent(kernel, external);
    return [EndpointType.EP_EXTERNAL, (isSentFrames(index) ? index | EXTERNAL_FRAMES : index) >>> 0];
  }
  if (encap === undefined) return [EndpointType.EP_REMOTE, KERNEL_ENCAP];
  throw new Error(`${key}: the encapsulation to ${encap} does not exist`);
}

/** Addresses, matched exactly. */
export const bpfMemberResource = entryResourceByRun<'bpf-member', SentFrames>({
  name: 'bpf-member',
  after: ['bpf-source-prefix'],
  follows: MEMBER_FOLLOWS,
  map: ({ sg_endpoints }) => sg_endpoints,
  large: true,
  devices,
  inScope,
  begin,
  read(kernel, { keys, keyAt, values, valueAt }, _wanted, isSentFrames) {
    const tenant = keys.readUInt32LE(keyAt + EndpointKey.OFFSETS.tenant);
    const family = keys.readUInt32LE(keyAt + EndpointKey.OFFSETS.family);
    const to = getAddress(keys, keyAt + EndpointKey.OFFSETS.address, family);
    return [memberKey(tenant, to), { tenant, ...readTarget(kernel, values, valueAt, isSentFrames) }];
  },
  writeKey(_kernel, key, { tenant }, into, at) {
    writeEndpointKey(tenant, key, into, at, addressStart(key));
    return true;
  },
  writeValue: (kernel, key, value, into, at, isSentFrames) => {
    writeTarget(kernel, key, value, into, at, isSentFrames);
  },
  describe: (key, value) => describe('member', key, value),
});

/** Prefixes, matched by the longest prefix. */
export const bpfPrefixResource = entryResourceByRun<'bpf-prefix', SentFrames>({
  name: 'bpf-prefix',
  after: ['bpf-member'],
  follows: MEMBER_FOLLOWS,
  map: ({ sg_endpoint_lpm }) => sg_endpoint_lpm,
  large: true,
  devices,
  inScope,
  begin,
  read(kernel, { keys, keyAt, values, valueAt }, _wanted, isSentFrames) {
    const tenant = keys.readUInt32LE(keyAt + PrefixKey.OFFSETS.tenant);
    const family = keys.readUInt32LE(keyAt + PrefixKey.OFFSETS.family);
    const length = keys.readUInt32LE(keyAt + PrefixKey.OFFSETS.length) - KEY_BITS;
    const to = `${getAddress(keys, keyAt + PrefixKey.OFFSETS.address, family)}/${length}`;
    return [memberKey(tenant, to), { tenant, ...readTarget(kernel, values, valueAt, isSentFrames) }];
  },
  writeKey(_kernel, key, { tenant }, into, at) {
    writePrefixKey(tenant, key, into, at, addressStart(key));
    return true;
  },
  writeValue: (kernel, key, value, into, at, isSentFrames) => {
    writeTarget(kernel, key, value, into, at, isSentFrames);
  },
  describe: (key, value) => describe('prefix', key, value),
});
