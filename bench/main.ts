/** All benchmarks, one after the other, then the report: `make bench`, or `node build/bench/main.js --help`. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { listOption } from './lib/options.js';
import { tell } from './lib/tell.js';
import { tethered } from './lib/tethered.js';
import type { ChildProcess } from 'node:child_process';

/** In the order they run; each is a program of its own in bench/<part>/main.ts that takes --rounds, --json and more. */
const PARTS = ['packets', 'tcp', 'steer', 'flows', 'micro', 'policies', 'plan', 'control', 'entries', 'vm'] as const;
type Part = (typeof PARTS)[number];

const USAGE = `usage: node build/bench/main.js [options]      (make bench BENCH="options")
  --only A,B     parts: ${PARTS.join(', ')} (all)
  --json FOLDER  folder for the results, PART.json each (bench/results)
  --report-only  write docs/benchmarks.md from the result files, without measuring
All other options go to each chosen part: --rounds N, and those of "node build/bench/PART/main.js --help".
`;

let running: ChildProcess | undefined;
let interrupted = false;

/** Runs one of our programs to its end. @throws Error when it fails */
function runProgram(name: string, args: readonly string[]): Promise<void> {
  const program = fileURLToPath(new URL(name, import.meta.url));
  // SIGTERM, should this process be killed: a part removes what it made.
  const [command = '', ...rest] = tethered([process.execPath, program, ...args], 'TERM');
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit'] });
    running = child;
    child.on('error', reject);
    child.on('close', (code, signal) => {
      running = undefined;
      if (code === 0) resolve();
      else reject(new Error(`${name} ended with ${signal ?? `exit code ${code ?? '?'}`}`));
    });
  });
}

function onSignal(): void {
  // At a terminal the part has had it too: its second one changes nothing.
  interrupted = true;
  running?.kill('SIGTERM');
}

async function main(): Promise<void> {
  const { values, tokens } = parseArgs({
    strict: false,
    tokens: true,
    options: {
      only: { type: 'string' },
      json: { type: 'string' },
      'report-only': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  const only = typeof values.only === 'string' ? values.only : undefined;
  const folder = typeof values.json === 'string' ? values.json : 'bench/results';
  const ours = new Set(tokens.flatMap((token) => own(token)));
  const others = process.argv.slice(2).filter((_, index) => !ours.has(index));
  const parts: Part[] = values['report-only'] === true ? [] : listOption('only', only, PARTS, PARTS);
  for (const part of parts) {
    tell(`${part}: starts`);
    await runProgram(`${part}/main.js`, ['--json', `${folder}/${part}.json`, ...others]);
  }
  await runProgram('report/main.js', ['--results', folder]);
  tell('docs/benchmarks.md is written');
}

/** Indices of the arguments that are this program's own. */
function own(token: { kind: string; index: number; name?: string; inlineValue?: boolean | undefined }): number[] {
  if (token.kind !== 'option') return [];
  if (token.name === 'only' || token.name === 'json') {
    return token.inlineValue === true ? [token.index] : [token.index, token.index + 1];
  }
  return token.name === 'report-only' ? [token.index] : [];
}

process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);
try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = interrupted ? 130 : 1;
}
