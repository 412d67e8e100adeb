/**
 * One running agent whose intent changes by one policy at a time: from the source's change to the new set in force. Prints JSON.
 * Arguments: Place as JSON, updates that are timed.
 */
import { performance } from 'node:perf_hooks';
import { Agent } from '../../src/agent/agent.js';
import { createLogger } from '../../src/agent/log.js';
import { loadIntent, relevantTo } from '../../src/app/intent.js';
import { isMain } from '../lib/is-main.js';
import { randomFrom } from '../lib/workload.js';
import { nodeConfig } from './node.js';
import type { IntentEvent, IntentListener, IntentSource } from '../../src/intent/source.js';
import type { Intent } from '../../src/intent/types.js';
import type { Place } from './node.js';
import type { Policy } from '../../src/gateway/types.js';

/** Before the first that is timed, for the compiler's sake. */
const WARM_UP = 5;
const SWEEP_SECONDS = 86_400;
const SEED = 11;
const MIB = 2 ** 20;

export interface UpdateResult {
  /** Microseconds, in order. */
  latencies: number[];
  /** The agent's resident memory: while it held all of it and had nothing to do, and the most. */
  rssMiB: number;
  peakMiB: number;
}

class ChangingPolicies implements IntentSource {
  readonly #intent: Intent;
  readonly #policies: Policy[];
  readonly #random = randomFrom(SEED);
  #listener: IntentListener = () => undefined;

  constructor({ file, node }: Place) {
    this.#intent = relevantTo(loadIntent(file), node);
    this.#policies = [...(this.#intent.policies ?? [])];
    this.#intent.policies = this.#policies;
  }

  start(listener: IntentListener): Promise<void> {
    this.#listener = listener;
    listener({ type: 'snapshot', intent: this.#intent });
    return Promise.resolve();
  }

  close(): void {
    this.#listener = () => undefined;
  }

  /** Some policy allows what it denied, or the other way round. The intent has moved on; nobody knows yet. */
  next(): IntentEvent {
    const index = Math.floor(this.#random() * this.#policies.length);
    const before = this.#policies[index];
    if (before === undefined) throw new Error('no policy to change');
    const after: Policy = { ...before, action: before.action === 'allow' ? 'deny' : 'allow' };
    this.#policies[index] = after;
    const changes = [{ kind: 'policy' as const, key: after.name, before, after }];
    return { type: 'change', changes, intent: this.#intent };
  }

  emit(event: IntentEvent): void {
    this.#listener(event);
  }
}

export async function update(place: Place, timed: number): Promise<UpdateResult> {
  const source = new ChangingPolicies(place);
  const config = nodeConfig(place);
  const agent = new Agent({
    ...{ config, configFile: place.file, log: createLogger({ level: 'info', node: config.node }) },
    ...{ sweepSeconds: SWEEP_SECONDS, force: false, source, pinDirectory: place.pins },
  });
  await agent.start();
  await agent.idle();
  const latencies: number[] = [];
  for (let i = 0; i < WARM_UP + timed; i++) {
    const event = source.next();
    const started = performance.now();
    source.emit(event);
    await agent.idle();
    if (i >= WARM_UP) latencies.push((performance.now() - started) * 1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  void globalThis.gc?.();
  const rssMiB = process.memoryUsage().rss / MIB;
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  await agent.stop();
  return { latencies, rssMiB, peakMiB };
}

if (isMain(import.meta.url)) {
  const [argument = '', timed = '0'] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await update(JSON.parse(argument) as Place, Number(timed))) + '\n');
}
