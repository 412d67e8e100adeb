/** Traces a packet that arrives at this network node, by running its program and reading its decision and the flow's connection. */
import { REASONS, unknownReason } from '../../ebpf/counters.js';
import { PrefixKey, Reason } from '../../ebpf/generated/layouts.js';
import { FlowKey } from '../../ebpf/generated/steering.js';
import { getAddress } from '../../ebpf/bytes.js';
import { decodeFrame } from '../../packet/decode.js';
import { idleSeconds, stateOf } from '../../gateway/flow-records.js';
import { attachments } from '../../ebpf/attachments.js';
import { ZoneNames } from '../../gateway/zone-names.js';
import { readFacts } from '../../agent/facts.js';
import { behavioursOf, tenantSid } from '../../encap/sid.js';
import { lastSeen } from '../../gateway/connection-table.js';
import { zoneTransitOf } from '../events/zone-transit.js';
import { zoneOfSid, zoneTo } from '../../gateway/zone-lookup.js';
import { viewOf } from '../../app/planning.js';
import { tenantMtu } from '../../encap/paths.js';
import { flowOf } from './known-flow.js';
import { hopsTo } from './fast-target.js';
import { checkEncap, segmentsOf } from './encapsulated.js';
import { longestPrefix } from './longest-prefix.js';
import { packetOf } from './synthetic-packet.js';
import { noPolicy } from './predict-network-node.js';
import { runNetworkNode } from './run-network-node.js';
import { QuestionError } from './types.js';
import type { Zone } from '../../ebpf/generated/steering.js';
import type { ShowContext } from '../inspect/context.js';
import type { Intent, IntentNode, Tenant } from '../../intent/types.js';
import type { Link } from 'netlink-ts';
import type { Packet } from './look-back.js';
import type { TraceLog } from './trace-log.js';
import type { ZoneTransit } from '../events/zone-transit.js';
import type { NetworkNodeRun } from './run-network-node.js';
import type { ArrivingQuestion, TraceReason } from './types.js';

/** Bits that precede the prefix in a key. */
const KEY_BITS = 64;

/** Reasons with a name of a hypervisor's trace. */
const KNOWN: Readonly<Record<number, TraceReason>> = {
  [Reason.DROP_POLICY]: 'policy',
  [Reason.DROP_NO_POLICY]: 'no-policy',
  [Reason.DROP_NO_POLICY_MATCH]: 'no-policy-match',
  [Reason.DROP_NOT_ESTABLISHED]: 'not-established',
  [Reason.DROP_NO_NETWORK_NODE]: 'no-network-node',
  [Reason.PUNT_NO_MEMBER]: 'far-no-member',
  [Reason.DROP_NO_MEMBER]: 'far-no-member',
  [Reason.ANSWER_HOP_LIMIT]: 'hop-limit',
  [Reason.PUNT_HOP_LIMIT]: 'hop-limit',
  [Reason.DROP_HOP_LIMIT]: 'hop-limit',
  [Reason.ANSWER_TOO_BIG]: 'too-big-for-port',
  [Reason.PUNT_TOO_BIG]: 'too-big-for-port',
  [Reason.DROP_TOO_BIG]: 'too-big-for-port',
  [Reason.PUNT_UNRESOLVED]: 'underlay-neighbour',
  [Reason.DROP_UNRESOLVED]: 'underlay-neighbour',
};

/** Reasons that come from policies and not from the fast path. */
const OF_POLICIES: readonly number[] = [Reason.DROP_POLICY, Reason.DROP_NO_POLICY, Reason.DROP_NO_POLICY_MATCH];

/** A question's packet on arrival. */
interface Arrival {
  tenant: Tenant;
  sid: string;
  /** Outer source. */
  source: string;
  own: boolean;
  /** The zone of its sender. */
  from: Zone;
  uplink: Link & { mac: string };
  packet: Packet;
}

/**
 * Traces a packet through this network node.
 *
 * @param intent whole
 * @returns where it is sent
 * @throws QuestionError, TraceEnd
 */
