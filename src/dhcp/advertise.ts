/**
 * Unsolicited router advertisements. A VM that knows a router does not solicit again, and its route expires with the router lifetime (18 h). The
 * program that answers solicitations sends them in test runs: a packet socket would need CAP_NET_RAW, which the agent does not have.
 */
import { setImmediate } from 'node:timers/promises';
import { BpfProgram, isLibbpfError } from 'libbpf-ts';
import { Mark, ReplyProgram } from '../ebpf/generated/layouts.js';
import type { Kernel } from '../kernel/kernel.js';

/** 10 minutes, the default of MaxRtrAdvInterval (RFC 4861 section 6.2.1). */
const EVERY_MS = 600_000;
/** Size of struct __sk_buff (linux/bpf.h), and offsets of mark and interface. */
const SKB = { bytes: 192, mark: 8, ifindex: 40 } as const;
/** A test run requires an Ethernet header with some data; the program overwrites all of it. */
const FRAME_BYTES = 64;
const IPV6 = 0x86dd;
/** Each takes about 50 µs. */
const PORTS_A_TURN = 64;

/** Sends each port its advertisement, a few in each turn of the event loop. @throws LibbpfError */
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
      // The entry of a deleted interface is removed soon.
      if (!isLibbpfError(error, 'ENODEV')) throw error;
    }
  }
}

export const advertiseRoutine = { everyMs: EVERY_MS, run: advertise };
