/** Traces a packet through the fast path, by running its program and reading the result. */
import { OBSERVATIONS } from '../../app/features.js';
import { REASONS, unknownReason } from '../../ebpf/counters.js';
import { decodeFrame } from '../../packet/decode.js';
import { findHeader } from '../../packet/headers.js';
import { pinnedNeighbours } from '../inspect/state.js';
import { checkFastPort, portEntry } from './fast-port.js';
import { findTarget, hopsTo } from './fast-target.js';
import { knownFlow } from './known-flow.js';
import { gatewayNodeNames, gatewayStates } from '../../gateway/states.js';
import { SteeringView } from '../../gateway/view.js';
import { checkEncap, segmentsOf } from './encapsulated.js';
import { packetOf } from './synthetic-packet.js';
import { tooBig } from './deliver.js';
import { runPort } from './run-port.js';
import type { TraceEvent } from '../../ebpf/trace-session.js';
import type { Header } from '../../packet/headers.js';
import type { ShowContext } from '../inspect/context.js';
import type { FastPort, PortEntry } from './fast-port.js';
import type { FoundTarget } from './fast-target.js';
import type { KnownFlow } from './known-flow.js';
import type { TraceLog } from './trace-log.js';
import type { EncapsulatedFrame } from './encapsulated.js';
import type { Source } from './source.js';
import type { Question, TraceReason } from './types.js';

/** Reasons with a name of the kernel's trace. */
const KNOWN: Readonly<Record<string, TraceReason>> = {
  'source address': 'source-not-port',
  'domain address': 'domain-address',
  'no member': 'no-member',
  unreachable: 'no-member',
  'hop limit': 'hop-limit',
  'too big': 'too-big-for-port',
  unresolved: 'underlay-neighbour',
  'not routed': 'link-scope',
  'no network node': 'no-network-node',
};

export type FastDecision =
  /** the kernel gets it unchanged */
  | { kind: 'kernel' }
  /** it is sent to another node */
  | { kind: 'sent'; sid: string; hopLimit: number };

/** Traces a packet through a port's program; ends the trace unless the kernel or another node gets it next. */
export function traceFast(context: ShowContext, source: Source, question: Question, traceLog: TraceLog): FastDecision {
  const port = checkFastPort(context, source, traceLog);
  if (port === undefined) return { kind: 'kernel' };
  answerRequest(context, port.link.name, question, traceLog);
  const { vmMac: vm, gatewayMac: gateway } = port.entry;
  const flow = knownFlow(context.kernel, port.entry.tenant, packetOf(source, question, undefined));
  const made = { ...question, from: source.from };
  const seen = runPort(context.kernel, port.use, port.link.index, made, { vm, gateway }, flow);
  if (seen === undefined) {
    traceLog.path = 'kernel';
    return { kind: 'kernel' };
  }
  const counted = REASONS[seen.reason] ?? unknownReason(seen.reason);
  const { verdict, reason } = counted;
  const detail = counted;
  const isGateway = findTarget(context, port.entry.tenant, question.to)?.gateway === true;
  if (verdict === 'drop') dropped(context, source, question, counted, isGateway, traceLog);
  if (verdict === 'punt') {
    if (context.config.dataplane === 'hybrid') {
      traceLog.path = 'kernel';
      traceLog.pass('fastpath', `handed to the kernel unchanged: ${reason}`, detail);
      return { kind: 'kernel' };
    }
    dropped(context, source, question, counted, isGateway, traceLog);
  }
  traceLog.pass('guard', `source ${source.from} is the port's`, { guarded: true, source: source.from });
  const headers = decodeFrame(seen.after ?? seen.before);
  if (seen.after === undefined || seen.egress === port.link.index) {
    addReplySteps(context, port.link.name, traceLog);
    answered(headers, question, counted, traceLog);
  }
  const isLocal = portEntry(context, seen.egress) !== undefined;
  return isLocal
    ? delivered(context, source, question, seen, headers, traceLog)
    : sent(context, port, question, { seen, headers, flow }, traceLog);
}

