import { readFacts } from '../agent/facts.js';
import { checkGuard } from './guard.js';
import { deliverHere, deliverThere } from './deliver.js';
import { Journal, TraceEnd } from './journal.js';
import { checkPort, findSource } from './source.js';
import { tenantRoute } from './tenant-route.js';
import { traceOuter } from './outer.js';
import type { ShowContext } from '../inspect/context.js';
import type { Intent } from '../intent/types.js';
import type { Question, Trace } from './types.js';
import type { Source } from './source.js';

/**
 * What the kernel would do to a packet that a port's VM sends, asked of the kernel itself (RTM_GETROUTE, nftables sets,
 * link and neighbour state); of the far node, what its plan says.
 *
 * @param intent whole, not scoped; undefined: the kernel alone
 * @throws QuestionError when the question names no port of this node
 */
export async function trace(context: ShowContext, intent: Intent | undefined, question: Question): Promise<Trace> {
  const journal = new Journal(context.config.node);
  const source = findSource(context, intent, question);
  const { port, tenant, from } = source;
  const { to, size } = question;
  const asked = { node: context.config.node, port, interface: source.interface, tenant, from, to, size };
  try {
    return await follow(context, intent, source, question, journal);
  } catch (end) {
    if (!(end instanceof TraceEnd)) throw end;
    const { verdict, reason, text } = end;
    return { ...asked, steps: journal.steps, verdict, reason: reason ?? null, text };
  }
}

async function follow(
  context: ShowContext,
  intent: Intent | undefined,
  found: Source,
  { to, size }: Question,
  journal: Journal,
): Promise<never> {
  const source = checkPort(context, intent, found, journal);
  await checkGuard(context.kernel, source, to, journal);
  const decision = tenantRoute(context, source, to, journal);
  switch (decision.kind) {
    case 'gateway':
      return journal.end(
        'delivered',
        `to the gateway ${to} on this node, which answers ICMP and neighbour discovery alone`,
      );
    case 'local':
      return deliverHere(context, decision.device, decision.via, { to, size }, journal);
    case 'encap': {
      const sid = traceOuter(context, source, decision.encap, size, journal);
      const facts = readFacts(context.kernel, context.config);
      const far = context.names.nodeOfSid(sid);
      return deliverThere(intent, context.config, facts, sid, far, { to, size }, journal);
    }
  }
}
