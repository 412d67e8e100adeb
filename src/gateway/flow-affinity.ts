/**
 * The network node of each of a hypervisor's flows (bpf/gateway/affinity.h). A cache line holds eight flows, identified by half of their hash; a
 * second map holds their keys.
 */
import { Limits } from '../ebpf/generated/layouts.js';
import { GATEWAY_MAPS } from '../ebpf/generated/maps.js';
import { GwEvicted, GwFlowAffinity, GwFlowKey, GwFlowLine } from '../ebpf/generated/steering.js';
import type { BpfMap } from 'libbpf-ts';

export type AffinityMaps = Readonly<Record<'sg_gw_affinity' | 'sg_gw_flow_keys' | 'sg_gw_seeds', BpfMap>>;

/** Flows for which a hypervisor keeps the network node. */
export const FLOW_NODES = GATEWAY_MAPS.sg_gw_flow_keys.entries;

const U32_BYTES = 4;
const U64_BYTES = 8;
const LINES = GATEWAY_MAPS.sg_gw_affinity.entries;
const LOW = 0xffff_ffffn;
const WORDS = Limits.HASH_SEEDS - 1;
/** Keys read by one system call: 0.2 MB. */
const AT_ONCE = 4096;

/** A flow in the buffer into which it was read; valid until the next one is read. */
export interface AffinityEntry {
  keys: Buffer;
  /** Offset of its struct gw_flow_key in bytes. */
  at: number;
  /** Number of its network node. */
  node: number;
  /** Time of its last packet: the low 16 bits, in ticks. */
  seen: number;
}

function u32(number: number): Buffer {
  const bytes = Buffer.alloc(U32_BYTES);
  bytes.writeUInt32LE(number);
  return bytes;
}

/** The hash of a struct gw_flow_key, equal to keyed_flow_hash(). */
function hashOf(key: Buffer, seeds: Buffer): bigint {
  const seed = (index: number): bigint => seeds.readBigUInt64LE(index * U64_BYTES);
  const zone = BigInt(key.readUInt32LE(GwFlowKey.OFFSETS.tenant));
  let hash = ((zone + seed(WORDS)) & LOW) * (seed(WORDS) >> 32n);
  for (let index = 0; index < WORDS; index++) {
    const word = key.readBigUInt64LE(GwFlowKey.OFFSETS.flow + index * U64_BYTES);
    hash += ((word + seed(index)) & LOW) * (((word >> 32n) + (seed(index) >> 32n)) & LOW);
  }
  const wrapped = (value: bigint): bigint => BigInt.asUintN(64, value);
  hash = wrapped(hash);
  hash = wrapped((hash ^ (hash >> 33n)) * 0xff51afd7ed558ccdn);
  hash = wrapped((hash ^ (hash >> 33n)) * 0xc4ceb9fe1a85ec53n);
  return hash ^ (hash >> 33n);
}

/** Location of a flow, present or not: its line, its tag there, and the bytes of the line. */
function placeOf(maps: AffinityMaps, key: Buffer): { line: number; tag: number; flows: Buffer } {
  const seeds = maps.sg_gw_seeds.lookup(u32(0));
  if (seeds === undefined) throw new Error('flow affinity: no seeds');
  const hash = hashOf(key, seeds);
  const line = Number(hash & BigInt(LINES - 1));
  const tag = Number(hash >> 32n);
  return {
    line,
    tag: tag === 0 ? 1 : tag,
    flows: maps.sg_gw_affinity.lookup(u32(line)) ?? Buffer.alloc(GwFlowLine.SIZE),
  };
}

function wayOf(flows: Buffer, tag: number): number | undefined {
  for (let way = 0; way < Limits.GW_FLOW_WAYS; way++) {
    if (flows.readUInt32LE(way * GwFlowAffinity.SIZE + GwFlowAffinity.OFFSETS.tag) === tag) return way;
  }
  return undefined;
}

/** The line of a flow. @param key struct gw_flow_key */
export function affinityLine(maps: AffinityMaps, key: Buffer): number {
  return placeOf(maps, key).line;
}

/** The network node of a flow; undefined if it has none. @param key struct gw_flow_key */
export function flowAffinity(maps: AffinityMaps, key: Buffer): { node: number; seen: number } | undefined {
  const { flows, tag } = placeOf(maps, key);
  const way = wayOf(flows, tag);
  return way === undefined ? undefined : GwFlowAffinity.decode(flows, way * GwFlowAffinity.SIZE);
}

/**
 * Assigns a network node to a flow, in a table that no program writes meanwhile: to migrate a former build's flows, or for a test run.
 *
 * @returns false if the flow's line is full
 */
export function putFlowAffinity(maps: AffinityMaps, key: Buffer, flow: { node: number; seen: number }): boolean {
  const { line, flows, tag } = placeOf(maps, key);
  const way = wayOf(flows, tag) ?? wayOf(flows, 0);
  if (way === undefined) return false;
  GwFlowAffinity.encode(flows, way * GwFlowAffinity.SIZE, { seen: flow.seen & 0xffff, node: flow.node, tag });
  maps.sg_gw_affinity.update(u32(line), flows);
  maps.sg_gw_flow_keys.update(u32(line * Limits.GW_FLOW_WAYS + way), key);
  return true;
}

/** Number of flows in the table. */
export function countFlowAffinities({ sg_gw_affinity: lines }: Pick<AffinityMaps, 'sg_gw_affinity'>): number {
  let taken = 0;
  for (const { count, values } of lines.readBatches({ entries: AT_ONCE })) {
    for (let at = GwFlowAffinity.OFFSETS.tag; at < count * GwFlowLine.SIZE; at += GwFlowAffinity.SIZE) {
      if (values.readUInt32LE(at) !== 0) taken += 1;
    }
  }
  return taken;
}

/** Number of flows evicted since the map was created. */
export function evictedFlows({ sg_gw_evicted: evicted }: { sg_gw_evicted: BpfMap }): number {
  const value = evicted.lookup(u32(0));
  if (value === undefined) return 0;
  return evicted.cpuValues(value).reduce((sum, bytes) => sum + Number(GwEvicted.decode(bytes, 0).flows), 0);
}

/** Yields all flows, in no order. Flows that are added or evicted meanwhile may be missing. */
export function* flowAffinities(maps: AffinityMaps): Generator<AffinityEntry, void, undefined> {
  const { GW_FLOW_WAYS: ways } = Limits;
  const lines = new Map<number, Buffer>();
  for (const { count, keys, values } of maps.sg_gw_affinity.readBatches({ entries: AT_ONCE })) {
    for (let index = 0; index < count; index++) {
      const line = values.subarray(index * GwFlowLine.SIZE, (index + 1) * GwFlowLine.SIZE);
      if (line.some((byte) => byte !== 0)) lines.set(keys.readUInt32LE(index * U32_BYTES), Buffer.from(line));
    }
  }
  for (const { count, keys, values } of maps.sg_gw_flow_keys.readBatches({ entries: AT_ONCE })) {
    for (let index = 0; index < count; index++) {
      const place = keys.readUInt32LE(index * U32_BYTES);
      const flows = lines.get(Math.floor(place / ways));
      if (flows === undefined) continue;
      const { node, seen, tag } = GwFlowAffinity.decode(flows, (place % ways) * GwFlowAffinity.SIZE);
      if (tag !== 0) yield { keys: values, at: index * GwFlowKey.SIZE, node, seen };
    }
  }
}
