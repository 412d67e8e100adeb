/** The network node that a hypervisor remembers for a flow of a VM's: a packet of the flow goes there, whatever new ones do. */
import { putAddress } from '../../ebpf/bytes.js';
import { FlowKind, FlowNode, FlowNodeKey } from '../../ebpf/generated/steering.js';
import { idleSeconds } from '../inspect/flows.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Packet } from './look-back.js';

export interface KnownFlow {
  /** As flow_nodes has it. */
  key: Buffer;
  value: Buffer;
  /** Number of the network node. */
  node: number;
  idleSeconds: number;
}

const ADDRESS_BYTES = 16;

/** A flow as programs have it, from a made packet's ends. */
export function flowOf({ from, to, protocol, sourcePort, destinationPort }: Packet): FlowNodeKey['flow'] {
  const source = Buffer.alloc(ADDRESS_BYTES);
  const dest = Buffer.alloc(ADDRESS_BYTES);
  const family = putAddress(from, source, 0);
  putAddress(to, dest, 0);
  const ports = { sourcePort, destPort: destinationPort };
  return { source, dest, ...ports, protocol, family, kind: FlowKind.FLOW_CONNECTION, unused: 0 };
}

export function knownFlow({ fastpath }: Kernel, tenant: number, packet: Packet): KnownFlow | undefined {
  const key = Buffer.alloc(FlowNodeKey.SIZE);
  FlowNodeKey.encode(key, 0, { tenant, unused: 0, flow: flowOf(packet) });
  const value = fastpath.gateways.maps?.flow_nodes.lookup(key);
  if (value === undefined) return undefined;
  const { node, seen } = FlowNode.decode(value, 0);
  return { key, value, node, idleSeconds: idleSeconds(seen) };
}
