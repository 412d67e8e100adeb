/** The control-plane benchmark: `make bench`, or with options `node build/bench/control/main.js --help`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { RUN_ROOT } from '../../src/agent/instance.js';
import { describeMachine } from '../lib/machine.js';
import { interrupt, isInterrupted } from '../lib/processes.js';
import { StandIns } from '../lib/stand-ins.js';
import { intentFile, makeIntent, SELF } from '../lib/workload.js';
import { measureCold } from './cold.js';
import { measureMoves } from './moves.js';
import { parseOptions, USAGE } from './options.js';
import { tables } from './report.js';
import type { Placement } from '../lib/workload.js';
import type { Options } from './options.js';
import type { ColdResult, ControlResults } from './results.js';

/** Nodes of a tenant whose ports keep together: a rack. */
const RACK_NODES = 32;

const started = performance.now();
function tell(text: string): void {
  process.stderr.write(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${text}\n`);
}

function onSignal(): void {
  if (isInterrupted()) return;
  tell('interrupted: cleaning up, which takes seconds');
  interrupt();
}

async function measure(options: Options, standIns: StandIns, directory: string): Promise<ControlResults> {
  const { ports, tenants, nodes, rounds } = options;
  const machine = describeMachine();
  tell(`Linux ${machine.kernel}, ${machine.processors} × ${machine.processor}, load ${machine.load1.toFixed(1)}`);
  const cold: ColdResult[] = [];
  const placements: [name: string, placement: Placement][] = [
    ['dealt', 'dealt'],
    ['anywhere', nodes],
    ['racks', Math.min(RACK_NODES, nodes)],
  ];
  for (const [name, placement] of placements) {
    const intent = makeIntent({ remotePorts: ports, tenants, nodes, placement });
    const file = join(directory, `${name}.json`);
    writeFileSync(file, intentFile(intent));
    cold.push(await measureCold({ name, intent, file, directory, rounds, standIns, tell }));
  }
  const intents = [ports / 100, ports / 10, ports].map(Math.ceil).map((remotePorts) => {
    const file = join(directory, `move-${remotePorts}.json`);
    writeFileSync(file, intentFile(makeIntent({ remotePorts, tenants, nodes, placement: 'dealt' })));
    return { remotePorts, file };
  });
  const move = await measureMoves({ ...options, intents, standIns, tell });
  return { machine, tenants, nodes, rounds, cold, move };
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const directory = mkdtempSync(join(tmpdir(), 'segue-bench-'));
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const ids = makeIntent({ ...options, remotePorts: 1, placement: 'dealt' }).tenants.map(({ id }) => id);
  let standIns: StandIns | undefined;
  try {
    standIns = await StandIns.create(`segue-bench-${process.pid}`, ids);
    const results = await measure(options, standIns, directory);
    if (options.json !== undefined) {
      mkdirSync(dirname(options.json), { recursive: true });
      writeFileSync(options.json, JSON.stringify(results, undefined, 1) + '\n');
    }
    process.stdout.write(tables(results));
  } catch (error) {
    if (!isInterrupted()) throw error;
    process.exitCode = 130;
  } finally {
    tell('removing namespaces and files');
    await standIns?.remove();
    rmSync(directory, { recursive: true, force: true });
    rmSync(join(RUN_ROOT, SELF), { recursive: true, force: true });
  }
}

if (process.argv.includes('--help')) {
  process.stdout.write(USAGE);
} else {
  await main();
}
