/** Predicts a network node's part from a plan that is compiled here: its intended decision, without its connections. */
import { memberKey } from '../../ebpf/member-key.js';
import { compile } from '../../app/planning.js';
import { lookBack } from './look-back.js';
import { decide } from '../../gateway/decide.js';
import { zoneText } from '../../gateway/zone-names.js';
import { prefixContains } from 'netlink-ts/inet';
import { SteeringView, externalZone } from '../../gateway/view.js';
import { longestPrefix } from './longest-prefix.js';
import { sizesOf } from './sizes.js';
import type { Decision } from '../../gateway/decide.js';
import type { BpfMember } from '../../ebpf/objects.js';
import type { Intent, IntentNode, NodeConfig } from '../../intent/types.js';
import type { NodeFacts } from '../../plan/view.js';
import type { Plan } from '../../plan/plan.js';
import type { Packet } from './look-back.js';
import type { TraceLog } from './trace-log.js';
import { scopeTo } from '../../app/intent.js';

/** Destination to which a network node forwards a packet. */
export interface Onward {
  /** SID of the tenant. */
  sid: string;
  packet: Packet;
}

/** Names of zones in a network node's plan. */
function zoneNamer(intent: Intent): (id: number) => string {
  const names = new Map(intent.tenants.map(({ id, name }) => [id, name]));
  const view = new SteeringView(intent);
  for (const name of view.externals.keys()) names.set(view.externalZoneId(name), zoneText(externalZone(name)));
  return (id) => names.get(id) ?? `zone ${id}`;
}

/** Plans as the network node's own agent does: a network node always has the fast path. */
function planOf(intent: Intent, own: NodeConfig, { uplinkMtu }: NodeFacts, node: IntentNode): Plan {
  const behaviours = node.behaviours ?? own.behaviours;
  const config: NodeConfig = { ...own, node: node.name, behaviours, dataplane: 'hybrid', uplinks: [] };
  return compile(intent, config, { uplinkMtu, fastpath: { xdp: [] } });
}

/**
 * Traces a packet through the network node at which it arrived for a gateway's SID.
 *
 * @param whole the unscoped intent
 * @param sid the SID on that node for which it arrived
 * @returns undefined if the SID is no gateway's, or the packet stays within its tenant, where the node acts as a hypervisor
 */
export function predictNetworkNode(
  whole: Intent,
  own: NodeConfig,
  facts: NodeFacts,
  node: IntentNode,
  sid: string,
  packet: Packet,
  traceLog: TraceLog,
): Onward | undefined {
  if (whole.gateways?.some(({ nodes }) => nodes.includes(node.name)) !== true) return undefined;
  const intent = scopeTo(whole, node.name);
  const plan = planOf(intent, own, facts, node);
  const from = plan['nn-sid'].get(sid)?.zone;
  if (from === undefined || targetOf(plan, from, packet.to)?.device !== undefined) return undefined;
  traceLog.node = node.name;
  const nameOf = zoneNamer(intent);
  const gateway = whole.gateways.find(
    ({ nodes, tenants }) => nodes.includes(node.name) && tenants.includes(nameOf(from)),
  );
  traceLog.pass('sid', `${sid} gateway ${gateway?.name ?? ''} tenant ${nameOf(from)}`, {
    ...{ sid, behaviour: 'gateway', gateway: gateway?.name ?? null, tenant: nameOf(from) },
  });
  const hopLimit = stepOf(packet, traceLog);
  const to = routeOf(plan, from, packet, whole, nameOf, traceLog);
  checkPolicy(plan, from, to, packet, nameOf, traceLog);
  const onward = { ...packet, ...(hopLimit !== undefined && { hopLimit }) };
  return { sid: encapOf(plan, to, packet, whole, nameOf, traceLog), packet: onward };
}

/** A network node decrements the hop limit. */
function stepOf({ hopLimit }: Packet, traceLog: TraceLog): number | undefined {
  if (hopLimit === undefined) return undefined;
  if (hopLimit > 1) return hopLimit - 1;
  const why = `it arrives with TTL ${hopLimit}: the sender's gateway answers Time Exceeded`;
  return traceLog.drop('route', 'hop-limit', `TTL ${hopLimit}`, why, { hopLimit });
}

/** The zone of an address, seen from the sender's zone. */
function routeOf(
  plan: Plan,
  from: number,
  { to }: Packet,
  whole: Intent,
  nameOf: (id: number) => string,
  traceLog: TraceLog,
): number {
  const routes = [...plan['nn-route']].filter(([, route]) => route.from === from);
  const found = longestPrefix(
    routes.map(([key, route]) => ({ prefix: key.slice(key.indexOf(' ') + 1), metric: 0, route })),
    to,
  );
  if (found === undefined) {
    const owners = whole.tenants.filter(({ subnets }) => subnets.some(({ prefix }) => prefixContains(prefix, to)));
    const others = owners.map(({ name }) => name).filter((name) => name !== nameOf(from));
    const why = noPolicy(nameOf(from), others.length === 0 ? `the owner of ${to}` : others.join(' or '));
    traceLog.drop('policy', 'no-policy', `no route to ${to} from ${nameOf(from)}`, why, {
      from: nameOf(from),
      to: null,
    });
  }
  const peer = nameOf(found.route.to);
  traceLog.pass('route', `${found.prefix} of ${peer} from ${nameOf(from)}`, {
    ...{ prefix: found.prefix, from: nameOf(from), to: peer, device: null, via: null, table: null, nexthopId: null },
  });
  return found.route.to;
}

