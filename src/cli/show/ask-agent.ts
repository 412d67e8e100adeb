/**
 * `show` through a running agent, which has read the files and loaded the modules. If the answer could differ from the command's own, the command
 * reads the state itself.
 */
import { statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { readVersion } from '../../agent/version.js';
import { BAD_INPUT, decodeHeader, HEADER, JSON_TYPE, SHOWN_PATHS, TEXT } from '../../api/protocol.js';
import { fileSignature } from '../../intent/signature.js';
import { answersTo, printAnswer, readProblem } from '../agent-client.js';
import { CommandError, EXIT } from '../exit.js';
import type { Basis } from '../../api/protocol.js';
import type { IntentOptions } from '../node-options.js';
import type { ShownName, ShownOptions } from './shown.js';

/** Time-out for the start of an answer, in milliseconds. */
const FIRST_MS = 2000;
const NETNS_DIRECTORY = '/run/netns';

/**
 * Asks the agent that runs with the node file.
 *
 * @returns false if nothing was printed, because there is no agent or no reliable answer
 * @throws CommandError if the agent refuses like the command would, or the answer is interrupted
 */
export async function askAgent(what: ShownName, options: ShownOptions & IntentOptions): Promise<boolean> {
  const { config: nodeFile } = options;
  const accept = options.json === true ? JSON_TYPE : TEXT;
  const path = `${SHOWN_PATHS[what]}?${queryOf(options).toString()}`;
  for await (const answer of answersTo({ path, accept, nodeFile, firstMs: FIRST_MS })) {
    const basis = decodeHeader(answer.headers[HEADER.basis]) as Basis | undefined;
    if (isOurs(basis, fileSignature(nodeFile)) && (await take(answer))) return true;
  }
  return false;
}

function queryOf(options: ShownOptions): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of ['tenant', 'port', 'address', 'l4Port', 'proto', 'limit'] as const) {
    const value = options[name];
    if (value !== undefined) query.set(name, value);
  }
  if (options.all === true) query.set('all', 'true');
  return query;
}

/** Whether an answer is based on the files, namespace and version that this command would use. */
function isOurs(basis: Basis | undefined, nodeFile: string): boolean {
  if (basis?.version !== readVersion() || basis.nodeFile !== nodeFile) return false;
  if (basis.intentSignature !== fileSignature(basis.intent)) return false;
  const netns = basis.netns === null ? '/proc/thread-self/ns/net' : join(NETNS_DIRECTORY, basis.netns);
  const stat = statSync(netns, { throwIfNoEntry: false });
  return stat !== undefined && `${stat.dev}-${stat.ino}` === basis.netnsIdentity;
}

/** @returns false if nothing was printed */
async function take(answer: IncomingMessage): Promise<boolean> {
  if (answer.statusCode === 200) return answer.headers[HEADER.degraded] === undefined && printAnswer(answer);
  const problem = await readProblem(answer);
  if (problem?.code !== BAD_INPUT) return false;
  throw new CommandError(problem.detail, EXIT.badInput);
}