export function traceAtNetworkNode(
  context: ShowContext,
  intent: Intent | undefined,
  question: ArrivingQuestion,
  traceLog: TraceLog,
): { sid: string; packet: Packet } {
  const { kernel, names } = context;
  const { steering } = kernel.fastpath;
  const arrival = readArrival(context, intent, question);
  const zones = new ZoneNames(kernel, intent);
  const { packet, from, sid } = arrival;
  traceLog.path = 'fastpath';
  checkProgram(context, arrival, zones.of(from.id), traceLog);
  const to = zoneTo(steering, from.id, packet.to);
  const keys = { flow: keyOf(packet), answer: keyOf(reversed(packet)) };
  const { index, mac } = arrival.uplink;
  const run = runNetworkNode(
    kernel,
    { alone: context.config.dataplane === 'ebpf', anySource: context.config.sourceCheck === false },
    { packet: question, sid, source: arrival.source, own: arrival.own, uplink: { index, mac } },
    { from: from.id, ...(to && { to: to.id }) },
    keys,
  );
  const seen = run?.seen;
  if (run === undefined || seen === undefined) {
    traceLog.drop(
      'fastpath',
      'no-network-node',
      'no program',
      'no network-node program took it: was the intent applied?',
    );
  }
  const { verdict, reason, slug } = REASONS[seen.reason] ?? unknownReason(seen.reason);
  const ends = { from: zones.of(from.id), to: to === undefined ? null : zones.of(to.id) };
  if (to !== undefined) showRoute(context, from.id, packet.to, ends, traceLog);
  if (to !== undefined) showFlow(context, run.known, packet, traceLog);
  const decided = zoneTransitOf(seen, steering);
  if (verdict !== 'forward') {
    const why = whyNot(seen.reason, reason, decided?.policy ?? undefined, ends, packet);
    const known = KNOWN[seen.reason] ?? (`fastpath-${reason.replaceAll(' ', '-')}` as const);
    const step = OF_POLICIES.includes(seen.reason) ? 'policy' : 'fastpath';
    const text = verdict === 'answer' ? `answered: ${reason}` : why;
    traceLog.drop(step, known, text, why, {
      policy: seen.reason === Reason.DROP_POLICY ? (decided?.policy ?? null) : null,
      reason,
      slug,
      ...ends,
    });
  }
  const headers = decodeFrame(seen.after ?? seen.before);
  const next = segmentsOf(headers).at(-1) ?? '';
  const isRelayed = decided?.isRelayed === true;
  showDecision(decided, ends, traceLog);
  if (seen.after === undefined || next === '') {
    const device = kernel.links.nameOf(seen.egress);
    traceLog.pass('deliver', `${packet.to} dev ${device}`, {
      device,
      port: null,
      address: packet.to,
      mac: null,
      mtu: null,
    });
    traceLog.end('delivered', `to ${names.portOfInterface(device) ?? `${ends.to ?? ''} by ${device}`} of this node`);
  }
  const tenant = intent?.tenants.find(({ id }) => id === to?.id) ?? arrival.tenant;
  const mtu = intent === undefined ? 0 : tenantMtuOf(context, intent, tenant);
  const bounds = { size: packet.size, tenantMtu: mtu, hops: hopsTo(context, next) };
  const hopLimit = checkEncap(context, { seen, headers }, bounds, traceLog);
  if (isRelayed && !packet.opens) {
    const other = names.nodeOfSid(next) ?? next;
    traceLog.end('sent', `handed on to ${other}, which drops it unless it knows the connection: trace there`);
  }
  return { sid: next, packet: { ...packet, hopLimit } };
}

function tenantMtuOf({ kernel, config }: ShowContext, intent: Intent, tenant: Tenant): number {
  return tenantMtu(viewOf(config, readFacts(kernel, config, intent), intent), tenant);
}

function readArrival({ kernel, config }: ShowContext, intent: Intent | undefined, question: ArrivingQuestion): Arrival {
  const tenant = intent?.tenants.find(({ name }) => name === question.tenant);
  const node = intent?.nodes.find(({ name }) => name === config.node);
  if (intent === undefined || tenant === undefined || node === undefined) {
    const known =
      intent?.tenants
        .map(({ name }) => name)
        .sort()
        .join(' ') ?? '';
    const what = intent === undefined ? 'an intent that can be read' : `one of ${known || 'none: there is no tenant'}`;
    throw new QuestionError(`--tenant ${question.tenant}: expected ${what}`);
  }
  const sids = behavioursOf(node.behaviours ?? config.behaviours).map((one) => tenantSid(node.locator, one, tenant.id));
  const arriving = sids
    .map((sid) => ({ sid, from: zoneOfSid(kernel.fastpath.steering, sid) }))
    .find(({ from }) => from !== undefined);
  const uplink = config.uplinks.map((name) => kernel.links.get(name)).find((link) => link?.mac !== undefined);
  if (arriving?.from === undefined || uplink?.mac === undefined) {
    const gateway = intent.gateways?.find(({ tenants }) => tenants.includes(tenant.name));
    const where =
      gateway === undefined ? 'no gateway has it' : `network nodes of ${gateway.name} are ${gateway.nodes.join(' ')}`;
    throw new QuestionError(
      `--tenant ${tenant.name}: ${config.node} does not decide for it (${where}); expected --port with a port of ${config.node}`,
    );
  }
  const { sid, from } = arriving;
  const packet = packetOf(question, question, question.ttl);
  const sender = senderOf(intent, tenant, question.from, config.node);
  const source = sender?.source ?? node.source;
  return { tenant, sid, source, own: sender === undefined, from, uplink: { ...uplink, mac: uplink.mac }, packet };
}

/** The sender's hypervisor, else any of the tenant's. */
function senderOf({ ports, nodes }: Intent, tenant: Tenant, from: string, self: string): IntentNode | undefined {
  const own = ports.filter((port) => port.tenant === tenant.name && port.node !== self);
  const port = own.find(({ addresses }) => addresses.includes(from)) ?? own[0];
  return nodes.find(({ name }) => name === port?.node);
}

