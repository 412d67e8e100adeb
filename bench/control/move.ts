/**
 * One agent in a process of its own that converges on an intent and then follows ports that move, one at a time. Prints
 * what it found as JSON. Arguments: namespace, intent file, moves that are timed, moves that are checked.
 */
import { performance } from 'node:perf_hooks';
import { Agent } from '../../src/agent/agent.js';
import { createLogger } from '../../src/agent/log.js';
import { isMain } from '../lib/is-main.js';
import { SELF } from '../lib/workload.js';
import { Dump } from './dump.js';
import { MovingSource } from './moving-source.js';
import { NATIVE_RESOURCES, nodeConfig } from './native.js';
import type { Move } from './moving-source.js';

/** Moves before the first that is timed, for the compiler's sake. */
const WARM_UP = 300;
const SWEEP_SECONDS = 86_400;

export interface MoveResult {
  /** From the first snapshot to the last acknowledgement, milliseconds. */
  converge: number;
  /** What moves touched beyond what they must, or left as it was; all moves that were checked together. */
  touched: string[];
  checked: number;
  /** From the source's change event to the kernel's last acknowledgement, microseconds, in order. */
  latencies: number[];
  peakMiB: number;
}

export async function move(netns: string, file: string, timed: number, checked: number): Promise<MoveResult> {
  const source = new MovingSource(file);
  const agent = new Agent({
    config: nodeConfig(netns, file),
    configFile: file,
    log: createLogger({ level: 'info', node: SELF }),
    sweepSeconds: SWEEP_SECONDS,
    force: false,
    source,
    resources: NATIVE_RESOURCES,
  });
  const started = performance.now();
  await agent.start();
  await agent.idle();
  const converge = performance.now() - started;
  for (let i = 0; i < WARM_UP; i++) await moveOne(agent, source);
  const latencies: number[] = [];
  for (let i = 0; i < timed; i++) latencies.push(await moveOne(agent, source));
  // Before the dumps, which are not the agent's.
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  const touched: string[] = [];
  for (let i = 0; i < checked; i++) touched.push(...(await checkOne(agent, source, netns)));
  await agent.stop();
  return { converge, latencies, touched, checked, peakMiB };
}

async function moveOne(agent: Agent, source: MovingSource): Promise<number> {
  const { event } = source.next();
  const started = performance.now();
  source.emit(event);
  await agent.idle();
  const taken = (performance.now() - started) * 1000;
  // As between two events of a real source: the loop turns, the echo of our own requests comes in.
  await new Promise((resolve) => setImmediate(resolve));
  return taken;
}

/** Moves a port and compares the kernel's whole list of routes and next hops with that of before. */
async function checkOne(agent: Agent, source: MovingSource, netns: string): Promise<string[]> {
  const before = new Dump(netns);
  const next = source.next();
  source.emit(next.event);
  await agent.idle();
  const differences = before.differences(new Dump(netns));
  const expected = expectedDifferences(next);
  // Both sorted by their words, and as many.
  const same =
    differences.length === expected.length && expected.every((start, i) => differences[i]?.startsWith(start));
  return same ? [] : [`${next.after.name}: ${differences.join(', ')}: expected ${expected.join(', ')}`];
}

/** The route in any case; a next hop only where the port is the first of its tenant, or was the last. */
function expectedDifferences({ after, staying, there }: Move): string[] {
  return [
    ...(there === 0 ? ['added nexthop'] : []),
    `changed route ${after.addresses[0]}/32`,
    ...(staying === 0 ? ['removed nexthop'] : []),
  ];
}

if (isMain(import.meta.url)) {
  const [netns = '', file = '', timed = '0', checked = '0'] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await move(netns, file, Number(timed), Number(checked))) + '\n');
}
