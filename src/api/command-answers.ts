/** `diff` and `doctor` as answers. */
import { sendAnswer } from './answer.js';
import { Problem } from './problem.js';
import { JSON_TYPE } from './protocol.js';
import { runCommand } from './run-command.js';
import { refuseQuery } from './query.js';
import type { Answer } from './answer.js';
import type { Handler, Services } from './services.js';

/** A command runs once; concurrent requests for it wait for the same answer. */
const running = new Map<string, Promise<Answer>>();

export const answerDiff: Handler = async ({ query, response }, services) => {
  refuseQuery(query);
  sendAnswer(response, await answerOf('diff', services));
};

export const answerDoctor: Handler = async ({ query, response }, services) => {
  refuseQuery(query);
  sendAnswer(response, await answerOf('doctor', services));
};

/** The output of a command, at most a second old. @throws Problem (503) with the command's message */
export async function answerOf(command: 'diff' | 'doctor', services: Services): Promise<Answer> {
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

/** @throws Problem (503) with the command's message */
async function run(command: string, configFile: string): Promise<Answer> {
  const { stdout, stderr } = await runCommand(command, ['-j', '-c', configFile]);
  // Drift and failed checks are answers with output; a refusal prints none.
  if (!stdout.endsWith('\n')) throw new Problem(503, { code: 'refused', detail: stderr.trim() || `segue ${command}` });
  return { status: 200, headers: { 'content-type': JSON_TYPE, 'cache-control': 'no-store' }, body: stdout, notes: [] };
}
