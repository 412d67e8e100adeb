/** Services for routes. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { dropsWithin } from '../observe/report/drop-history.js';
import type { AgentState } from '../agent/telemetry.js';
import type { AnswerCache } from './answer-cache.js';
import type { LongAnswers } from './answer.js';
import type { BasisReader } from './basis.js';
import type { EventStreams } from './events.js';
import type { RequestCounts } from './request-counts.js';
import type { Turns } from './turns.js';

export interface Services {
  basis: BasisReader;
  turns: Turns;
  cache: AnswerCache;
  long: LongAnswers;
  events: EventStreams;
  counts: RequestCounts;
  /** Drops within a day. @throws Problem, or an error of the kernel */
  drops: () => Promise<ReturnType<typeof dropsWithin>>;
  /** The agent's state. @throws Problem (503) if it does not answer, because its event loop is blocked */
  agentState: () => Promise<AgentState>;
  /**
   * Makes the agent apply the held intent.
   *
   * @param by the client, for the agent's log
   * @returns false if none is held
   * @throws Problem (503) like agentState
   */
  release: (by: string) => Promise<boolean>;
  /** Turns for commands that requests run: one at a time. */
  commands: Turns;
  /** Names in certificates of clients that may request changes over the network (`api.operators`). */
  operators: () => readonly string[];
}

export type Method = 'GET' | 'POST';

export interface Request {
  message: IncomingMessage;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  response: ServerResponse;
}

export type Handler = (request: Request, services: Services) => Promise<void>;
