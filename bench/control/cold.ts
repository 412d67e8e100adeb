/** Cold apply, and the one after it, against `ip -batch`: all contenders in every round, in turn. */
import { compile } from '../../src/app/planning.js';
import { join } from 'node:path';
import { nexthopBatch, ownEncapBatch, runBatch } from '../lib/ip-batch.js';
import { runNode } from '../lib/processes.js';
import { spread } from '../lib/statistics.js';
import { nodeConfig } from './native.js';
import type { Intent } from '../../src/intent/types.js';
import type { StandIns } from '../lib/stand-ins.js';
import type { BatchResult } from '../lib/ip-batch.js';
import type { Finished } from '../lib/processes.js';
import type { ApplyResult, ApplyTimes } from './apply.js';
import type { ColdResult, Contender, Steps } from './results.js';

const APPLY = new URL('./apply.js', import.meta.url);
/** What planning would read from the uplink. */
const UPLINK_MTU_BYTES = 1500;

export interface ColdOptions {
  name: string;
  intent: Intent;
  /** The intent's file. */
  file: string;
  /** For files of its own. */
  directory: string;
  rounds: number;
  standIns: StandIns;
  tell: (text: string) => void;
}

interface Round {
  cold: ApplyResult & Finished;
  second: ApplyResult & Finished;
  own: BatchResult;
  nexthop: BatchResult;
}

/** @throws Error when something was not brought about, or is not all there afterwards */
export async function measureCold(options: ColdOptions): Promise<ColdResult> {
  const { name, intent, rounds, tell } = options;
  const config = nodeConfig(options.standIns.netns, options.file);
  const plan = compile(intent, config, { uplinkMtu: UPLINK_MTU_BYTES });
  const own = ownEncapBatch(plan);
  const shared = nexthopBatch(plan);
  const remotePorts = own.length;
  const done: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    tell(`cold apply, ${name}, round ${round} of ${rounds}`);
    done.push(await oneRound(options, own, shared, remotePorts));
  }
  const batch = (of: (round: Round) => BatchResult): Contender => ({
    ...contender(remotePorts, done.map(of)),
    retried: done.reduce((sum, round) => sum + of(round).retried, 0),
  });
  const ratio = (of: (round: Round) => number) => spread(done.map((round) => round.own.ms / of(round)));
  return {
    name,
    remotePorts,
    nexthops: plan.nexthop.size,
    segue: {
      ...contender(
        remotePorts,
        done.map(({ cold }) => cold),
      ),
      steps: steps(done.map(({ cold }) => cold)),
    },
    second: {
      ...contender(
        remotePorts,
        done.map(({ second }) => second),
      ),
      steps: steps(done.map(({ second }) => second)),
      changes: done.reduce((sum, { second }) => sum + changesOf(second), 0),
    },
    ipOwn: batch(({ own }) => own),
    ipNexthop: batch(({ nexthop }) => nexthop),
    ratio: {
      netlink: ratio(({ cold }) => cold.times.execute),
      intent: ratio(({ cold: { times } }) => times.plan + times.diff + times.execute),
      apply: ratio(({ cold }) => cold.times.total),
      process: ratio(({ cold }) => cold.ms),
    },
  };
}

async function oneRound(
  { file, directory, standIns }: ColdOptions,
  own: string[],
  shared: string[],
  remotePorts: number,
): Promise<Round> {
  const { netns } = standIns;
  const all = (what: string): void => {
    const { tunnelRoutes } = standIns.count();
    if (tunnelRoutes !== remotePorts) throw new Error(`${what}: ${tunnelRoutes} routes, expected ${remotePorts}`);
  };
  const apply = () => runNode<ApplyResult>(APPLY, [netns, file]);
  const cold = await apply();
  if (cold.failures.length > 0) throw new Error(`apply: ${cold.failures.slice(0, 3).join('; ')}`);
  all('apply');
  const second = await apply();
  if (changesOf(second) > 0) throw new Error(`second apply: ${changesOf(second)} changes, expected none`);
  await standIns.empty();

  const ownResult = await runBatch(own, netns, join(directory, 'own.batch'));
  all('ip -batch, an encapsulation each');
  await standIns.empty();

  // Routes name next hops: these must all be there first.
  const isNexthop = (line: string) => line.startsWith('nexthop');
  const first = await runBatch(shared.filter(isNexthop), netns, join(directory, 'nexthop.batch'));
  const then = await runBatch(
    shared.filter((line) => !isNexthop(line)),
    netns,
    join(directory, 'route.batch'),
  );
  all('ip -batch, next-hop objects');
  await standIns.empty();
  const nexthop = {
    ms: first.ms + then.ms,
    peakMiB: Math.max(first.peakMiB, then.peakMiB),
    retried: first.retried + then.retried,
  };
  return { cold, second, own: ownResult, nexthop };
}

function changesOf({ done }: ApplyResult): number {
  return done.create + done.replace + done.delete;
}

function contender(routes: number, results: readonly { ms: number; peakMiB: number }[]): Contender {
  return {
    process: spread(results.map(({ ms }) => ms)),
    routesPerSecond: spread(results.map(({ ms }) => (routes / ms) * 1000)),
    peakMiB: spread(results.map(({ peakMiB }) => peakMiB)),
  };
}

function steps(results: readonly ApplyResult[]): Steps {
  const of = (step: keyof ApplyTimes) => spread(results.map(({ times }) => times[step]));
  return {
    start: of('start'),
    load: of('load'),
    plan: of('plan'),
    diff: of('diff'),
    execute: of('execute'),
    total: of('total'),
  };
}
