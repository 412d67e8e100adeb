/** Frames for bpf/bench/nn_uplink_xdp.bpf.c: datagrams between two tenants as a hypervisor sends them to a network node. */
import { address } from '../lib/map-filler.js';
import type { BpfObject } from 'libbpf-ts';

/** FRAMES of bpf/bench/nn_uplink_xdp.bpf.c. */
export const FRAME_COUNT = 4096;
const FRAME_BYTES = 128;
/** Offsets: Ethernet, outer IPv6, inner IPv4, UDP. */
const OUTER = 14;
const INNER = OUTER + 40;
const UDP = INNER + 20;

export type Direction = 'ask' | 'answer';

export interface Flow {
  /** Inner addresses and ports, as who opens it sends it. */
  from: string;
  to: string;
  sourcePort: number;
  destinationPort: number;
  outerSource: string;
  /** The network node's SID of the tenant that sends in this direction. */
  sid: (direction: Direction) => string;
}

/** One frame; without a flow an empty one of the same length. */
export function steerFrame(flow?: Flow, direction: Direction = 'ask'): Buffer {
  const bytes = Buffer.alloc(FRAME_BYTES);
  if (flow === undefined) return bytes;
  const asks = direction === 'ask';
  bytes.writeUInt16BE(0x86dd, 12);
  bytes.writeUInt32BE(0x60000001, OUTER);
  bytes.writeUInt16BE(FRAME_BYTES - INNER, OUTER + 4);
  bytes.writeUInt8(4, OUTER + 6);
  bytes.writeUInt8(64, OUTER + 7);
  address(flow.outerSource).copy(bytes, OUTER + 8);
  address(flow.sid(direction)).copy(bytes, OUTER + 24);
  bytes.writeUInt8(0x45, INNER);
  bytes.writeUInt16BE(FRAME_BYTES - INNER, INNER + 2);
  bytes.writeUInt8(64, INNER + 8);
  bytes.writeUInt8(17, INNER + 9);
  address(asks ? flow.from : flow.to).copy(bytes, INNER + 12, 0, 4);
  address(asks ? flow.to : flow.from).copy(bytes, INNER + 16, 0, 4);
  bytes.writeUInt16BE(asks ? flow.sourcePort : flow.destinationPort, UDP);
  bytes.writeUInt16BE(asks ? flow.destinationPort : flow.sourcePort, UDP + 2);
  bytes.writeUInt16BE(FRAME_BYTES - UDP, UDP + 4);
  return bytes;
}

/** Fills the frames that the programs take in turn; flows come again until all are full. */
export function writeFrames(object: BpfObject, flows: readonly Flow[], direction: Direction): void {
  const map = object.map('frames');
  const keys = Buffer.alloc(FRAME_COUNT * map.keySize);
  const values = Buffer.alloc(FRAME_COUNT * map.valueSize);
  const frames = flows.map((flow) => steerFrame(flow, direction));
  for (let index = 0; index < FRAME_COUNT; index++) {
    keys.writeUInt32LE(index, index * map.keySize);
    frames[index % frames.length]?.copy(values, index * map.valueSize);
  }
  map.updateBatch(keys, values);
}
