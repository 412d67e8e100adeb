/**
 * Router advertisements that nobody asked for: who was told of a router once asks no more, and its route ends with the router's lifetime (18 h). The
 * program that answers solicitations sends them, in test runs: a packet socket would take CAP_NET_RAW, which the agent does not have.
 */
import { setImmediate } from 'node:timers/promises';
import { BpfProgram, isLibbpfError } from 'libbpf-ts';
import { Mark, ReplyProgram } from '../ebpf/generated/layouts.js';
import type { Kernel } from '../kernel/kernel.js';

/** RFC 4861 section 6.2.1: 10 minutes are the default of MaxRtrAdvInterval. */
const EVERY_MS = 600_000;
/** struct __sk_buff (linux/bpf.h): its size, and where mark and interface are. */
const SKB = { bytes: 192, mark: 8, ifindex: 40 } as const;
/** The least that a test run takes is an Ethernet header with something behind it; all of it is overwritten. */
const FRAME_BYTES = 64;
const IPV6 = 0x86dd;
/** Some 50 µs each. */
const PORTS_A_TURN = 64;

/** Sends each port its advertisement, a few a turn of the event loop. @throws LibbpfError */
async function advertise(kernel: Kernel): Promise<void> {
  const { maps } = kernel.fastpath;
  const slot = Buffer.alloc(4);
  slot.writeUInt32LE(ReplyProgram.REPLY_DHCP6);
  const id = maps?.sg_replies.lookup(slot)?.readUInt32LE(0);
  if (maps === undefined || id === undefined) return;
  const ports = [...maps.sg_ra.entries()].map(([key]) => key.readUInt32LE(0));
  if (ports.length === 0) return;
  using program = BpfProgram.openById(id);
  const where = kernel.netns === undefined ? {} : { netns: kernel.netns };
  for (const [done, ifindex] of ports.entries()) {
    if (done % PORTS_A_TURN === 0) await setImmediate();
    const context = Buffer.alloc(SKB.bytes);
    context.writeUInt32LE(Mark.MARK_ADVERTISE, SKB.mark);
    context.writeUInt32LE(ifindex, SKB.ifindex);
    const data = Buffer.alloc(FRAME_BYTES);
    data.writeUInt16BE(IPV6, 12);
    try {
      program.testRun({ data, context, ...where });
    } catch (error) {
      // Of an interface that is gone the entry goes soon.
      if (!isLibbpfError(error, 'ENODEV')) throw error;
    }
  }
}

export const advertiseRoutine = { everyMs: EVERY_MS, run: advertise };
