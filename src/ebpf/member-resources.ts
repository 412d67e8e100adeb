/** Where a tenant's addresses and prefixes are. */
import { concernsLink } from '../reconcile/follows.js';
import type { Follows } from '../reconcile/follows.js';
import { tenantTable } from '../plan/numbers.js';
import { familyNumber, getAddress, indexOfPresent, putAddress, putPrefix } from './bytes.js';
import { entryResource } from './entry-resource.js';
import { MemberKey, PrefixKey, Target, TargetKind } from './generated/layouts.js';
import { ensureIds } from './ids.js';
import { addressStart, memberKey } from './member-key.js';
import { takesFrames, xdpFeatures } from '../netlink/netdev.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Scope } from '../reconcile/resource.js';
import type { BpfMember } from './objects.js';

/** Members are looked at by the table that their tenant has, or would have. */
const MEMBER_FOLLOWS: Follows = {
  link(link, context) {
    if (!concernsLink(link, context)) return false;
    const tenant = context.plan['bpf-port'].get(link.name)?.tenant;
    return tenant === undefined ? [] : [tenantTable(tenant)];
  },
};

/** Bits before a prefix's own in a key: tenant and family. */
const KEY_BITS = 64;
const NONE: readonly string[] = [];
/** No encapsulation has this id: the packet is the kernel's. */
const KERNEL_ENCAP = 0;

const devices = ({ device, external }: BpfMember): readonly string[] => {
  const name = device ?? external;
  return name === undefined ? NONE : [name];
};
const inScope = ({ tenant }: BpfMember, { tables }: Scope): boolean => tables.has(tenantTable(tenant));

/** Bits below the place in the id of TARGET_STEERED: STEERED_PLACE of bpf/abi/types.h. */
export const PLACE_SHIFT = 16;

/** EXTERNAL_FRAMES of bpf/abi/types.h. */
const EXTERNAL_FRAMES = 0x80000000;

/** What drivers can, by interface, as of the listing or application that runs; asked for when a member is external. */
const features = new WeakMap<Kernel, Map<number, number>>();

function begin(kernel: Kernel): void {
  ensureIds(kernel);
  features.delete(kernel);
}

function isSentFrames(kernel: Kernel, ifindex: number): boolean {
  let known = features.get(kernel);
  if (known === undefined) features.set(kernel, (known = xdpFeatures(kernel.generic)));
  return takesFrames(known, ifindex);
}

function describe(what: string, key: string, member: BpfMember): string {
  const { tenant, device, encap, external, gateway, steered, place, absent } = member;
  const to = key.slice(addressStart(key));
  if (absent) return `fast path ${what} ${to} tenant ${tenant} absent`;
  if (steered !== undefined) {
    return `fast path ${what} ${to} tenant ${tenant} by gateway ${steered}${place === undefined ? '' : ` place ${place}`}`;
  }
  if (external !== undefined) return `fast path ${what} ${to} zone ${tenant} external dev ${external}`;
  const elsewhere = encap === undefined ? 'by the kernel' : `encap ${encap}`;
  const where = gateway ? 'gateway' : device === undefined ? elsewhere : `dev ${device}`;
  return `fast path ${what} ${to} tenant ${tenant} ${where}`;
}

function readTarget(kernel: Kernel, values: Buffer, at: number): Omit<BpfMember, 'tenant'> {
  const id = values.readUInt32LE(at + Target.OFFSETS.id);
  const kind = values.readUInt32LE(at + Target.OFFSETS.kind);
  if (kind === TargetKind.TARGET_LOCAL) return { device: kernel.links.nameOf(id) };
  if (kind === TargetKind.TARGET_EXTERNAL) {
    const index = id & ~EXTERNAL_FRAMES;
    const frames = id !== index;
    return {
      external: kernel.links.nameOf(index),
      ...(frames !== isSentFrames(kernel, index) && { stale: frames ? 'xdp' : 'no xdp' }),
    };
  }
  if (kind === TargetKind.TARGET_REMOTE && id === KERNEL_ENCAP) return {};
  if (kind === TargetKind.TARGET_REMOTE) return { encap: kernel.fastpath.encapIds.keyOf(id) ?? `id ${id}` };
  if (kind === TargetKind.TARGET_GATEWAY) return { gateway: true };
  if (kind === TargetKind.TARGET_ABSENT) return { absent: true };
  if (kind === TargetKind.TARGET_STEERED) {
    const place = id >>> PLACE_SHIFT;
    return { steered: id & ((1 << PLACE_SHIFT) - 1), ...(place > 0 && { place: place - 1 }) };
  }
  return { encap: `kind ${kind} id ${id}` };
}

