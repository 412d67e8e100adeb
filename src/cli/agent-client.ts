/** Questions to the agents of this machine, over their sockets. Loads nothing that reads the kernel or checks files. */
import { readdirSync, statSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { join } from 'node:path';
import { RUN_ROOT } from '../agent/run-directory.js';
import { decodeHeader, encodeHeader, HEADER, JSON_TYPE, PROBLEM, SOCKET_FILE } from '../api/protocol.js';
import { fileSignature } from '../intent/signature.js';
import { CommandError } from './exit.js';
import { printAndWait, printError } from './print.js';
import type { ProblemBody } from '../api/protocol.js';

/** How long an answer may take to go on, milliseconds. */
const STALL_MS = 15_000;
/** Characters that are held before the first is printed: an answer that breaks off before is none. */
const HELD_CHARS = 1 << 20;
const MAX_PROBLEM_CHARS = 1 << 16;

export interface Question {
  /** With its query. */
  path: string;
  accept: string;
  /** The node file that the agent must run with. */
  nodeFile: string;
  /** How long an answer may take to begin, milliseconds, of all agents together. */
  firstMs: number;
  /** JSON that is posted; absent: GET. */
  body?: string;
}

/** The agents' answers, one after the other; who takes one ends it. Those with other node files refuse. */
export async function* answersTo({
  path,
  accept,
  nodeFile,
  firstMs,
  body,
}: Question): AsyncGenerator<IncomingMessage, void, undefined> {
  const until = Date.now() + firstMs;
  const headers = {
    ...{ accept, te: 'trailers', connection: 'close' },
    // What was true a second ago is not what a command would find.
    'cache-control': 'no-cache',
    [HEADER.nodeFile]: encodeHeader(fileSignature(nodeFile)),
    ...(body !== undefined && { 'content-type': JSON_TYPE, 'content-length': Buffer.byteLength(body) }),
  };
  const method = body === undefined ? 'GET' : 'POST';
  for (const socketPath of sockets()) {
    const left = until - Date.now();
    if (left <= 0) return;
    const answer = await ask({ socketPath, path, method, headers, agent: false }, left, body);
    if (answer === undefined) continue;
    try {
      yield answer;
    } finally {
      answer.destroy();
    }
  }
}

/** Of agents of root's, or of whoever runs this. */
function sockets(): string[] {
  try {
    const paths = readdirSync(RUN_ROOT)
      .filter((name) => !name.startsWith('.'))
      .map((name) => join(RUN_ROOT, name, SOCKET_FILE));
    return paths.filter((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat?.isSocket() === true && (stat.uid === 0 || stat.uid === process.geteuid?.());
    });
  } catch {
    return [];
  }
}

function ask(options: RequestOptions, ms: number, body: string | undefined): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const asked = request(options);
    const timer = setTimeout(() => asked.destroy(), ms);
    asked.on('response', (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    asked.on('close', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    asked.on('error', () => undefined);
    asked.end(body);
  });
}

/** @returns undefined for an answer that is none */
export async function readProblem(answer: IncomingMessage): Promise<ProblemBody | undefined> {
  if (answer.headers['content-type'] !== PROBLEM) return undefined;
  const text = await readText(answer, MAX_PROBLEM_CHARS);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as ProblemBody);
  } catch {
    return undefined;
  }
}

/** The whole of an answer. @returns undefined for one that breaks off, or is longer */
export async function readText(answer: IncomingMessage, maxChars: number): Promise<string | undefined> {
  let text = '';
  try {
    for await (const chunk of chunksOf(answer)) {
      text += chunk;
      if (text.length > maxChars) return undefined;
    }
  } catch {
    return undefined;
  }
  return answer.complete ? text : undefined;
}

/**
 * Prints an answer as it comes, and what is to be said beside it.
 *
 * @returns false where it broke off before anything was printed
 * @throws CommandError where it broke off later
 */
export async function printAnswer(answer: IncomingMessage): Promise<boolean> {
  let isPrinting = false;
  let held = '';
  try {
    for await (const chunk of chunksOf(answer)) {
      held += chunk;
      if (held.length < HELD_CHARS && !isPrinting) continue;
      isPrinting = true;
      // Who reads no further is no failure.
      if (!(await printAndWait(held))) return true;
      held = '';
    }
    if (!answer.complete) throw new Error('incomplete');
  } catch {
    if (!isPrinting) return false;
    throw new CommandError('the agent broke its answer off: what was printed is not all of it');
  }
  if (held !== '' && !(await printAndWait(held))) return true;
  const notes = decodeHeader(answer.trailers[HEADER.notes]);
  if (Array.isArray(notes)) for (const note of notes) printError(String(note));
  return true;
}

function chunksOf(answer: IncomingMessage): AsyncIterable<string> {
  return answer.setTimeout(STALL_MS, () => answer.destroy()).setEncoding('utf8');
}
