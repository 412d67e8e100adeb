/** Runs the program of a port on a synthetic packet (BPF_PROG_TEST_RUN); returns the verdict and the resulting frame. */
import { isComplete, MAP_NAMES, mapOf } from '../../ebpf/maps.js';
import { FUNCTIONS } from '../../ebpf/programs.js';
import { TraceSession } from '../../ebpf/trace-session.js';
import { type AffinityMaps, putFlowAffinity } from '../../gateway/flow-affinity.js';
import { frameBytes, buildFrame } from './synthetic-packet.js';
import type { BpfMap } from 'libbpf-ts';
import type { Kernel } from '../../kernel/kernel.js';
import type { ProgramUse } from '../../ebpf/programs.js';
import type { KnownFlow } from './known-flow.js';
import type { SyntheticPacket } from './synthetic-packet.js';
import type { TraceEvent } from '../../ebpf/trace-session.js';

/** Only headers are needed, and no payload. */
const SNAP_BYTES = 512;
const RING_BYTES = 65_536;

/** Size of struct __sk_buff (linux/bpf.h), and offset of the interface. */
const SKB = { bytes: 192, ifindex: 40 } as const;

/**
 * Runs the program of a port, loaded again with copies of the maps that it writes, so that nothing is counted.
 *
 * @param use use for which the attached program was loaded
 * @param flow the kept network node of the packet's flow, which the run must know
 * @returns undefined without a fast path, or without an entry of the port
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
  const object = kernel.fastpath.loadForTestRun('port_tc', use, { trace_frame_len: frameBytes(packet) });
  if (object === undefined) return undefined;
  const found: TraceEvent[] = [];
  try {
    if (use.gateways === true && flow !== undefined) {
      const map = (name: keyof AffinityMaps): BpfMap => object.map(name);
      const maps = {
        sg_gw_seeds: map('sg_gw_seeds'),
        sg_gw_affinity: map('sg_gw_affinity'),
        sg_gw_flow_keys: map('sg_gw_flow_keys'),
      };
      putFlowAffinity(maps, flow.key, flow);
    }
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