function writeTarget(kernel: Kernel, key: string, to: BpfMember, into: Buffer, at: number): void {
  const { encap } = to;
  // What nearly all are, without a pair for each.
  const id = encap === undefined ? undefined : kernel.fastpath.encapIds.get(encap);
  if (id !== undefined) {
    into.writeUInt32LE(TargetKind.TARGET_REMOTE, at + Target.OFFSETS.kind);
    into.writeUInt32LE(id, at + Target.OFFSETS.id);
    return;
  }
  const [kind, number] = targetOf(kernel, key, to);
  into.writeUInt32LE(kind, at + Target.OFFSETS.kind);
  into.writeUInt32LE(number, at + Target.OFFSETS.id);
}

function targetOf(kernel: Kernel, key: string, member: BpfMember): [number, number] {
  const { device, encap, external, gateway, steered, place, absent } = member;
  if (absent) return [TargetKind.TARGET_ABSENT, 0];
  if (steered !== undefined) {
    return [TargetKind.TARGET_STEERED, steered | ((place === undefined ? 0 : place + 1) << PLACE_SHIFT)];
  }
  if (gateway) return [TargetKind.TARGET_GATEWAY, 0];
  if (device !== undefined) return [TargetKind.TARGET_LOCAL, indexOfPresent(kernel, device)];
  if (external !== undefined) {
    const index = indexOfPresent(kernel, external);
    return [TargetKind.TARGET_EXTERNAL, (isSentFrames(kernel, index) ? index | EXTERNAL_FRAMES : index) >>> 0];
  }
  if (encap === undefined) return [TargetKind.TARGET_REMOTE, KERNEL_ENCAP];
  throw new Error(`${key}: the encapsulation to ${encap} does not exist`);
}

/** Addresses: exact match. */
export const bpfMemberResource = entryResource<'bpf-member'>({
  name: 'bpf-member',
  after: ['bpf-source-prefix'],
  follows: MEMBER_FOLLOWS,
  map: ({ members }) => members,
  large: true,
  devices,
  inScope,
  beforeList: begin,
  beforeApply: begin,
  read(kernel, { keys, keyAt, values, valueAt }) {
    const tenant = keys.readUInt32LE(keyAt + MemberKey.OFFSETS.tenant);
    const family = keys.readUInt32LE(keyAt + MemberKey.OFFSETS.family);
    const to = getAddress(keys, keyAt + MemberKey.OFFSETS.address, family);
    return [memberKey(tenant, to), { tenant, ...readTarget(kernel, values, valueAt) }];
  },
  writeKey(_kernel, key, { tenant }, into, at) {
    into.writeUInt32LE(tenant, at + MemberKey.OFFSETS.tenant);
    const family = putAddress(key, into, at + MemberKey.OFFSETS.address, addressStart(key));
    into.writeUInt32LE(family, at + MemberKey.OFFSETS.family);
    return true;
  },
  writeValue: (kernel, key, value, into, at) => {
    writeTarget(kernel, key, value, into, at);
  },
  describe: (key, value) => describe('member', key, value),
});

/** Prefixes: the longest that holds an address. */
export const bpfPrefixResource = entryResource<'bpf-prefix'>({
  name: 'bpf-prefix',
  after: ['bpf-member'],
  follows: MEMBER_FOLLOWS,
  map: ({ prefixes }) => prefixes,
  large: true,
  devices,
  inScope,
  beforeList: begin,
  beforeApply: begin,
  read(kernel, { keys, keyAt, values, valueAt }) {
    const tenant = keys.readUInt32LE(keyAt + PrefixKey.OFFSETS.tenant);
    const family = keys.readUInt32LE(keyAt + PrefixKey.OFFSETS.family);
    const length = keys.readUInt32LE(keyAt + PrefixKey.OFFSETS.length) - KEY_BITS;
    const to = `${getAddress(keys, keyAt + PrefixKey.OFFSETS.address, family)}/${length}`;
    return [memberKey(tenant, to), { tenant, ...readTarget(kernel, values, valueAt) }];
  },
  writeKey(_kernel, key, { tenant }, into, at) {
    into.writeUInt32LE(tenant, at + PrefixKey.OFFSETS.tenant);
    into.writeUInt32LE(familyNumber(key), at + PrefixKey.OFFSETS.family);
    const length = putPrefix(key, into, at + PrefixKey.OFFSETS.address, addressStart(key));
    into.writeUInt32LE(KEY_BITS + length, at + PrefixKey.OFFSETS.length);
    return true;
  },
  writeValue: (kernel, key, value, into, at) => {
    writeTarget(kernel, key, value, into, at);
  },
  describe: (key, value) => describe('prefix', key, value),
});
