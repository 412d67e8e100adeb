/** The network node that a hypervisor keeps for a flow of a VM: packets of the flow use it, unlike new flows. */
import { putAddress } from '../../ebpf/bytes.js';
import { FlowType, GwFlowKey } from '../../ebpf/generated/steering.js';
import { flowAffinity } from '../../gateway/flow-affinity.js';
import { affinityIdleSeconds } from '../../gateway/flow-records.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Packet } from './look-back.js';

export interface KnownFlow {
  /** As in sg_gw_flow_keys. */
  key: Buffer;
  /** Time of its last packet, as in sg_gw_affinity. */
  seen: number;
  /** Number of the network node. */
  node: number;
  idleSeconds: number;
}

const ADDRESS_BYTES = 16;

/** The key of a flow, from the ends of a synthetic packet. */
export function flowOf({
  from,
  to,
  protocol,
  sourcePort,
  destinationPort,
}: Pick<Packet, 'from' | 'to' | 'protocol' | 'sourcePort' | 'destinationPort'>): GwFlowKey['flow'] {
  const source = Buffer.alloc(ADDRESS_BYTES);
  const dest = Buffer.alloc(ADDRESS_BYTES);
  const family = putAddress(from, source, 0);
  putAddress(to, dest, 0);
  const ports = { sourcePort, destPort: destinationPort };
  return { source, dest, ...ports, protocol, family, type: FlowType.FLOW_CONNECTION, unused: 0 };
}

export function knownFlow({ fastpath }: Kernel, tenant: number, packet: Packet): KnownFlow | undefined {
  const key = Buffer.alloc(GwFlowKey.SIZE);
  GwFlowKey.encode(key, 0, { tenant, unused: 0, flow: flowOf(packet) });
  const { maps } = fastpath.gateways;
  const known = maps && flowAffinity(maps, key);
  return known && { key, ...known, idleSeconds: affinityIdleSeconds(known.seen) };
}
