/**
 * How long the agent's event loop is held while an intent comes to the agent of one node: read and checked, planned, and followed after a
 * change. A process of its own. Arguments: intent file, `kernel` or `hybrid`. Prints JSON.
 */
import { plannerSteps } from '../../src/app/planning.js';
import { readFileSync, rmSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { IntentReader } from '../../src/agent/intent-reader.js';
import { diffSteps } from '../../src/app/intent.js';
import { runYielding } from '../../src/reconcile/steps.js';
import { mainThreadMs } from '../lib/thread-time.js';
import { isMain } from '../lib/is-main.js';
import { SELF } from '../lib/workload.js';
import type { Dataplane, Intent, NodeConfig } from '../../src/intent/types.js';

/** Milliseconds. */
export interface Held {
  ms: number;
  /** Longest turn of the event loop, processor time of its thread. */
  longestMs: number;
  /** The same by the clock: perf_hooks.monitorEventLoopDelay. */
  longestDelayMs: number;
}

export interface HoldFigures {
  read: Held;
  plan: Held;
  /** One port moved: the file read again, compared with what is held, planned. */
  follow: Held;
}

const UPLINK_MTU_BYTES = 1500;
const SETTLE_MS = 200;

export async function measureHold(file: string, dataplane: Dataplane): Promise<HoldFigures> {
  const runDirectory = mkdtempSync(join(tmpdir(), 'segue-hold-'));
  const config: NodeConfig = {
    ...{ node: SELF, uplinks: ['eth0'], dataplane, xdp: 'never', behaviours: ['dt46'], intent: file },
  };
  const reader = new IntentReader({ config, configFile: 'node.yaml', runDirectory });
  const read = async (): Promise<Intent> => {
    const { intent } = await reader.read(undefined);
    if (intent === undefined) throw new Error('nothing was read');
    return intent;
  };
  const facts = { uplinkMtu: UPLINK_MTU_BYTES, ...(dataplane !== 'kernel' && { fastpath: { xdp: [] } }) };
  const [readHeld, intent] = await held(read);
  const [planHeld, planner] = await held(() => runYielding(plannerSteps(config, facts, intent)));
  moveOnePort(file);
  await sleep(SETTLE_MS);
  const [followHeld] = await held(async () => planner.apply(await runYielding(diffSteps(intent, await read()))));
  rmSync(runDirectory, { recursive: true });
  return { read: readHeld, plan: planHeld, follow: followHeld };
}

/** Gives one remote port another address, as text: a million ports need not be parsed for it. */
function moveOnePort(file: string): void {
  const text = readFileSync(file, 'utf8');
  const at = text.lastIndexOf('"addresses":["10.0.');
  const moved = text
    .slice(at)
    .replace(/10\.0\.\d+\.\d+/, (old) => (old === '10.0.253.253' ? '10.0.253.252' : '10.0.253.253'));
  writeFileSync(file, text.slice(0, at) + moved);
}

/** Turns of the event loop are counted in processor time: on a machine that does other things, too, the clock says what these take. */
async function held<T>(use: () => Promise<T>): Promise<[Held, T]> {
  let longestMs = 0;
  let last = mainThreadMs();
  let isOver = false;
  const look = (): void => {
    const now = mainThreadMs();
    longestMs = Math.max(longestMs, now - last);
    last = now;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const started = performance.now();
  const result = await use();
  const ms = performance.now() - started;
  delay.disable();
  isOver = true;
  return [{ ms, longestMs, longestDelayMs: delay.max / 1e6 }, result];
}

if (isMain(import.meta.url)) {
  const [file = '', dataplane] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await measureHold(file, dataplane === 'hybrid' ? 'hybrid' : 'kernel')) + '\n');
}
