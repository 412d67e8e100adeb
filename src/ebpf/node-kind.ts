import { formatIPv6 } from '../net/address.js';
import { maskOf, putAddress, putPrefix } from './bytes.js';
import { releaseGateways } from './gateways.js';
import { newEpoch } from './epoch.js';
import { Node } from './generated/layouts.js';
import type { Kind, ObjectFailure } from '../reconcile/kind.js';

const KEY = Buffer.alloc(4);

/** Bits of a mask, which has its ones first. */
function lengthOf(mask: Buffer, at: number): number {
  let length = 0;
  while (length < 128 && ((mask[at + (length >> 3)] ?? 0) & (0x80 >> (length & 7))) !== 0) length++;
  return length;
}

/** The node's own entry. It is made first and goes last, and with it all that is pinned. */
export const bpfNodeKind: Kind<'bpf-node'> = {
  name: 'bpf-node',

  list(kernel) {
    const value = kernel.fastpath.maps?.nodes.lookup(KEY);
    if (value === undefined) return new Map(kernel.fastpath.isPinned ? [['node', { source: '', sidBlock: '' }]] : []);
    const sidBlock = `${formatIPv6(value, Node.OFFSETS.sidBlock)}/${lengthOf(value, Node.OFFSETS.sidMask)}`;
    return new Map([['node', { source: formatIPv6(value, Node.OFFSETS.source), sidBlock }]]);
  },

  apply(kernel, changes) {
    const failures: ObjectFailure[] = [];
    for (const { key, desired } of changes) {
      try {
        if (desired === undefined) {
          releaseGateways(kernel);
          kernel.fastpath.remove();
          continue;
        }
        const value = Buffer.alloc(Node.SIZE);
        putAddress(desired.source, value, Node.OFFSETS.source);
        maskOf(putPrefix(desired.sidBlock, value, Node.OFFSETS.sidBlock)).copy(value, Node.OFFSETS.sidMask);
        const { nodes, epochs } = kernel.fastpath.makeMaps();
        nodes.update(KEY, value);
        newEpoch(epochs);
      } catch (error) {
        failures.push({ key, error: error as Error });
      }
    }
    return failures;
  },

  describe: (_key, { source, sidBlock }) => `fast path node source ${source} block ${sidBlock}`,
};
