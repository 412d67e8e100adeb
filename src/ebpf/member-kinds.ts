/** Where a tenant's addresses and prefixes are. */
import { tenantTable } from '../plan/numbers.js';
import { familyNumber, getAddress, indexOfPresent, putAddress, putPrefix } from './bytes.js';
import { entryKind } from './entry-kind.js';
import { MemberKey, PrefixKey, Target, TargetKind } from './generated/layouts.js';
import { ensureIds } from './ids.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Scope } from '../reconcile/kind.js';
import type { BpfMember } from './objects.js';

/** Bits before a prefix's own in a key: tenant and family. */
const KEY_BITS = 64;
const NONE: readonly string[] = [];
/** No encapsulation has this id: the packet is the kernel's. */
const KERNEL_ENCAP = 0;

const devices = ({ device }: BpfMember): readonly string[] => (device === undefined ? NONE : [device]);
const inScope = ({ tenant }: BpfMember, { tables }: Scope): boolean => tables.has(tenantTable(tenant));

function describe(what: string, { tenant, to, device, encap, gateway }: BpfMember): string {
  const elsewhere = encap === undefined ? 'by the kernel' : `encap ${encap}`;
  const where = gateway ? 'gateway' : device === undefined ? elsewhere : `dev ${device}`;
  return `fast path ${what} ${to} tenant ${tenant} ${where}`;
}

function readTarget(kernel: Kernel, values: Buffer, at: number): Pick<BpfMember, 'device' | 'encap' | 'gateway'> {
  const id = values.readUInt32LE(at + Target.OFFSETS.id);
  const kind = values.readUInt32LE(at + Target.OFFSETS.kind);
  if (kind === TargetKind.TARGET_LOCAL) return { device: kernel.links.nameOf(id) };
  if (kind === TargetKind.TARGET_REMOTE && id === KERNEL_ENCAP) return {};
  if (kind === TargetKind.TARGET_REMOTE) return { encap: kernel.fastpath.encapIds.keyOf(id) ?? `id ${id}` };
  if (kind === TargetKind.TARGET_GATEWAY) return { gateway: true };
  return { encap: `kind ${kind} id ${id}` };
}

/** The kind of a target, and its id. @throws Error where what it names does not exist */
function targetOf(kernel: Kernel, { device, encap, to, gateway }: BpfMember): [kind: number, id: number] {
  if (gateway) return [TargetKind.TARGET_GATEWAY, 0];
  if (device !== undefined) return [TargetKind.TARGET_LOCAL, indexOfPresent(kernel, device)];
  if (encap === undefined) return [TargetKind.TARGET_REMOTE, KERNEL_ENCAP];
  const id = kernel.fastpath.encapIds.get(encap);
  if (id === undefined) throw new Error(`${to}: the encapsulation to ${encap} does not exist`);
  return [TargetKind.TARGET_REMOTE, id];
}

function writeTarget(kernel: Kernel, value: BpfMember, into: Buffer, at: number): void {
  const [kind, id] = targetOf(kernel, value);
  into.writeUInt32LE(kind, at + Target.OFFSETS.kind);
  into.writeUInt32LE(id, at + Target.OFFSETS.id);
}

/** Addresses: exact match. */
export const bpfMemberKind = entryKind<'bpf-member'>({
  name: 'bpf-member',
  map: ({ members }) => members,
  large: (keys, at, { tables }) => tables.has(tenantTable(keys.readUInt32LE(at + MemberKey.OFFSETS.tenant))),
  devices,
  inScope,
  beforeList: ensureIds,
  beforeApply: ensureIds,
  read(kernel, { keys, keyAt, values, valueAt }, _wanted, scope) {
    const tenant = keys.readUInt32LE(keyAt + MemberKey.OFFSETS.tenant);
    if (scope !== undefined && !scope.tables.has(tenantTable(tenant))) return undefined;
    const family = keys.readUInt32LE(keyAt + MemberKey.OFFSETS.family);
    const to = getAddress(keys, keyAt + MemberKey.OFFSETS.address, family);
    return [`${tenant} ${to}`, { tenant, to, ...readTarget(kernel, values, valueAt) }];
  },
  writeKey(_kernel, _key, { tenant, to }, into, at) {
    into.writeUInt32LE(tenant, at + MemberKey.OFFSETS.tenant);
    into.writeUInt32LE(familyNumber(to), at + MemberKey.OFFSETS.family);
    putAddress(to, into, at + MemberKey.OFFSETS.address);
    return true;
  },
  writeValue: (kernel, _key, value, into, at) => {
    writeTarget(kernel, value, into, at);
  },
  describe: (_key, value) => describe('member', value),
});

/** Prefixes: the longest that holds an address. */
export const bpfPrefixKind = entryKind<'bpf-prefix'>({
  name: 'bpf-prefix',
  map: ({ prefixes }) => prefixes,
  large: (keys, at, { tables }) => tables.has(tenantTable(keys.readUInt32LE(at + PrefixKey.OFFSETS.tenant))),
  devices,
  inScope,
  beforeList: ensureIds,
  beforeApply: ensureIds,
  read(kernel, { keys, keyAt, values, valueAt }, _wanted, scope) {
    const tenant = keys.readUInt32LE(keyAt + PrefixKey.OFFSETS.tenant);
    if (scope !== undefined && !scope.tables.has(tenantTable(tenant))) return undefined;
    const family = keys.readUInt32LE(keyAt + PrefixKey.OFFSETS.family);
    const length = keys.readUInt32LE(keyAt + PrefixKey.OFFSETS.length) - KEY_BITS;
    const to = `${getAddress(keys, keyAt + PrefixKey.OFFSETS.address, family)}/${length}`;
    return [`${tenant} ${to}`, { tenant, to, ...readTarget(kernel, values, valueAt) }];
  },
  writeKey(_kernel, _key, { tenant, to }, into, at) {
    into.writeUInt32LE(tenant, at + PrefixKey.OFFSETS.tenant);
    into.writeUInt32LE(familyNumber(to), at + PrefixKey.OFFSETS.family);
    const length = putPrefix(to, into, at + PrefixKey.OFFSETS.address);
    into.writeUInt32LE(KEY_BITS + length, at + PrefixKey.OFFSETS.length);
    return true;
  },
  writeValue: (kernel, _key, value, into, at) => {
    writeTarget(kernel, value, into, at);
  },
  describe: (_key, value) => describe('prefix', value),
});