type Counted = (typeof REASONS)[number];

interface Sent extends EncapsulatedFrame {
  /** Cached network node of its flow. */
  flow: KnownFlow | undefined;
}

function dropped(
  { config }: ShowContext,
  { port, from }: Source,
  { to, size }: Question,
  { reason, slug }: Counted,
  isGateway: boolean,
  traceLog: TraceLog,
): never {
  const words: Readonly<Record<string, string>> = {
    'source address': `${from} is not an address of ${port}: the guard drops forged sources`,
    'domain address': 'no tenant may send to the SR domain: its SID block and trusted prefixes',
    'no member': `no member has ${to}`,
    'hop limit': 'its TTL or hop limit has run out',
    'too big': `${size} bytes do not fit`,
    unresolved: 'no neighbour of the underlay is known',
    'not routed': `${to} stays on the link: it is not forwarded`,
    'no network node': 'no network node of the gateway is up',
  };
  if (reason === 'no member' && isGateway) {
    const why = `the gateway ${to} answers ping, ARP and neighbour discovery, nothing else`;
    traceLog.drop('fastpath', 'gateway-no-service', `drop: ${reason}`, why, { verdict: 'drop', reason, slug });
  }
  const known = KNOWN[reason] ?? (`fastpath-${reason.replaceAll(' ', '-')}` as const);
  const why = words[reason] ?? `the fast path drops it: ${reason}`;
  traceLog.drop('fastpath', known, `drop: ${reason}`, why, {
    verdict: 'drop',
    reason,
    slug,
    dataplane: config.dataplane,
  });
}

/** Ends the trace of a request that a feature's program answers. */
function answerRequest({ kernel }: ShowContext, device: string, question: Question, traceLog: TraceLog): void {
  for (const { traceRequest } of OBSERVATIONS) {
    const step = traceRequest?.(kernel, device, question);
    if (step === undefined) continue;
    traceLog.pass('fastpath', step.text, step.detail);
    traceLog.end('delivered', step.end ?? 'to the port’s own programs, which answer');
  }
}

/** Adds the features' steps for a reply. */
function addReplySteps({ kernel }: ShowContext, device: string, traceLog: TraceLog): void {
  for (const observation of OBSERVATIONS) {
    const step = observation.traceReply?.(kernel, device);
    if (step !== undefined) traceLog.pass('fastpath', step.text, step.detail);
  }
}

/** The program replied itself, on the same port. */
function answered(headers: readonly Header[], { to }: Question, { reason, slug }: Counted, traceLog: TraceLog): never {
  const icmp = findHeader(headers, 'icmp') ?? findHeader(headers, 'icmpv6');
  const echo = icmp?.type === 0 || icmp?.type === 129 || reason === 'echo';
  const detail = { reason, slug, type: icmp?.type ?? null, code: icmp?.code ?? null };
  if (echo) {
    traceLog.pass('fastpath', 'the gateway answers the echo request', detail);
    traceLog.end('delivered', 'to the gateway on this node');
  }
  const known = KNOWN[reason] ?? (`fastpath-${reason.replaceAll(' ', '-')}` as const);
  const what = `ICMP type ${icmp?.type ?? '?'} code ${icmp?.code ?? '?'}`;
  const why = `${reason === 'unreachable' ? `no member has ${to}: ` : ''}its gateway answers with ${what}`;
  traceLog.drop('fastpath', known, `answered with ${what}: ${reason}`, why, detail);
}

