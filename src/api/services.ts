/** What routes work with. */
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
  /** What was dropped within a day. @throws Problem, or what the kernel says */
  drops: () => Promise<ReturnType<typeof dropsWithin>>;
  /** What the agent says of itself. @throws Problem (503) where it does not answer: its event loop does not turn */
  agentState: () => Promise<AgentState>;
  /**
   * Has the agent apply the intent that it holds.
   *
   * @param by who asks, for the agent's log
   * @returns false: it holds none
   * @throws Problem (503) as agentState
   */
  release: (by: string) => Promise<boolean>;
  /** Of commands that requests run: one at a time. */
  commands: Turns;
  /** Names in certificates of clients that may have something changed over the network (`api.operators`). */
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
