/** Answers from the intent: OpenStack's and EC2's formats, and EC2's tokens. */
import { metadataOf } from './formats.js';
import { lookUp } from './tree.js';
import { MAX_TTL, TOKEN_HEADER, Tokens, TTL_HEADER } from './token.js';
import type { IncomingMessage } from 'node:http';
import type { PortFile } from '../service/port-file.js';
import type { Tree } from './tree.js';

export interface Answer {
  status: number;
  text: string;
  headers?: Record<string, string>;
}

const TOKEN_PATH = '/latest/api/token';
const SECONDS = /^[0-9]{1,5}$/;

export class FileAnswers {
  readonly #tokens = new Tokens();
  /** Built once for each version of a port's file. */
  readonly #trees = new WeakMap<PortFile, Tree>();

  /** @param ifindex interface of the port */
  answer(request: IncomingMessage, port: PortFile, ifindex: number): Answer {
    const { method, headers } = request;
    const path = pathOf(request.url ?? '');
    if (path === TOKEN_PATH) return method === 'PUT' ? this.#token(request, ifindex) : refusal(405);
    if (method !== 'GET' && method !== 'HEAD') return refusal(405);
    const token = headers[TOKEN_HEADER];
    // A request without a token uses version 1; one with an invalid token may be forged.
    if (typeof token === 'string' && this.#tokens.check(ifindex, token) === undefined) return refusal(401);
    const text = this.#textAt(port, path);
    if (text === undefined) return refusal(404);
    const isJson = path.endsWith('.json');
    return { status: 200, text, headers: { 'content-type': isJson ? 'application/json' : 'text/plain' } };
  }

  #textAt(port: PortFile, path: string): string | undefined {
    const names = path.split('/').filter((name) => name !== '');
    if (names.at(-1) === 'public-keys') return publicKeys(port);
    let tree = this.#trees.get(port);
    if (tree === undefined) this.#trees.set(port, (tree = metadataOf(port)));
    return lookUp(tree, names);
  }

  #token({ headers }: IncomingMessage, ifindex: number): Answer {
    // A proxy sets this header, so the request may not be the VM's own (AWS refuses it, too).
    if (headers['x-forwarded-for'] !== undefined) return refusal(403);
    const ttl = headers[TTL_HEADER];
    const seconds = typeof ttl === 'string' && SECONDS.test(ttl) ? Number(ttl) : 0;
    if (seconds < 1 || seconds > MAX_TTL) return refusal(400);
    return {
      status: 200,
      text: this.#tokens.make(ifindex, seconds),
      headers: { 'content-type': 'text/plain', [TTL_HEADER]: String(seconds) },
    };
  }
}

/** The path without the query. Merges repeated slashes, which proxies may produce. */
function pathOf(url: string): string {
  const [path = ''] = url.split('?');
  return path.replaceAll(/\/{2,}/g, '/');
}

/** EC2's only directory without a regular listing. */
function publicKeys({ sshKeys = [] }: PortFile): string | undefined {
  return sshKeys.length === 0 ? undefined : sshKeys.map((_key, index) => `${index}=key-${index}`).join('\n');
}

const WORDS: Readonly<Record<number, string>> = {
  400: 'bad request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not found',
  405: 'method not allowed',
  413: 'too large',
  429: 'too many requests',
  500: 'internal error',
  503: 'the metadata service does not answer',
};

/** Seconds after which a client may retry. */
const RETRY_AFTER = { 429: '1', 503: '5' } as const;

export function refusal(status: number): Answer {
  const retry = status === 429 || status === 503 ? { 'retry-after': RETRY_AFTER[status] } : {};
  return { status, text: `${WORDS[status] ?? 'error'}\n`, headers: { 'content-type': 'text/plain', ...retry } };
}
