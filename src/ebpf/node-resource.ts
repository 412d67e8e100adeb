import { concernsLink } from '../reconcile/follows.js';
import type { Follows } from '../reconcile/follows.js';
import { formatIPv6, formatMac } from 'netlink-ts/inet';
import { MAX_UPLINKS, writeNode, writeUplinks } from './encoders.js';
import { unmanageNeighbours } from './managed-neighbours.js';
import { nextCacheGeneration } from './epoch.js';
import { Node, Uplink } from './generated/layouts.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource, ObjectFailure } from '../reconcile/resource.js';

/** For an uplink: frames are accepted at its MAC address. */
const ON_UPLINK: Follows = {
  link: (link, context) =>
    concernsLink(link, context) && context.isUplink(link.name) && context.plan['bpf-node'].size > 0,
};

const KEY = Buffer.alloc(4);

/** Length of a mask with leading ones. */
function lengthOf(mask: Buffer, at: number): number {
  let length = 0;
  while (length < 128 && ((mask[at + (length >> 3)] ?? 0) & (0x80 >> (length & 7))) !== 0) length++;
  return length;
}

/** The existing uplinks, with the MAC addresses at which they accept frames. */
function presentUplinks({ links }: Kernel, uplinks: readonly string[]): { index: number; mac: string }[] {
  return uplinks.flatMap((name) => {
    const link = links.get(name);
    return link?.mac === undefined ? [] : [{ index: link.index, mac: link.mac }];
  });
}

function uplinksText({ links }: Kernel, value: Buffer): string {
  const places = Array.from({ length: MAX_UPLINKS }, (_, place) => Node.OFFSETS.uplinks + place * Uplink.SIZE);
  return places
    .map((at) => ({ index: value.readUInt32LE(at + Uplink.OFFSETS.ifindex), mac: at + Uplink.OFFSETS.mac }))
    .filter(({ index }) => index !== 0)
    .map(({ index, mac }) => `${links.nameOf(index)} lladdr ${formatMac(value, mac)}`)
    .join(', ');
}

const ADDRESS_BYTES = 16;
const SERVICE_PREFIX_BYTES = 4;

/** The prefix of the node's services in an entry. */
function servicePrefixIn(value: Buffer): { servicePrefix?: string } {
  if (value.readUInt32LE(Node.OFFSETS.servicePrefix) === 0) return {};
  const address = Buffer.alloc(ADDRESS_BYTES);
  value.copy(address, 0, Node.OFFSETS.servicePrefix, Node.OFFSETS.servicePrefix + SERVICE_PREFIX_BYTES);
  return { servicePrefix: `${formatIPv6(address, 0)}/32` };
}

/** The node's own entry, made first and removed last. With it all pins are removed. */
export const bpfNodeResource: Resource<'bpf-node'> = {
  name: 'bpf-node',
  after: ['route', 'tunsrc'],
  follows: ON_UPLINK,

  list(kernel, wanted) {
    const value = kernel.fastpath.maps?.sg_node.lookup(KEY);
    if (value === undefined) {
      return new Map(kernel.fastpath.isPinned ? [['node', { source: '', sidBlock: '', uplinks: [] }]] : []);
    }
    const uplinks = wanted.get('node')?.uplinks ?? [];
    const expected = Buffer.alloc(Node.SIZE);
    writeUplinks(presentUplinks(kernel, uplinks), expected, Node.OFFSETS.uplinks);
    const isSame = expected.subarray(Node.OFFSETS.uplinks).equals(value.subarray(Node.OFFSETS.uplinks));
    const sidBlock = `${formatIPv6(value, Node.OFFSETS.sidBlock)}/${lengthOf(value, Node.OFFSETS.sidMask)}`;
    const hasTrusted = value.readUInt32LE(Node.OFFSETS.hasTrusted) !== 0 && { hasTrusted: true as const };
    const services = servicePrefixIn(value);
    const node = { source: formatIPv6(value, Node.OFFSETS.source), sidBlock, uplinks, ...hasTrusted, ...services };
    return new Map([['node', isSame ? node : { ...node, drift: uplinksText(kernel, value) || 'no uplinks' }]]);
  },

  apply(kernel, changes) {
    const failures: ObjectFailure[] = [];
    for (const { key, desired } of changes) {
      try {
        if (desired === undefined) {
          unmanageNeighbours(kernel);
          kernel.fastpath.remove();
          continue;
        }
        const value = Buffer.alloc(Node.SIZE);
        writeNode({ ...desired, uplinks: presentUplinks(kernel, desired.uplinks) }, value, 0);
        const { sg_node, sg_cache_gen } = kernel.fastpath.makeMaps();
        sg_node.update(KEY, value);
        nextCacheGeneration(sg_cache_gen);
      } catch (error) {
        failures.push({ key, error: error as Error });
      }
    }
    return failures;
  },

  describe: (_key, { source, sidBlock }) => `fast path node source ${source} block ${sidBlock}`,
};
