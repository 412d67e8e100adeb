/** What the CLI and the agent's API say to each other beside HTTP. Loads nothing: the CLI is to start at once. */
import type { ShownName } from '../cli/show/shown.js';

/** Among the node's run-time files. */
export const SOCKET_FILE = 'api.sock';

export const TEXT = 'text/plain';
export const JSON_TYPE = 'application/json';
export const PROBLEM = 'application/problem+json';

/** Of requests and answers, in lower case. */
export const HEADER = {
  /** The node file as who asks sees it (fileSignature): an agent that runs with another one refuses. */
  nodeFile: 'segue-node-file',
  /** What an answer is based on, see Basis. */
  basis: 'segue-basis',
  /** Why an answer holds less than it could. */
  degraded: 'segue-degraded',
  /** Lines to be said beside the answer: a trailer. */
  notes: 'segue-notes',
} as const;

/** What an answer is based on. Who asks compares it with what it would have read itself. */
export interface Basis {
  version: string;
  node: string;
  /** Of the node file that says what the agent runs with (fileSignature); empty: none does. */
  nodeFile: string;
  /** Path of the intent file. */
  intent: string;
  /** Of the intent file that was read; empty: the answer is by another one than is there now. */
  intentSignature: string;
  /** Name of the network namespace; null: the agent's own. */
  netns: string | null;
  /** Device and inode of the namespace. */
  netnsIdentity: string;
}

/** Where what is shown is. */
export const SHOWN_PATHS: Readonly<Record<ShownName, string>> = {
  vrf: '/v1/vrfs',
  sid: '/v1/sids',
  route: '/v1/routes',
  nexthop: '/v1/nexthops',
  port: '/v1/ports',
  fastpath: '/v1/fastpath',
  counters: '/v1/counters',
  gateway: '/v1/gateways',
  policy: '/v1/policies',
  flow: '/v1/flows',
};

/** What is posted. */
export const TRACE_PATH = '/v1/trace';
export const RELEASE_PATH = '/v1/release';

/** Headers take Latin-1 alone. */
export function encodeHeader(value: unknown): string {
  return encodeURIComponent(JSON.stringify(value));
}

/** @returns undefined for what is none */
export function decodeHeader(text: string | string[] | undefined): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(decodeURIComponent(text)) : undefined;
  } catch {
    return undefined;
  }
}

/** What RFC 9457 asks for, and a code for scripts. */
export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
}

/** Codes of problems that the CLI tells apart. */
export const BAD_INPUT = 'bad-input';
