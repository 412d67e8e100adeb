/** A process of a simulation, with the sources of many nodes, some with a planner. */
import { join } from 'node:path';
import { plannerOf } from '../../src/app/planning.js';
import { FeedSource } from '../../src/fleet/node/feed-source.js';
import { addLatency, newLatency } from '../../src/fleet/status/latency.js';
import type { Planner } from '../../src/plan/planner.js';
import type { NodeFacts } from '../../src/plan/view.js';
import type { IntentEvent } from '../../src/intent/source.js';
import type { NodeConfig } from '../../src/intent/types.js';
import type { EntityValue } from '../../src/fleet/types.js';
import type { FromHost, HostedNode, HostState, ToHost } from './messages.js';

/** Facts of a machine with the fast path. */
const FACTS: NodeFacts = { uplinkMtu: 1500, fastpath: { xdp: [] } };
/** Limit of shared values; beyond it they are discarded, which only costs memory. */
const MAX_SHARED = 2_000_000;

/** Values that occur in many parts are kept once in this process. */
const shared = new Map<string, EntityValue>();
function parse(text: string): EntityValue {
  let value = shared.get(text);
  if (value === undefined) {
    if (shared.size >= MAX_SHARED) shared.clear();
    value = JSON.parse(text) as EntityValue;
    shared.set(text, value);
  }
  return value;
}

class SimulatedNode {
  readonly source: FeedSource;
  readonly #config: NodeConfig;
  readonly #plans: boolean;
  #planner: Planner | undefined;
  completeMs = 0;
  readonly errors: string[] = [];

  constructor({ name, tls, plans }: HostedNode, feeds: string[], directory: string) {
    this.#plans = plans;
    this.#config = {
      ...{ node: name, uplinks: ['eth0'], dataplane: 'ebpf', xdp: 'auto', behaviours: ['dt46'] },
      intent: join(directory, `${name}.json`),
      feeds: { endpoints: feeds, tls },
    };
    // There is no run-time directory: nobody runs the doctor for a simulated node.
    const runDirectory = join(directory, 'none', name);
    this.source = new FeedSource({ config: this.#config, configFile: name, runDirectory, parse, withoutCache: true });
  }

  start(): void {
    void this.source.start((event) => {
      this.#take(event);
    });
  }

  #take(event: IntentEvent): void {
    if (event.type === 'error') {
      // Feeds that do not answer yet are part of the simulation.
      if (!event.error.message.startsWith('no feed answers')) this.errors.push(event.error.message);
      return;
    }
    if (this.completeMs === 0) this.completeMs = Date.now();
    if (this.#plans) {
      if (event.type === 'snapshot' || this.#planner === undefined)
        this.#planner = plannerOf(this.#config, FACTS, event.intent);
      else this.#planner.apply(event.changes);
    }
    event.progress?.('planned');
    event.progress?.('applied');
  }
}

const nodes: SimulatedNode[] = [];

function state(): HostState {
  const latency = newLatency();
  const sequences: Record<string, number> = {};
  const errors = new Set<string>();
  let [ports, streams, lastStreamMs, resumed] = [0, 0, 0, 0];
  for (const node of nodes) {
    const { connections } = node.source;
    streams += connections.streams;
    resumed += connections.resumed;
    lastStreamMs = Math.max(lastStreamMs, connections.lastStreamMs);
    const status = node.source.nodeStatus;
    addLatency(latency, status.latency);
    sequences[status.applied] = (sequences[status.applied] ?? 0) + 1;
    ports += status.ports;
    for (const error of node.errors) errors.add(error);
  }
  const complete = nodes.filter(({ completeMs }) => completeMs > 0);
  return {
    ...{
      started: nodes.length,
      complete: complete.length,
      sequences,
      latency,
      ...{ ports, streams, lastStreamMs, resumed },
      errors: [...errors].slice(0, 10),
    },
    lastCompleteMs: complete.reduce((last, { completeMs }) => Math.max(last, completeMs), 0),
  };
}

process.on('message', (message: ToHost) => {
  if (message.type === 'start') {
    const made = message.nodes.map((node) => new SimulatedNode(node, message.feeds, message.directory));
    nodes.push(...made);
    for (const node of made) node.start();
  } else if (message.type === 'reconnect') {
    for (const { source } of nodes) source.reconnect(message.byCertificate);
  } else {
    const answer: FromHost = { type: 'state', id: message.id, state: state() };
    process.send?.(answer);
  }
});
process.on('disconnect', () => process.exit());
