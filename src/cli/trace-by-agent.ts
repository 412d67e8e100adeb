/** `trace` through a running agent, for users who may use its API but not read the kernel. */
import { BAD_INPUT, JSON_TYPE, TRACE_PATH } from '../api/protocol.js';
import { answersTo, readProblem, readText } from './agent-client.js';
import { CommandError, EXIT } from './exit.js';
import type { ArrivingQuestion, Question, Trace } from '../observe/trace/types.js';

/** Time-out for the start of an answer in milliseconds: other traces may be queued. */
const FIRST_MS = 60_000;
const MAX_CHARS = 1 << 20;

/**
 * @returns undefined if no agent runs with the node file, or none answers
 * @throws CommandError if the agent refuses
 */
export async function traceByAgent(
  { protocol, sourcePort, destinationPort, ...question }: Question | ArrivingQuestion,
  nodeFile: string,
): Promise<Trace | undefined> {
  const body = {
    ...question,
    ...(protocol !== undefined && { proto: protocol }),
    ...(sourcePort !== undefined && { sport: sourcePort }),
    ...(destinationPort !== undefined && { dport: destinationPort }),
  };
  const asked = { path: TRACE_PATH, accept: JSON_TYPE, nodeFile, firstMs: FIRST_MS, body: JSON.stringify(body) };
  for await (const answer of answersTo(asked)) {
    if (answer.statusCode === 200) {
      const text = await readText(answer, MAX_CHARS);
      return text === undefined ? undefined : (JSON.parse(text) as Trace);
    }
    const problem = await readProblem(answer);
    if (problem?.code === BAD_INPUT) throw new CommandError(problem.detail, EXIT.badInput);
    if (answer.statusCode === 503) throw new CommandError(problem?.detail ?? 'the agent cannot trace now');
  }
  return undefined;
}
