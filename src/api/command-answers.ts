/** What takes the whole intent, or programs: commands in a process of their own. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../kernel/program.js';
import { sendAnswer } from './answer.js';
import { busy, Problem } from './problem.js';
import { JSON_TYPE } from './protocol.js';
import { refuseQuery } from './query.js';
import type { Answer } from './answer.js';
import type { Handler, Services } from './services.js';

const TIMEOUT_MS = 60_000;
/** One runs; others that ask for the same wait for its answer. */
const running = new Map<string, Promise<Answer>>();
/** The bundle has it beside this module. */
const COMMAND_PLACES = ['./main.js', '../../dist/bin/main.js'];

export const answerDiff: Handler = async ({ query, response }, services) => {
  refuseQuery(query);
  sendAnswer(response, await answerOf('diff', services));
};

export const answerDoctor: Handler = async ({ query, response }, services) => {
  refuseQuery(query);
  sendAnswer(response, await answerOf('doctor', services));
};

async function answerOf(command: 'diff' | 'doctor', services: Services): Promise<Answer> {
  const kept = services.cache.get(command);
  if (kept !== undefined) return kept;
  const known = running.get(command);
  if (known !== undefined) return known;
  const answer = run(command, services.basis.files.configFile);
  running.set(command, answer);
  try {
    const found = await answer;
    services.cache.put(command, found);
    return found;
  } finally {
    running.delete(command);
  }
}

/** @throws Problem (503) with the command's own words */
async function run(command: string, configFile: string): Promise<Answer> {
  const main = commandFile();
  const argv = [process.execPath, main, command, '-j', '-c', configFile];
  const { stdout, stderr, signal } = await runProgram(undefined, argv, { timeoutMs: TIMEOUT_MS });
  if (signal !== undefined) throw busy('timeout', `segue ${command}: expected an answer within ${TIMEOUT_MS / 1000} s`);
  // Drift and failures are answers; what is refused prints none.
  if (!stdout.endsWith('\n')) throw new Problem(503, { code: 'refused', detail: stderr.trim() || `segue ${command}` });
  return { status: 200, headers: { 'content-type': JSON_TYPE, 'cache-control': 'no-store' }, body: stdout, notes: [] };
}

function commandFile(): string {
  const places = COMMAND_PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return places.find((place) => existsSync(place)) ?? places[0] ?? '';
}
