/** A made packet through the program of a port (BPF_PROG_TEST_RUN): what became of it, and the frame that would leave. */
import { isComplete, MAP_NAMES, mapOf } from '../../ebpf/maps.js';
import { FUNCTIONS } from '../../ebpf/programs.js';
import { TraceSession } from '../../ebpf/trace-session.js';
import { frameBytes, buildFrame } from './synthetic-packet.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { ProgramUse } from '../../ebpf/programs.js';
import type { KnownFlow } from './known-flow.js';
import type { SyntheticPacket } from './synthetic-packet.js';
import type { TraceEvent } from '../../ebpf/trace-session.js';

/** Headers are what is asked for; of the packet behind them nothing. */
const SNAP_BYTES = 512;
const RING_BYTES = 65_536;

/** struct __sk_buff (linux/bpf.h): its size, and where the interface is. */
const SKB = { bytes: 192, ifindex: 40 } as const;

/**
 * Runs the program of a port: the same object, loaded again with the maps that it writes replaced, so that nothing of it is counted.
 *
 * @param use what the program that is attached was loaded for
 * @param flow remembered of the packet's flow: it is to be known to the run, too
 * @returns undefined where there is no fast path, or the port is none of its
 * @throws LibbpfError
 */
export function runPort(
  kernel: Kernel,
  use: ProgramUse,
  ifindex: number,
  packet: SyntheticPacket,
  macs: { vm: string; gateway: string },
  flow: KnownFlow | undefined,
): TraceEvent | undefined {
  const object = kernel.fastpath.loadForTestRun('port_tc', use, { made_bytes: frameBytes(packet) });
  if (object === undefined) return undefined;
  const found: TraceEvent[] = [];
  try {
    if (use.gateways === true && flow !== undefined) object.map('flow_nodes').update(flow.key, flow.value);
    const maps = Object.fromEntries(MAP_NAMES.map((name) => [name, mapOf(object, name)]));
    if (!isComplete(maps)) throw new Error('fast path: a map is missing');
    const watch = new TraceSession(maps, { snap: SNAP_BYTES, ringBytes: RING_BYTES }, (seen) => found.push(seen));
    try {
      const context = Buffer.alloc(SKB.bytes);
      context.writeUInt32LE(ifindex, SKB.ifindex);
      const where = kernel.netns === undefined ? {} : { netns: kernel.netns };
      object.program(FUNCTIONS.port_tc).testRun({ data: buildFrame(packet, macs), context, ...where });
      watch.consume();
    } finally {
      watch.close();
    }
  } finally {
    object.close();
  }
  return found[0];
}
