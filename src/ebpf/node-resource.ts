import { concernsLink } from '../reconcile/follows.js';
import type { Follows } from '../reconcile/follows.js';
import { formatIPv6, formatMac, writeMac } from 'netlink-ts/inet';
import { maskOf, putAddress, putPrefix } from './bytes.js';
import { unmanageNeighbours } from './managed-neighbours.js';
import { nextCacheGeneration } from './epoch.js';
import { Node, Uplink } from './generated/layouts.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource, ObjectFailure } from '../reconcile/resource.js';

/** Of an uplink: its address is what frames are taken for. */
const ON_UPLINK: Follows = {
  link: (link, context) =>
    concernsLink(link, context) && context.isUplink(link.name) && context.plan['bpf-node'].size > 0,
};

const KEY = Buffer.alloc(4);

/** Bits of a mask, which has its ones first. */
function lengthOf(mask: Buffer, at: number): number {
  let length = 0;
  while (length < 128 && ((mask[at + (length >> 3)] ?? 0) & (0x80 >> (length & 7))) !== 0) length++;
  return length;
}

/** MAX_UPLINKS of bpf/abi/limits.h: XDP passes on what arrives by further ones, and tcx takes it. */
const MAX_UPLINKS = (Node.SIZE - Node.OFFSETS.uplinks) / Uplink.SIZE;

/** Writes the interfaces that are there into zeros: frames are taken for these addresses. */
function writeUplinks({ links }: Kernel, uplinks: readonly string[], into: Buffer, at: number): void {
  const found = uplinks.flatMap((name) => {
    const link = links.get(name);
    return link?.mac === undefined ? [] : [{ index: link.index, mac: link.mac }];
  });
  for (const [place, { index, mac }] of found.slice(0, MAX_UPLINKS).entries()) {
    const uplink = at + place * Uplink.SIZE;
    into.writeUInt32LE(index, uplink + Uplink.OFFSETS.ifindex);
    writeMac(mac, into, uplink + Uplink.OFFSETS.mac);
  }
}

function uplinksText({ links }: Kernel, value: Buffer): string {
  const places = Array.from({ length: MAX_UPLINKS }, (_, place) => Node.OFFSETS.uplinks + place * Uplink.SIZE);
  return places
    .map((at) => ({ index: value.readUInt32LE(at + Uplink.OFFSETS.ifindex), mac: at + Uplink.OFFSETS.mac }))
    .filter(({ index }) => index !== 0)
    .map(({ index, mac }) => `${links.nameOf(index)} lladdr ${formatMac(value, mac)}`)
    .join(', ');
}

/** The node's own entry. It is made first and goes last, and with it all that is pinned. */
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
    writeUplinks(kernel, uplinks, expected, Node.OFFSETS.uplinks);
    const isSame = expected.subarray(Node.OFFSETS.uplinks).equals(value.subarray(Node.OFFSETS.uplinks));
    const sidBlock = `${formatIPv6(value, Node.OFFSETS.sidBlock)}/${lengthOf(value, Node.OFFSETS.sidMask)}`;
    const hasTrusted = value.readUInt32LE(Node.OFFSETS.hasTrusted) !== 0 && { hasTrusted: true as const };
    const node = { source: formatIPv6(value, Node.OFFSETS.source), sidBlock, uplinks, ...hasTrusted };
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
        putAddress(desired.source, value, Node.OFFSETS.source);
        maskOf(putPrefix(desired.sidBlock, value, Node.OFFSETS.sidBlock)).copy(value, Node.OFFSETS.sidMask);
        value.writeUInt32LE(desired.hasTrusted === true ? 1 : 0, Node.OFFSETS.hasTrusted);
        writeUplinks(kernel, desired.uplinks, value, Node.OFFSETS.uplinks);
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
