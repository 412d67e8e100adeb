/** The protocol between CLI and API on top of HTTP. Imports nothing, so that the CLI starts quickly. */
import type { ShownName } from '../cli/show/shown.js';

/** Name of the socket among the node's run-time files. */
export const SOCKET_FILE = 'api.sock';

export const TEXT = 'text/plain';
export const JSON_TYPE = 'application/json';
export const PROBLEM = 'application/problem+json';

/** Names of headers of requests and answers, in lower case. */
export const HEADER = {
  /** The client's signature of the node file (fileSignature): an agent with another node file refuses. */
  nodeFile: 'segue-node-file',
  /** The basis of an answer (Basis). */
  basis: 'segue-basis',
  /** Why an answer is incomplete. */
  degraded: 'segue-degraded',
  /** Messages besides the answer, as a trailer. */
  notes: 'segue-notes',
} as const;

/** The basis of an answer, which the client compares with the files that it would have read. */
export interface Basis {
  version: string;
  node: string;
  /** Signature of the node file with the agent's configuration (fileSignature); empty: no file contains it. */
  nodeFile: string;
  /** Path of the intent file. */
  intent: string;
  /** Signature of the intent file that was read; empty: the answer is based on an older one. */
  intentSignature: string;
  /** Name of the network namespace; null: the agent's own. */
  netns: string | null;
  /** Device and inode of the namespace. */
  netnsIdentity: string;
}

/** Paths of `show`. */
export const SHOWN_PATHS: Readonly<Record<ShownName, string>> = {
  vrf: '/v1/vrfs',
  sid: '/v1/sids',
  route: '/v1/routes',
  nexthop: '/v1/nexthops',
  port: '/v1/ports',
  lease: '/v1/leases',
  fastpath: '/v1/fastpath',
  counters: '/v1/counters',
  gateway: '/v1/gateways',
  policy: '/v1/policies',
  flow: '/v1/flows',
};

/** Path to post to. */
export const TRACE_PATH = '/v1/trace';
export const RELEASE_PATH = '/v1/release';

/** Encodes JSON for a header, which only allows Latin-1. */
export function encodeHeader(value: unknown): string {
  return encodeURIComponent(JSON.stringify(value));
}

/** @returns undefined if the header is invalid */
export function decodeHeader(text: string | string[] | undefined): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(decodeURIComponent(text)) : undefined;
  } catch {
    return undefined;
  }
}

/** Members of RFC 9457, and a code for scripts. */
export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
}

/** Codes of problems that the CLI distinguishes. */
export const BAD_INPUT = 'bad-input';
