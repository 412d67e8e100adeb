import { readFacts } from '../../agent/facts.js';
import { familyOf } from 'netlink-ts/inet';
import { checkGuard } from './guard.js';
import { deliverHere, deliverThere } from './deliver.js';
import { traceAtNetworkNode } from './trace-network-node.js';
import { TraceLog, TraceEnd } from './trace-log.js';
import { traceFast } from './fast.js';
import { packetOf } from './synthetic-packet.js';
import { checkPort, findSource } from './source.js';
import { tenantRoute } from './tenant-route.js';
import { traceOuter } from './outer.js';
import type { ShowContext } from '../inspect/context.js';
import type { Intent } from '../../intent/types.js';
import type { Packet } from './look-back.js';
import type { ArrivingQuestion, Question, Trace } from './types.js';
import type { Source } from './source.js';

/**
 * Traces a packet from a port's VM. The fast path's program is run on it. For packets that go to the kernel, or all without a fast path, the kernel
 * is queried (RTM_GETROUTE, nftables sets, states of links and neighbours). The destination node's part is predicted from its plan.
 *
 * @param intent whole, unscoped; undefined: only the kernel
 * @throws QuestionError if the question names no port of this node
 */
export async function trace(context: ShowContext, intent: Intent | undefined, question: Question): Promise<Trace> {
  const traceLog = new TraceLog(context.config.node);
  const source = findSource(context, intent, question);
  const { port, tenant, from } = source;
  const { to, size, protocol = 'icmp' } = question;
  const asked = { node: context.config.node, port, interface: source.interface, tenant, from, to, size, protocol };
  try {
    return await follow(context, intent, source, question, traceLog);
  } catch (end) {
    if (!(end instanceof TraceEnd)) throw end;
    return { ...asked, ...endOf(end, traceLog) };
  }
}

/**
 * Traces a packet that arrives at this node, a network node. Its program is run, and the next node's part is predicted from its plan.
 *
 * @throws QuestionError if this node does not serve the tenant
 */
export function traceFromNetworkNode(
  context: ShowContext,
  intent: Intent | undefined,
  question: ArrivingQuestion,
): Trace {
  const traceLog = new TraceLog(context.config.node);
  const { tenant, from, to, size, protocol = 'icmp' } = question;
  const asked = { node: context.config.node, port: null, interface: null, tenant, from, to, size, protocol };
  try {
    const { sid, packet } = traceAtNetworkNode(context, intent, question, traceLog);
    return arrive(context, intent, sid, packet, traceLog);
  } catch (end) {
    if (!(end instanceof TraceEnd)) throw end;
    return { ...asked, ...endOf(end, traceLog) };
  }
}

function endOf({ verdict, reason, text, next }: TraceEnd, { path, steps }: TraceLog): Omit<Trace, keyof Asked> {
  return { path, steps, verdict, reason: reason ?? null, text, next: next ?? null };
}

/** Fields that are known before any check. */
type Asked = Pick<Trace, 'node' | 'port' | 'interface' | 'tenant' | 'from' | 'to' | 'size' | 'protocol'>;

async function follow(
  context: ShowContext,
  intent: Intent | undefined,
  found: Source,
  question: Question,
  traceLog: TraceLog,
): Promise<never> {
  const fast = traceFast(context, found, question, traceLog);
  if (fast.kind === 'sent') {
    return arrive(context, intent, fast.sid, packetOf(found, question, fast.hopLimit), traceLog);
  }
  return followKernel(context, intent, found, question, traceLog);
}

async function followKernel(
  context: ShowContext,
  intent: Intent | undefined,
  found: Source,
  question: Question,
  traceLog: TraceLog,
): Promise<never> {
  const { to, size, ttl } = question;
  const source = checkPort(context, intent, found, traceLog);
  await checkGuard(context.kernel, source, to, traceLog);
  const decision = tenantRoute(context, source, to, traceLog);
  switch (decision.kind) {
    case 'gateway':
      return traceLog.end(
        'delivered',
        `to the gateway ${to} on this node, which answers only ICMP and neighbour discovery`,
      );
    case 'local':
      checkHopLimit(ttl, traceLog);
      return deliverHere(context, decision.device, decision.via, { to, size }, traceLog);
    case 'encap': {
      // The outer header gets a copy (seg6_do_srh_encap, net/ipv6/seg6_iptunnel.c): the packet expires at the next hop.
      if (familyOf(to) === 6) checkHopLimit(ttl, traceLog);
      const sid = traceOuter(context, source, decision.encap, size, traceLog);
      return arrive(context, intent, sid, packetOf(source, question, ttl), traceLog);
    }
  }
}

function checkHopLimit(ttl: number | undefined, traceLog: TraceLog): void {
  if (ttl === undefined || ttl > 1) return;
  traceLog.drop('route', 'hop-limit', `TTL ${ttl}`, 'its TTL or hop limit has run out', { hopLimit: ttl });
}

function arrive(
  context: ShowContext,
  intent: Intent | undefined,
  sid: string,
  packet: Packet,
  traceLog: TraceLog,
): never {
  const facts = readFacts(context.kernel, context.config, intent);
  return deliverThere(intent, context.config, facts, sid, packet, traceLog);
}