function sent(
  context: ShowContext,
  { entry }: FastPort,
  { to, size }: Question,
  { seen, headers, flow }: Sent,
  traceLog: TraceLog,
): FastDecision {
  const segments = segmentsOf(headers);
  const sid = segments.at(-1) ?? '';
  const target = findTarget(context, entry.tenant, to);
  const gateway = gatewayOf(context, target);
  const by = gateway === undefined ? '' : ` by gateway ${gateway}`;
  traceLog.pass('route', `${target?.prefix ?? to} tenant ${entry.tenant}${by}`, {
    prefix: target?.prefix ?? null,
    device: context.kernel.links.nameOf(seen.egress),
    via: null,
    table: null,
    nexthopId: null,
    gateway: gateway ?? null,
  });
  if (gateway !== undefined) checkFlow(context, target, gateway, context.names.nodeOfSid(sid) ?? sid, flow, traceLog);
  const hops = target?.steered === undefined ? target?.hops : hopsTo(context, sid);
  const hopLimit = checkEncap(context, { seen, headers }, { size, tenantMtu: entry.mtu, hops: hops ?? [] }, traceLog);
  return { kind: 'sent', sid, hopLimit };
}

/** Name of the gateway whose network nodes forward, or its number. */
function gatewayOf({ intent }: ShowContext, target: FoundTarget | undefined): string | undefined {
  if (target?.steered === undefined) return undefined;
  const numbers = intent === undefined ? [] : [...new SteeringView(intent).gatewayNumbers];
  return numbers.find(([, number]) => number === target.steered)?.[0] ?? String(target.steered);
}

/** Checks the network node of the flow, and how it was determined. */
function checkFlow(
  context: ShowContext,
  target: FoundTarget | undefined,
  gateway: string,
  node: string,
  flow: KnownFlow | undefined,
  traceLog: TraceLog,
): void {
  const share = gatewayStates(context)
    .find((state) => state.gateway === gateway)
    ?.nodes.find((one) => one.node === node)?.share;
  const detail = { node, gateway, known: false, share: share ?? null, idleSeconds: null };
  if (flow !== undefined && gatewayNodeNames(context)(flow.node) === node) {
    const text = `${node}, which handles the flow already: idle ${flow.idleSeconds} s`;
    traceLog.pass('flow', text, { ...detail, known: true, idleSeconds: flow.idleSeconds });
  } else if (target?.hasFixedSlot === true) {
    traceLog.pass('flow', `${node}, which the external network uses`, detail);
  } else {
    const percent = share === undefined || share === null ? '' : `, ${(share * 100).toFixed(1)}% of new flows`;
    traceLog.pass('flow', `${node}, selected by the hash of a new flow${percent}`, detail);
  }
}

/** Delivered to a port of this node. */
function delivered(
  context: ShowContext,
  source: Source,
  { to, size }: Question,
  seen: TraceEvent,
  headers: readonly Header[],
  traceLog: TraceLog,
): never {
  const { kernel, names } = context;
  const device = kernel.links.nameOf(seen.egress);
  const port = names.portOfInterface(device) ?? device;
  const entry: PortEntry | undefined = portEntry(context, seen.egress);
  const target = findTarget(context, entry?.tenant ?? 0, to);
  traceLog.pass('route', `${target?.prefix ?? to} dev ${device}`, {
    prefix: target?.prefix ?? null,
    device,
    via: null,
    table: null,
    nexthopId: null,
  });
  const link = kernel.links.get(device);
  const mac = headers[0]?.layer === 'ethernet' ? headers[0].destination : 'unknown';
  const address = pinned(context, seen.egress, mac) ?? to;
  const detail = { device, port, address, mac, mtu: entry?.mtu ?? 0 };
  if (link?.up !== true || link.carrier === false) {
    const what = link?.up === true ? 'has no carrier' : 'is down';
    traceLog.drop('deliver', 'destination-down', `dev ${device} ${what}`, `${port} ${what}`, { device });
  }
  if (entry !== undefined && size > entry.mtu) tooBig(traceLog, size, entry.mtu, device, detail);
  traceLog.pass('deliver', `${to} dev ${device} lladdr ${mac}`, detail);
  traceLog.end('delivered', `to ${port} on this node${source.port === port ? ', itself' : ''}`);
}

function pinned({ kernel }: ShowContext, ifindex: number, mac: string): string | undefined {
  return pinnedNeighbours(kernel)
    .get(ifindex)
    ?.find((neighbour) => neighbour.mac === mac)?.address;
}