function checkProgram(context: ShowContext, { sid, uplink }: Arrival, tenant: string, traceLog: TraceLog): void {
  const programs = attachments(context.kernel).filter(
    ({ device, program }) => device === uplink.name && program.name.startsWith('segue_steer'),
  );
  const text = `${sid} gateway tenant ${tenant} dev ${uplink.name}`;
  const detail = { sid, behaviour: 'gateway', tenant, device: uplink.name };
  if (programs.length === 0) {
    const why = `no network-node program at ${uplink.name}: run segue apply, or start the agent`;
    traceLog.drop('sid', 'no-network-node', `${text}: no program`, why, { ...detail, programs: [] });
  }
  const named = programs.map(
    ({ hook, program }) => `${hook === 'xdp' ? 'xdp' : 'tcx/ingress'} ${program.name} id ${program.id}`,
  );
  traceLog.pass('sid', `${text} ${named.join(', ')}`, {
    ...detail,
    programs: programs.map(({ program }) => program.id),
  });
}

function showRoute(
  { kernel }: ShowContext,
  from: number,
  to: string,
  ends: { from: string; to: string | null },
  traceLog: TraceLog,
): void {
  const routes = [...(kernel.fastpath.steering.maps?.sg_zone_routes.keys() ?? [])].flatMap((key) => {
    const { length, tenant, family } = PrefixKey.decode(key, 0);
    if (tenant !== from) return [];
    return [{ prefix: `${getAddress(key, PrefixKey.OFFSETS.address, family)}/${length - KEY_BITS}`, metric: 0 }];
  });
  const prefix = longestPrefix(routes, to)?.prefix ?? to;
  traceLog.pass('route', `${prefix} of ${ends.to ?? ''} from ${ends.from}`, {
    ...{ prefix, ...ends, device: null, via: null, table: null, nexthopId: null },
  });
}

function showFlow({ kernel }: ShowContext, known: NetworkNodeRun['known'], packet: Packet, traceLog: TraceLog): void {
  if (known === undefined) {
    traceLog.pass('flow', 'no connection yet', {
      known: false,
      state: null,
      openedHere: null,
      ageSeconds: null,
      policy: null,
    });
    return;
  }
  const { connection, openedHere } = known;
  const { state: number, flags, opened } = connection;
  const state = stateOf(0, packet.protocol, number, flags);
  const policy = policyOf(kernel.fastpath.steering.policySlots.keyOf(connection.policy));
  const age = idleSeconds(opened);
  const by = openedHere ? '' : ' by the other side';
  traceLog.pass(
    'flow',
    `${state}, opened ${age} s ago${by}, idle ${idleSeconds(lastSeen(connection))} s, policy ${policy}`,
    {
      ...{ known: true, state, openedHere, ageSeconds: age, policy },
    },
  );
}

function policyOf(name: string | undefined): string {
  return name ?? 'that no longer exists';
}

/** Explains why the program forwarded the packet: a policy for a new connection, else the connection. */
function showDecision(
  decided: ZoneTransit | undefined,
  ends: { from: string; to: string | null },
  traceLog: TraceLog,
): void {
  if (decided?.isRelayed === true) {
    const text = 'of no connection here: handed on to the network node that the hash of its flow selects';
    traceLog.pass('policy', text, { policy: null, action: 'relay', ...ends });
    return;
  }
  const name = decided?.policy ?? undefined;
  const text = `allowed by policy ${policyOf(name)}${decided?.isReply === true ? ', as a reply' : ''}`;
  traceLog.pass('policy', text, { policy: name ?? null, action: 'allow', ...ends });
}

/** @param text of the reason */
function whyNot(
  reason: number,
  text: string,
  policy: string | undefined,
  { from, to }: { from: string; to: string | null },
  { to: address, protocol }: Packet,
): string {
  switch (reason) {
    case Reason.DROP_POLICY:
      return `denied by policy ${policyOf(policy)}`;
    case Reason.DROP_NO_POLICY:
      return noPolicy(from, to ?? `the owner of ${address}`);
    case Reason.DROP_NO_POLICY_MATCH:
      return `no policy from ${from} to ${to ?? ''} matches the packet`;
    case Reason.DROP_NOT_ESTABLISHED:
      return `it belongs to no allowed connection, and opens none${protocol === TCP ? ' (--syn opens one)' : ''}`;
    case Reason.PUNT_NO_MEMBER:
    case Reason.DROP_NO_MEMBER:
      return `no member of ${to ?? from} has ${address}`;
    default:
      return `the network node drops it: ${text}`;
  }
}

const TCP = 6;

function keyOf(packet: Packet): Buffer {
  const key = Buffer.alloc(FlowKey.SIZE);
  FlowKey.encode(key, 0, flowOf(packet));
  return key;
}

function reversed(packet: Packet): Packet {
  const { from, to, sourcePort, destinationPort } = packet;
  return { ...packet, from: to, to: from, sourcePort: destinationPort, destinationPort: sourcePort };
}
