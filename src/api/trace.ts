/** Answers `segue trace`. */
import { readQuestion } from '../cli/trace.js';
import { CommandError, EXIT } from '../cli/exit.js';
import { DEFAULT_SIZE_BYTES } from '../observe/trace/types.js';
import { sendAnswer } from './answer.js';
import { readBody } from './body.js';
import { Problem } from './problem.js';
import { BAD_INPUT, JSON_TYPE } from './protocol.js';
import { refuseQuery } from './query.js';
import { runCommand } from './run-command.js';
import { traceQuestion } from './schema-posted.js';
import type { PacketFlags } from '../cli/trace.js';
import type { Handler } from './services.js';
import type { TraceQuestion } from './schema-posted.js';

/** A dropped packet is a successful answer. */
export const answerTrace: Handler = async (request, services) => {
  refuseQuery(request.query);
  const question = await readBody(request, traceQuestion);
  refuseBad(question);
  const args = [...argumentsOf(question), '-j', `--config=${services.basis.files.configFile}`];
  const { status, stdout, stderr } = await services.commands.run(
    () => runCommand('trace', args),
    () => !request.response.destroyed,
  );
  if (!stdout.endsWith('\n')) {
    const detail = stderr.trim().replace(/^segue: /, '') || 'segue trace';
    throw status === EXIT.badInput ? bad(detail) : new Problem(503, { code: 'refused', detail });
  }
  const headers = { 'content-type': JSON_TYPE, 'cache-control': 'no-store' };
  sendAnswer(request.response, { status: 200, headers, body: stdout, notes: [] });
};

/** Refuses questions that the command would refuse at once, with the same message. @throws Problem (400) */
function refuseBad(question: TraceQuestion): void {
  const { size, sport, dport, ttl, ...words } = question;
  const asText = (value: number | undefined): string | undefined => value?.toString();
  const numbers = { size: asText(size), sport: asText(sport), dport: asText(dport), ttl: asText(ttl) };
  const given = Object.entries(numbers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  try {
    readQuestion({ ...words, ...(Object.fromEntries(given) as PacketFlags) }, DEFAULT_SIZE_BYTES);
  } catch (error) {
    throw error instanceof CommandError ? bad(error.message) : error;
  }
}

/** Option and value form one argument, so that no value can be taken for an option. */
function argumentsOf({ syn, ...question }: TraceQuestion): string[] {
  const words = Object.entries(question).map(([name, value]) => `--${name}=${value}`);
  return syn === true ? [...words, '--syn'] : words;
}

function bad(detail: string): Problem {
  return new Problem(400, { code: BAD_INPUT, detail });
}