export function noPolicy(from: string, to: string): string {
  return `no policy between ${from} and ${to}`;
}

/** Checks the policies for a connection's first packet; a packet without one may be a reply to a connection of the opposite side. */
function checkPolicy(
  plan: Plan,
  from: number,
  to: number,
  packet: Packet,
  nameOf: (id: number) => string,
  traceLog: TraceLog,
): void {
  const sets = plan['nn-policies'];
  const { protocol, from: source, to: destination, sourcePort, destinationPort } = packet;
  const asked = sets.get(`${from} ${to}`);
  const decision = asked && decide(asked, { source, destination, protocol, destinationPort });
  const ends = { from: nameOf(from), to: nameOf(to) };
  if (decision?.allow === true) {
    traceLog.pass('policy', `allowed by policy ${decision.policy}`, {
      policy: decision.policy,
      action: 'allow',
      ...ends,
    });
    return;
  }
  const back = sets.get(`${to} ${from}`);
  const reverse = { source: destination, destination: source, protocol, destinationPort: sourcePort };
  const answered = back && decide(back, reverse);
  if (answered?.allow === true && !packet.opens) {
    const text = `only as a reply: allowed by policy ${answered.policy} from ${ends.to} to ${ends.from}, in established connections`;
    traceLog.warn('policy', text, { policy: answered.policy, action: 'answer', ...ends });
    return;
  }
  refuse(decision, asked !== undefined, answered, ends, traceLog);
}

function refuse(
  decision: Decision,
  hasPolicies: boolean,
  answered: Decision,
  ends: { from: string; to: string },
  traceLog: TraceLog,
): never {
  const hint = answered?.allow === true ? `; replies to ${ends.to} pass by policy ${answered.policy}` : '';
  if (decision !== undefined) {
    const detail = { policy: decision.policy, action: 'deny', ...ends };
    const text = `denied by policy ${decision.policy}`;
    return traceLog.drop('policy', 'policy', text, text + hint, detail);
  }
  const detail = { policy: null, action: null, ...ends };
  if (!hasPolicies) {
    const text = `no policy from ${ends.from} to ${ends.to}`;
    return traceLog.drop('policy', 'no-policy', text, text + hint, detail);
  }
  const text = `no policy from ${ends.from} to ${ends.to} matches the packet`;
  return traceLog.drop('policy', 'no-policy-match', text, text + hint, detail);
}

/** Location of an address in a zone: a member, else the longest prefix. */
function targetOf(plan: Plan, zone: number, to: string): BpfMember | undefined {
  const member = plan['bpf-member'].get(memberKey(zone, to));
  if (member !== undefined) return member;
  const prefixes = [...plan['bpf-prefix']].filter(([, { tenant }]) => tenant === zone);
  return longestPrefix(
    prefixes.map(([key, value]) => ({ prefix: key.slice(key.indexOf(' ') + 1), metric: 0, value })),
    to,
  )?.value;
}

/** The SID to which it is encapsulated; ends the trace if the packet leaves the domain here. */
function encapOf(
  plan: Plan,
  zone: number,
  packet: Packet,
  whole: Intent,
  nameOf: (id: number) => string,
  traceLog: TraceLog,
): string {
  const { to, size } = packet;
  const target = targetOf(plan, zone, to);
  const name = nameOf(zone);
  if (target?.external !== undefined) {
    const device = target.external;
    traceLog.pass('deliver', `${to} dev ${device}`, { device, port: null, address: to, mac: null, mtu: null });
    traceLog.arrive(`${name} by ${device}`, 'segue show gateway');
  }
  const segments = target?.encap === undefined ? undefined : plan['bpf-encap'].get(target.encap)?.segments;
  if (segments !== undefined) {
    const sid = segments.at(-1) ?? '';
    const { overhead, outer } = sizesOf(size, 'encap.red', segments.length);
    const node = whole.nodes.find(({ locator }) => prefixContains(locator, sid))?.name;
    const source = whole.nodes.find((one) => one.name === traceLog.node)?.source ?? '';
    const text = `seg6 mode encap.red segs ${segments.join(',')} (${node ?? 'unknown'}) source ${source}: ${size} + ${overhead} = ${outer} bytes`;
    traceLog.pass('encap', text, {
      mode: 'encap.red',
      segments,
      source,
      inner: size,
      overhead,
      outer,
      node: node ?? null,
    });
    return sid;
  }
  if (target?.device !== undefined) {
    traceLog.pass('deliver', `${to} dev ${target.device}`, {
      ...{
        device: target.device,
        port: portOf(whole, traceLog.node, target.device),
        address: to,
        mac: null,
        mtu: null,
      },
    });
    const port = portOf(whole, traceLog.node, target.device);
    traceLog.arrive(port, lookBack(port, packet));
  }
  traceLog.drop('deliver', 'far-no-member', `no member ${to} of ${name}`, `no member of ${name} has ${to}`, { to });
}

function portOf({ ports }: Intent, node: string, device: string): string {
  return ports.find((port) => port.node === node && port.interface === device)?.name ?? device;
}
