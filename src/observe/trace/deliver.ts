/** The last step, on this node or on the destination node. */
import { compile } from '../../app/planning.js';
import { prefixContains } from 'netlink-ts/inet';
import { longestPrefix } from './longest-prefix.js';
import { lookBack } from './look-back.js';
import { predictNetworkNode } from './predict-network-node.js';
import { MAIN_TABLE, tenantTable } from '../../plan/numbers.js';
import { pinnedNeighbours } from '../inspect/state.js';
import type { ShowContext } from '../inspect/context.js';
import type { Intent, NodeConfig } from '../../intent/types.js';
import type { NodeFacts } from '../../plan/view.js';
import type { Packet } from './look-back.js';
import type { TraceLog } from './trace-log.js';
import { scopeTo } from '../../app/intent.js';

/** Delivers to a port of this node, on the wire to the VM. */
export function deliverHere(
  { kernel, names }: ShowContext,
  device: string,
  via: string | undefined,
  { to, size }: Pick<Packet, 'to' | 'size'>,
  traceLog: TraceLog,
): never {
  const link = kernel.links.get(device);
  const port = names.portOfInterface(device) ?? device;
  if (link === undefined || !link.up || link.carrier === false) {
    const what = link?.up === true ? 'has no carrier' : 'is down';
    traceLog.drop('deliver', 'destination-down', `dev ${device} ${what}`, `${port} ${what}`, { device });
  }
  const target = via ?? to;
  const mac = pinnedNeighbours(kernel)
    .get(link.index)
    ?.find(({ address }) => address === target)?.mac;
  const detail = { device, port, address: target, mac: mac ?? null, mtu: link.mtu };
  if (size > link.mtu) tooBig(traceLog, size, link.mtu, device, detail);
  const text = `${target} dev ${device} lladdr ${mac ?? 'unknown'}`;
  if (mac === undefined) traceLog.warn('deliver', `${text}: no pinned neighbour`, detail);
  else traceLog.pass('deliver', text, detail);
  traceLog.end('delivered', `to ${port} on this node`);
}

/**
 * The destination node's part, from a plan that is compiled here: its intended state, not the actual one.
 *
 * @param intent whole; undefined ends the trace as `sent`
 */
export function deliverThere(
  intent: Intent | undefined,
  own: NodeConfig,
  facts: NodeFacts,
  sid: string,
  packet: Packet,
  traceLog: TraceLog,
): never {
  const node = intent?.nodes.find(({ locator }) => prefixContains(locator, sid));
  if (intent === undefined || node === undefined) {
    const why = intent === undefined ? 'the intent cannot be read' : `no node of the intent has ${sid}`;
    traceLog.end('sent', `towards ${sid}; what happens there is unknown: ${why}`);
  }
  const onward = predictNetworkNode(intent, own, facts, node, sid, packet, traceLog);
  if (onward !== undefined) return deliverThere(intent, own, facts, onward.sid, onward.packet, traceLog);
  const { to, size, hopLimit } = packet;
  traceLog.node = node.name;
  // In the kernel's terms: the data plane is in that node's own file, which is unknown here.
  const behaviours = node.behaviours ?? own.behaviours;
  const config: NodeConfig = { ...own, node: node.name, behaviours, dataplane: 'kernel' };
  const plan = compile(scopeTo(intent, node.name), config, { uplinkMtu: facts.uplinkMtu });
  const local = [...plan.route.values()].find(({ table, prefix }) => table === MAIN_TABLE && prefix === `${sid}/128`);
  if (local?.local === undefined) {
    traceLog.drop(
      'sid',
      'far-no-sid',
      `no ${sid}`,
      `${node.name} has no SID for the tenant, as it has no port of the tenant`,
      {
        sid,
      },
    );
  }
  const { action, vrfTable } = local.local;
  const tenant = intent.tenants.find(({ id }) => tenantTable(id) === vrfTable)?.name ?? null;
  traceLog.pass('sid', `${sid} ${action} tenant ${tenant ?? ''}`, { sid, behaviour: action, tenant });
  if (hopLimit !== undefined && hopLimit <= 1) {
    const why = `it arrives with TTL ${hopLimit}: its gateway answers Time Exceeded`;
    traceLog.drop('sid', 'hop-limit', `TTL ${hopLimit}`, why, { hopLimit });
  }
  const routes = [...plan.route.values()].filter(({ table }) => table === vrfTable);
  const route = longestPrefix(routes, to);
  const device = route?.device;
  if (route?.type !== 'unicast' || device === undefined) {
    const found = route === undefined ? 'no route' : `${route.type} ${route.prefix}`;
    traceLog.drop('deliver', 'far-no-member', `${found} table ${vrfTable}`, `no port on ${node.name} has ${to}`, {
      to,
    });
  }
  const target = route.via ?? to;
  const mac = plan.neighbour.get(`${device} ${target}`)?.mac ?? 'unknown';
  const mtu = plan.port.get(device)?.mtu ?? 0;
  const port = intent.ports.find((one) => one.node === node.name && one.interface === device)?.name ?? device;
  const detail = { device, port, address: target, mac, mtu };
  if (size > mtu) tooBig(traceLog, size, mtu, device, detail);
  traceLog.pass('deliver', `${target} dev ${device} lladdr ${mac}`, detail);
  traceLog.arrive(port, lookBack(port, packet));
}

/** Ends a trace. */
export function tooBig(
  traceLog: TraceLog,
  size: number,
  mtu: number,
  device: string,
  detail: Record<string, unknown>,
): never {
  const why = `${size} bytes do not fit the destination's port; its gateway answers the sender with Packet Too Big (IPv4: with DF)`;
  traceLog.drop('deliver', 'too-big-for-port', `${size} > ${mtu} of ${device}`, why, detail);
}
