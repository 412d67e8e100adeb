/** The state of the agent and its intent. */
import { portRecords } from '../cli/show/port.js';
import { listUnderlays } from '../ebpf/underlay-resource.js';
import { readVersion } from '../agent/version.js';
import { refuseQuery } from './query.js';
import { replyJson } from './reply.js';
import { withContext } from './shown.js';
import type { PortState } from '../cli/show/port.js';
import type { ShowContext } from '../observe/inspect/context.js';
import type { Handler } from './services.js';

export type PortCounts = Record<PortState, number>;

export function countPorts(context: ShowContext): PortCounts {
  const counts: PortCounts = { up: 0, down: 0, 'no-carrier': 0, waiting: 0, detached: 0 };
  for (const { state } of portRecords(context)) counts[state] += 1;
  return counts;
}

/** Locators without next hops in the fast path. */
export function unresolvedLocators({ kernel }: ShowContext): { resolved: number; unresolved: string[] } {
  const all = listUnderlays(kernel);
  const unresolved = all.filter(({ hops }) => hops.length === 0).map(({ key }) => key);
  return { resolved: all.length - unresolved.length, unresolved };
}

export const answerStatus: Handler = async ({ query, response }, { agentState, basis, turns }) => {
  refuseQuery(query);
  const state = await agentState();
  const { config, configFile } = basis.files;
  const found = await turns.run(() =>
    withContext(basis.read(), (context, { degraded }) =>
      Promise.resolve({
        ports: countPorts(context),
        underlay: unresolvedLocators(context),
        degraded: degraded ?? null,
      }),
    ),
  );
  const { tasks, process: own, ...rest } = state;
  replyJson(response, {
    node: config.node,
    version: readVersion(),
    nodeFile: configFile,
    netns: config.netns ?? null,
    dataplane: config.dataplane,
    ...rest,
    tasks: Object.fromEntries(
      Object.entries(tasks).map(([reason, { counts, sum }]) => [
        reason,
        { count: counts.reduce((total, one) => total + one, 0), seconds: sum },
      ]),
    ),
    process: own,
    ...found,
  });
};

export const answerIntent: Handler = async ({ query, response }, { agentState, basis }) => {
  refuseQuery(query);
  const { intent } = await agentState();
  const { intent: own, degraded } = basis.read();
  replyJson(response, {
    file: basis.files.config.intent,
    ...intent,
    // The part that is relevant to the node, without ports on other nodes.
    degraded: degraded ?? null,
    intent: own,
  });
};
