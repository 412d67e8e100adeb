/** Whether a node can be rebooted without harm, and what is left on it. */
import type { Port } from '../../intent/types.js';
import type { IntentIndex } from '../intent-index.js';
import type { FleetNode } from './read-fleet.js';

export interface RebootState {
  safe: boolean;
  /** Ports of the intent on the node. */
  ports: string[];
  /** Further information, one line each. */
  reasons: string[];
}

/**
 * @param sequence of the commit that took the node out of service
 * @param status the node's last one
 */
export function rebootState(
  index: IntentIndex,
  node: string,
  sequence: number,
  status: FleetNode | undefined,
): RebootState {
  const ports = portsOn(index, node).map(({ name }) => name);
  const reasons: string[] = [];
  const alone = [...index.gatewaysOn.of(node).values()].filter(
    ({ nodes }) => !nodes.some((other) => other !== node && index.nodes.get(other)?.drain !== true),
  );
  for (const { name } of alone) reasons.push(`gateway ${name}: no other node takes its flows`);
  const notes = [...index.gatewaysOn.of(node).values()].map(
    ({ name }) =>
      `gateway ${name}: flows that the node still has will end with the reboot (segue show flow on the node)`,
  );
  if (status?.status === undefined || status.state === 'stale')
    reasons.push('the node has not reported: whether it has applied this is unknown');
  else if ((status.applied ?? 0) < sequence)
    reasons.push(`the node has applied sequence ${status.applied ?? 0}, not ${sequence} yet`);
  else if (status.status.ports > 0) reasons.push(`the node says that it has ${status.status.ports} ports`);
  return { safe: ports.length === 0 && reasons.length === 0, ports, reasons: [...reasons, ...notes] };
}

function portsOn(index: IntentIndex, node: string): Port[] {
  return [...index.tenantsOn.of(node).keys()].flatMap((tenant) =>
    [...index.ports.of(tenant).values()].filter((port) => port.node === node),
  );
}
