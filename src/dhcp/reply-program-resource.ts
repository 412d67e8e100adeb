/** The programs to which ports' programs pass requests: entries of sg_replies. */
import { ReplyProgram as Slot } from '../ebpf/generated/layouts.js';
import { SWEEP_ONLY } from '../reconcile/follows.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ObjectFailure, ObservedObject, Resource } from '../reconcile/resource.js';
import type { ReplyProgram } from './objects.js';

const SLOTS: Readonly<Record<ReplyProgram['program'], number>> = {
  dhcp4_tc: Slot.REPLY_DHCP4,
  dhcp6_tc: Slot.REPLY_DHCP6,
  service_tc: Slot.REPLY_SERVICE,
};

function slotKey(program: ReplyProgram['program']): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(SLOTS[program]);
  return key;
}

/** Id of the program in a slot; undefined if it is empty. */
function programIn({ fastpath }: Kernel, program: ReplyProgram['program']): number | undefined {
  return fastpath.maps?.sg_replies.lookup(slotKey(program))?.readUInt32LE(0);
}

export const replyProgramResource: Resource<'reply-program'> = {
  name: 'reply-program',
  after: ['bpf-node', 'bpf-dhcp4', 'bpf-boot', 'bpf-dhcp6', 'bpf-ra'],
  before: ['bpf-program'],
  follows: SWEEP_ONLY,
  containedIn: 'bpf-node',

  list(kernel, wanted) {
    const found = new Map<string, ObservedObject<ReplyProgram>>();
    for (const program of Object.keys(SLOTS) as ReplyProgram['program'][]) {
      const id = programIn(kernel, program);
      if (id === undefined) continue;
      const desired = wanted.get(program);
      const expected = desired && kernel.fastpath.program(program, desired)?.info().id;
      found.set(program, id === expected && desired !== undefined ? desired : { program, drift: `program id ${id}` });
    }
    return found;
  },

  apply(kernel, changes) {
    const failures: ObjectFailure[] = [];
    for (const { key, desired, actual } of changes) {
      try {
        if (desired !== undefined) {
          const program = kernel.fastpath.makeProgram(desired.program, desired);
          kernel.fastpath.makeMaps().sg_replies.updateHandle(slotKey(desired.program), program);
        } else if (actual !== undefined) {
          kernel.fastpath.maps?.sg_replies.delete(slotKey(actual.program));
        }
      } catch (error) {
        failures.push({ key, error: error as Error });
      }
    }
    return failures;
  },

  describe: (_key, { program }) => `fast path program ${program} for requests of ports`,
};
