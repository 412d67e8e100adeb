/** Requests to the agents of this machine, over their sockets. Imports nothing that reads the kernel or checks files. */
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

/** Time-out of a stalled answer, in milliseconds. */
const STALL_MS = 15_000;
/** Characters buffered before printing: an answer that is interrupted earlier counts as none. */
const HELD_CHARS = 1 << 20;
const MAX_PROBLEM_CHARS = 1 << 16;

export interface Question {
  /** Path with its query. */
  path: string;
  accept: string;
  /** The node file that the agent must be running with. */
  nodeFile: string;
  /** Time-out for the start of an answer in milliseconds, for all agents together. */
  firstMs: number;
  /** JSON to post; absent: GET. */
  body?: string;
}

/** Yields the agents' answers one by one; the caller ends the iteration by accepting one. Agents with other node files refuse. */
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
    // Bypasses the API's cache of a second: a command would show the present state.
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

/** Sockets that belong to root or to the user. */
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

/** @returns undefined if the answer has another format */
export async function readProblem(answer: IncomingMessage): Promise<ProblemBody | undefined> {
  if (answer.headers['content-type'] !== PROBLEM) return undefined;
  const text = await readText(answer, MAX_PROBLEM_CHARS);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as ProblemBody);
  } catch {
    return undefined;
  }
}

/** The whole answer. @returns undefined if it is interrupted or longer */
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
 * Prints an answer as it arrives, and the messages besides it.
 *
 * @returns false if it was interrupted before anything was printed
 * @throws CommandError if it was interrupted later
 */
export async function printAnswer(answer: IncomingMessage): Promise<boolean> {
  let isPrinting = false;
  let held = '';
  try {
    for await (const chunk of chunksOf(answer)) {
      held += chunk;
      if (held.length < HELD_CHARS && !isPrinting) continue;
      isPrinting = true;
      // A reader that closes the output early is no failure.
      if (!(await printAndWait(held))) return true;
      held = '';
    }
    if (!answer.complete) throw new Error('incomplete');
  } catch {
    if (!isPrinting) return false;
    throw new CommandError('the agent broke off its answer: the output is incomplete');
  }
  if (held !== '' && !(await printAndWait(held))) return true;
  const notes = decodeHeader(answer.trailers[HEADER.notes]);
  if (Array.isArray(notes)) for (const note of notes) printError(String(note));
  return true;
}

function chunksOf(answer: IncomingMessage): AsyncIterable<string> {
  return answer.setTimeout(STALL_MS, () => answer.destroy()).setEncoding('utf8');
}
