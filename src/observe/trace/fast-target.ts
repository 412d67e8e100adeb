/** Looks up an address in the fast path's maps: the entry, and its next hops. */
import { familyNumber, putAddress } from '../../ebpf/bytes.js';
import { Encap, EndpointKey, PrefixKey, Endpoint, EndpointType, Limits } from '../../ebpf/generated/layouts.js';
import { ensureIds } from '../../ebpf/ids.js';
import { hopsOf } from '../../ebpf/underlay-resource.js';
import { familyOf, hostPrefix } from 'netlink-ts/inet';
import { longestPrefix } from './longest-prefix.js';
import type { ShowContext } from '../inspect/context.js';
import type { ResolvedHop } from '../../ebpf/resolve.js';

export interface FoundTarget {
  /** Prefix of the entry, if the plan contains it. */
  prefix: string | undefined;
  /** Underlay next hops; empty for a port of this node, and for destinations behind network nodes. */
  hops: ResolvedHop[];
  /** Set if the address is the tenant's gateway, which every node serves. */
  gateway?: true;
  /** Number of the gateway whose network nodes forward. */
  steered?: number;
  /** With `steered`: all flows use one network node, by a fixed slot of the gateway's table. */
  hasFixedSlot?: true;
}

/** Bits that precede the prefix in a key: tenant and family. */
const KEY_BITS = 64;

export function findTarget(context: ShowContext, tenant: number, to: string): FoundTarget | undefined {
  const { maps } = context.kernel.fastpath;
  if (maps === undefined) return undefined;
  const member = Buffer.alloc(EndpointKey.SIZE);
  member.writeUInt32LE(tenant, EndpointKey.OFFSETS.tenant);
  member.writeUInt32LE(familyNumber(to), EndpointKey.OFFSETS.family);
  putAddress(to, member, EndpointKey.OFFSETS.address);
  const exact = maps.sg_endpoints.lookup(member);
  if (exact !== undefined) return { prefix: hostPrefix(to), ...read(context, exact) };
  const key = Buffer.alloc(PrefixKey.SIZE);
  key.writeUInt32LE(KEY_BITS + (familyOf(to) === 4 ? 32 : 128), PrefixKey.OFFSETS.length);
  key.writeUInt32LE(tenant, PrefixKey.OFFSETS.tenant);
  key.writeUInt32LE(familyNumber(to), PrefixKey.OFFSETS.family);
  putAddress(to, key, PrefixKey.OFFSETS.address);
  const found = maps.sg_endpoint_lpm.lookup(key);
  if (found === undefined) return undefined;
  // Keys of the plan consist of tenant and prefix.
  const planned = [...(context.plan()?.['bpf-prefix'].keys() ?? [])]
    .map((planKey) => planKey.split(' '))
    .filter(([number]) => number === String(tenant))
    .map(([, prefix = '']) => ({ prefix, metric: 0 }));
  return { prefix: longestPrefix(planned, to)?.prefix, ...read(context, found) };
}

function read(context: ShowContext, target: Buffer): Omit<FoundTarget, 'prefix'> {
  const { type, id } = Endpoint.decode(target, 0);
  if (type === EndpointType.EP_VIA_GATEWAY) {
    const slot = id >>> Limits.GW_FIXED_SLOT_SHIFT;
    return { hops: [], steered: id & ((1 << Limits.GW_FIXED_SLOT_SHIFT) - 1), ...(slot > 0 && { hasFixedSlot: true }) };
  }
  if (type === EndpointType.EP_GATEWAY) return { hops: [], gateway: true };
  return { hops: type === EndpointType.EP_REMOTE ? hopsOfEncap(context, id) : [] };
}

/** Next hops of the encapsulation to a tenant's SID. */
export function hopsTo(context: ShowContext, sid: string): ResolvedHop[] {
  ensureIds(context.kernel);
  const id = context.kernel.fastpath.encapIds.get(sid);
  return id === undefined ? [] : hopsOfEncap(context, id);
}

function hopsOfEncap({ kernel }: ShowContext, id: number): ResolvedHop[] {
  const { maps } = kernel.fastpath;
  const key = Buffer.alloc(4);
  key.writeUInt32LE(id);
  const encap = maps?.sg_encaps.lookup(key);
  if (encap === undefined) return [];
  const underlay = encap.subarray(Encap.OFFSETS.nexthopGroup, Encap.OFFSETS.nexthopGroup + 4);
  const value = maps?.sg_nh_groups.lookup(underlay);
  return value === undefined ? [] : hopsOf(value, 0);
}
