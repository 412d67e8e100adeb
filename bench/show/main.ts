/**
 * Processor time of `segue show` beyond that of `segue --version`, beside an intent of any size: with an agent that answers, and without one, by the node's part of
 * the intent that the agent kept. `node build/bench/show/main.js --help`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SEGUE_COMMAND } from '../../lab/paths.js';
import { Background } from '../../lab/process.js';
import { runDirectory } from '../../src/agent/run-directory.js';
import { makeStand } from '../entries/stand.js';
import { UPLINK } from '../entries/node.js';
import { numberOption, numbersOption } from '../lib/options.js';
import { session } from '../lib/session.js';
import { intentFile, makeIntent, SELF } from '../lib/workload.js';

const USAGE = `usage: node build/bench/show/main.js [options]
  --sizes N,N  remote ports (1000,100000)   --rounds N   rounds, all commands in each (10)
`;
const TENANTS = 16;
const NODES = 1000;
const CONVERGE_MS = 600_000;
const MAX_BYTES = 1 << 28;
/** What is to be shown does not grow with the intent. */
const SHOWN = ['vrf', 'sid', 'port', 'fastpath', 'counters', 'gateway', 'policy', 'flow'] as const;
const TICK_MS = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Milliseconds of the children that were waited for (proc(5): cutime, cstime). */
function childrenMs(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const [user = '', system = ''] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(13, 15);
  return (Number(user) + Number(system)) * TICK_MS;
}

/** Milliseconds of processor that a command takes. */
function costOf(...args: string[]): number {
  const before = childrenMs();
  const { status, stderr } = spawnSync(process.execPath, [SEGUE_COMMAND, ...args], {
    encoding: 'utf8',
    maxBuffer: MAX_BYTES,
  });
  if (status !== 0) throw new Error(`segue ${args.join(' ')}: ${stderr.trim()}`);
  return childrenMs() - before;
}

/** Means over the rounds: a tick of the kernel's is longer than what is looked for. */
function measure(file: string, rounds: number): Map<string, number> {
  const sums = new Map<string, number>();
  const add = (what: string, ms: number): void => void sums.set(what, (sums.get(what) ?? 0) + ms / rounds);
  for (let round = 0; round < rounds; round++) {
    const version = costOf('--version');
    add('--version', version);
    for (const what of SHOWN) add(`show ${what}`, costOf('show', what, '-c', file) - version);
  }
  return sums;
}

function tableOf(titles: readonly string[], columns: readonly ReadonlyMap<string, number>[]): string {
  const [first] = columns;
  const rows = [...(first?.keys() ?? [])].map((what) => [
    `\`${what}\``,
    ...columns.map((one) => (one.get(what) ?? NaN).toFixed(0)),
  ]);
  return [['', ...titles], ['', ...titles].map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('');
}

await session(async (names) => {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { sizes: text, rounds: text, help: { type: 'boolean' } } });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  const sizes = numbersOption('sizes', values.sizes, [1000, 100_000]);
  const rounds = numberOption('rounds', values.rounds, 10);
  const titles: string[] = [];
  const columns: Map<string, number>[] = [];
  const directory = mkdtempSync(join(tmpdir(), 'segue-bench-show-'));
  const file = join(directory, 'node.json');
  const netns = await makeStand(names.prefix, 'fd00:5e::/32', []);
  const node = { node: SELF, netns, uplinks: [UPLINK], dataplane: 'ebpf', xdp: 'never', intent: 'intent.json' };
  writeFileSync(file, JSON.stringify(node));
  try {
    for (const remotePorts of sizes) {
      const intent = makeIntent({ remotePorts, tenants: TENANTS, nodes: NODES, placement: 'dealt' });
      writeFileSync(join(directory, 'intent.json'), intentFile(intent));
      const agent = new Background(undefined, [SEGUE_COMMAND, 'agent', '-c', file, '--force']);
      try {
        await agent.waitFor(/converged on the intent/, CONVERGE_MS);
        await agent.waitFor(/API: listening/, CONVERGE_MS);
        titles.push(`${remotePorts} ports, ms by an agent`);
        columns.push(measure(file, rounds));
      } finally {
        await agent.stop();
      }
      titles.push(`${remotePorts} ports, ms without one`);
      columns.push(measure(file, rounds));
    }
    process.stdout.write(tableOf(titles, columns));
  } finally {
    rmSync(directory, { recursive: true, force: true });
    rmSync(runDirectory(SELF), { recursive: true, force: true });
  }
});
