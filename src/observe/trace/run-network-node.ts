/** Runs the program of a network node's uplink on a synthetic packet (BPF_PROG_TEST_RUN), as if a hypervisor had sent it. */
import { Mark } from '../../ebpf/generated/layouts.js';
import { FUNCTIONS } from '../../ebpf/programs.js';
import { TraceSession } from '../../ebpf/trace-session.js';
import { mapOf } from '../../ebpf/maps.js';
import { copyConnections } from '../../gateway/connection-table.js';
import { writeAddress, writeMac } from 'netlink-ts/inet';
import { buildFrame } from './synthetic-packet.js';
import type { Connection } from '../../ebpf/generated/steering.js';
import type { ProgramUse } from '../../ebpf/programs.js';
import type { TraceEvent } from '../../ebpf/trace-session.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { SyntheticPacket } from './synthetic-packet.js';

const SNAP_BYTES = 512;
const RING_BYTES = 65_536;
/** Size of struct __sk_buff (linux/bpf.h), and offsets of its fields. */
const SKB = { bytes: 192, mark: 8, ifindex: 40 } as const;
const ETHERNET_BYTES = 14;
const OUTER_BYTES = 40;
const OUTER_HOP_LIMIT = 64;
const IPV6_ETHERTYPE = 0x86dd;
const PROTOCOLS = { 4: 4, 6: 41 } as const;
const MAC_BYTES = 6;
const PROGRAM = 'nn_uplink_tc';

/** Largest inner packet in bytes; a test run allows a page without its own overhead (bpf_test_init, net/bpf/test_run.c). */
const MAX_RUN_BYTES = 3000;

export interface ArrivingPacket {
  packet: SyntheticPacket;
  /** The gateway's SID for the tenant. */
  sid: string;
  /** Outer source: that of the sender's hypervisor. */
  source: string;
  /** Whether the source is this node's own. */
  own: boolean;
  /** The interface on which it arrives, with its MAC address. */
  uplink: { index: number; mac: string };
}

/** Result of a packet, with its connection. */
export interface NetworkNodeRun {
  seen: TraceEvent | undefined;
  /** The packet's connection before the run, and whether this side opened it. */
  known: { connection: Connection; openedHere: boolean } | undefined;
}

/**
 * Runs the program of a network node's uplink. Nothing is counted or reported, and no connection changes. The run gets a copy of the packet's own
 * connection.
 *
 * @param zones numbers of the sender's zone, and of the destination's, if there is one
 * @param keys the flow in the sender's direction, and in that of replies
 * @returns undefined if the node is no network node
 * @throws LibbpfError
 */
export function runNetworkNode(
  kernel: Kernel,
  use: ProgramUse,
  arriving: ArrivingPacket,
  zones: { from: number; to?: number },
  keys: { flow: Buffer; answer: Buffer },
): NetworkNodeRun | undefined {
  const object = kernel.fastpath.loadNetworkNodeForTestRun(PROGRAM, use);
  const live = kernel.fastpath.steering.maps;
  if (object === undefined || live === undefined) return undefined;
  const found: TraceEvent[] = [];
  let known: NetworkNodeRun['known'];
  try {
    const wanted = [
      { zone: zones.from, key: keys.flow },
      ...(zones.to === undefined ? [] : [{ zone: zones.to, key: keys.answer }]),
    ];
    const [copied] = copyConnections(live.sg_ct, object.map('sg_ct'), wanted).sort((a, b) => a.index - b.index);
    if (copied !== undefined) known = { connection: copied.connection, openedHere: copied.index === 0 };
    // Copied so that the run respects limits on new connections.
    for (const name of ['sg_ct_totals', 'sg_ct_pairs'] as const) {
      for (const [key, value] of live[name].entries()) object.map(name).update(key, value);
    }
    const maps = {
      sg_trace_on: mapOf(object, 'sg_trace_on'),
      sg_trace_sess: mapOf(object, 'sg_trace_sess'),
      sg_trace_rate: mapOf(object, 'sg_trace_rate'),
      sg_trace_rings: mapOf(object, 'sg_trace_rings'),
    };
    const watch = new TraceSession(maps, { snap: SNAP_BYTES, ringBytes: RING_BYTES }, (seen) => found.push(seen));
    try {
      const context = Buffer.alloc(SKB.bytes);
      context.writeUInt32LE(arriving.uplink.index, SKB.ifindex);
      // Marks the packet as sent by a port of this node.
      if (arriving.own) context.writeUInt32LE(Mark.MARK_LOOPBACK, SKB.mark);
      const where = kernel.netns === undefined ? {} : { netns: kernel.netns };
      object.program(FUNCTIONS[PROGRAM]).testRun({ data: arrivingFrame(arriving), context, ...where });
      watch.consume();
    } finally {
      watch.close();
    }
  } finally {
    object.close();
  }
  return { seen: found[0], known };
}

/** The frame on arrival: an outer header without an SRH, from the underlay's next hop. */
function arrivingFrame({ packet, sid, source, uplink }: ArrivingPacket): Buffer {
  const macs = { vm: uplink.mac, gateway: uplink.mac };
  const inner = buildFrame(packet, macs, MAX_RUN_BYTES).subarray(ETHERNET_BYTES);
  const frame = Buffer.alloc(ETHERNET_BYTES + OUTER_BYTES + inner.length);
  writeMac(uplink.mac, frame, 0);
  writeMac(uplink.mac, frame, MAC_BYTES);
  frame.writeUInt16BE(IPV6_ETHERTYPE, 2 * MAC_BYTES);
  const outer = frame.subarray(ETHERNET_BYTES);
  outer.writeUInt8(0x60, 0);
  outer.writeUInt16BE(inner.length, 4);
  outer.writeUInt8(PROTOCOLS[packet.to.includes(':') ? 6 : 4], 6);
  outer.writeUInt8(OUTER_HOP_LIMIT, 7);
  writeAddress(source, outer, 8);
  writeAddress(sid, outer, 24);
  inner.copy(outer, OUTER_BYTES);
  return frame;
}
