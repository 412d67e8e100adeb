/** Time and memory of plan and diff by size: `make bench BENCH="--only plan"`, or `node build/bench/plan/main.js --help`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine } from '../lib/machine.js';
import { numberOption, numbersOption } from '../lib/options.js';
import { interrupt, run } from '../lib/processes.js';
import { writeJson } from '../lib/session.js';
import { spread } from '../lib/statistics.js';
import { tell } from '../lib/tell.js';
import { intentFile, makeIntent } from '../lib/workload.js';
import type { Spread } from '../lib/statistics.js';
import type { Held, HoldFigures } from './hold.js';
import type { FedFigures } from './fed.js';
import type { PlanFigures } from './one.js';
import type { PlanResults, PlanSize } from './results.js';

const USAGE = `usage: node build/bench/plan/main.js [options]      (make bench BENCH="--only plan")
  --sizes N,N    remote ports (1000,10000,100000,1000000)
  --rounds N     rounds, all sizes in each (3)         --json FILE   result file
`;
const TENANTS = 256;
const NODES = 1000;
const MODES = ['kernel', 'hybrid'] as const;
type Mode = (typeof MODES)[number];
const ONE = fileURLToPath(new URL('./one.js', import.meta.url));
const FED = fileURLToPath(new URL('./fed.js', import.meta.url));
const HOLD = fileURLToPath(new URL('./hold.js', import.meta.url));
/** V8's own bound is too low for reading a million ports. */
const NODE_FLAGS = ['--expose-gc', '--max-old-space-size=8192'];

async function measure(sizes: readonly number[], rounds: number, folder: string): Promise<PlanSize[]> {
  const figures: Record<Mode, Map<number, PlanFigures[]>> = { kernel: new Map(), hybrid: new Map() };
  const feds = new Map<number, FedFigures[]>();
  const holds = new Map<number, HoldFigures[]>();
  const files = sizes.map((remotePorts) => {
    const file = join(folder, `${remotePorts}.json`);
    writeFileSync(file, intentFile(makeIntent({ remotePorts, tenants: TENANTS, nodes: NODES, placement: 'dealt' })));
    return file;
  });
  for (let round = 1; round <= rounds; round++) {
    for (const [index, size] of sizes.entries()) {
      for (const mode of MODES) {
        tell(`plan: ${size} remote ports, ${mode}, round ${round} of ${rounds}`);
        const args = [...NODE_FLAGS, ONE, files[index] ?? '', mode];
        const { code, stdout, stderr } = await run(process.execPath, args);
        if (code !== 0) throw new Error(`${size} remote ports: ${stderr.trim()}`);
        figures[mode].set(size, [...(figures[mode].get(size) ?? []), JSON.parse(stdout) as PlanFigures]);
      }
      tell(`plan: ${size} remote ports, the event loop, round ${round} of ${rounds}`);
      const { code, stdout, stderr } = await run(process.execPath, [...NODE_FLAGS, HOLD, files[index] ?? '', 'kernel']);
      if (code !== 0) throw new Error(`${size} remote ports: ${stderr.trim()}`);
      const fed = await run(process.execPath, [...NODE_FLAGS, FED, files[index] ?? '']);
      if (fed.code !== 0) throw new Error(`${size} remote ports: ${fed.stderr.trim()}`);
      feds.set(size, [...(feds.get(size) ?? []), JSON.parse(fed.stdout) as FedFigures]);
      holds.set(size, [...(holds.get(size) ?? []), JSON.parse(stdout) as HoldFigures]);
    }
  }
  return sizes.map((remotePorts) => {
    const held = (read: (one: HoldFigures) => Held): Spread =>
      spread((holds.get(remotePorts) ?? []).map((one) => read(one).longestMs));
    const fed = (read: (one: FedFigures) => number): Spread => spread((feds.get(remotePorts) ?? []).map(read));
    const of = (read: (one: PlanFigures) => number, mode: Mode = 'kernel') =>
      spread((figures[mode].get(remotePorts) ?? []).map(read));
    return {
      remotePorts,
      routes: figures.kernel.get(remotePorts)?.[0]?.routes ?? 0,
      loadMs: of(({ loadMs }) => loadMs),
      planMs: of(({ planMs }) => planMs),
      diffMs: of(({ diffMs }) => diffMs),
      changeMs: of(({ changeMs }) => changeMs),
      intentMiB: of(({ intentMiB }) => intentMiB),
      planMiB: of(({ planMiB }) => planMiB),
      peakMiB: of(({ peakMiB }) => peakMiB),
      hybrid: {
        members: figures.hybrid.get(remotePorts)?.[0]?.members ?? 0,
        planMs: of(({ planMs }) => planMs, 'hybrid'),
        changeMs: of(({ changeMs }) => changeMs, 'hybrid'),
        planMiB: of(({ planMiB }) => planMiB, 'hybrid'),
      },
      fed: {
        changeMs: fed((one) => one.changeMs),
        takenMs: fed((one) => one.takenMs),
        wholeMs: fed((one) => one.wholeMs),
      },
      longestTurn: {
        readMs: held(({ read }) => read),
        planMs: held(({ plan }) => plan),
        followMs: held(({ follow }) => follow),
      },
    };
  });
}

const { values } = parseArgs({
  options: {
    sizes: { type: 'string' },
    rounds: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean' },
  },
});
if (values.help === true) {
  process.stdout.write(USAGE);
} else {
  const sizes = numbersOption('sizes', values.sizes, [1000, 10_000, 100_000, 1_000_000]);
  const rounds = numberOption('rounds', values.rounds, 3);
  const folder = mkdtempSync(join(tmpdir(), 'segue-bench-plan-'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  try {
    const machine = describeMachine();
    const results: PlanResults = {
      machine,
      rounds,
      tenants: TENANTS,
      nodes: NODES,
      sizes: await measure(sizes, rounds, folder),
    };
    if (values.json !== undefined) writeJson(values.json, results);
    else process.stdout.write(`${JSON.stringify(results, null, 1)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
