/** One port moves: what it costs the agent, by the size of the intent. The sizes take turns. */
import { runNode } from '../lib/processes.js';
import { percentile, spread } from '../lib/statistics.js';
import type { StandIns } from '../lib/stand-ins.js';
import type { MoveResult } from './move.js';
import type { MoveSeries } from './results.js';

const MOVE = new URL('./move.js', import.meta.url);

export interface MovesOptions {
  /** Intents by size, ascending: remote ports, and the file. */
  intents: readonly { remotePorts: number; file: string }[];
  rounds: number;
  moves: number;
  checked: number;
  standIns: StandIns;
  tell: (text: string) => void;
}

/** @throws Error when a move touched what it had not to */
export async function measureMoves(options: MovesOptions): Promise<MoveSeries[]> {
  const { intents, rounds, moves, checked, standIns, tell } = options;
  const results = new Map<number, MoveResult[]>(intents.map(({ remotePorts }) => [remotePorts, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const { remotePorts, file } of intents) {
      tell(`one port moves among ${remotePorts}, round ${round} of ${rounds}`);
      const args = [standIns.netns, file, String(moves), String(round === 1 ? checked : 0)];
      const result = await runNode<MoveResult>(MOVE, args, { quiet: true });
      if (result.touched.length > 0) throw new Error(`a move: ${result.touched.slice(0, 3).join('; ')}`);
      results.get(remotePorts)?.push(result);
      await standIns.empty();
    }
  }
  return [...results].map(([remotePorts, of]) => series(remotePorts, of));
}

function series(remotePorts: number, results: readonly MoveResult[]): MoveSeries {
  const all = results.flatMap(({ latencies }) => latencies);
  const of = (fraction: number) => spread(results.map(({ latencies }) => percentile(latencies, fraction)));
  return {
    remotePorts,
    latency: {
      p50: percentile(all, 0.5),
      p90: percentile(all, 0.9),
      p99: percentile(all, 0.99),
      max: percentile(all, 1),
      count: all.length,
    },
    p50: of(0.5),
    p99: of(0.99),
    converge: spread(results.map(({ converge }) => converge)),
    peakMiB: spread(results.map(({ peakMiB }) => peakMiB)),
    checked: results.reduce((sum, result) => sum + result.checked, 0),
    touched: results.flatMap(({ touched }) => touched),
  };
}
