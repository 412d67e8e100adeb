/** What routes work with. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
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
  /** What the agent says of itself. @throws Problem (503) where it does not answer: its event loop does not turn */
  agentState: () => Promise<AgentState>;
}

export interface Request {
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  response: ServerResponse;
}

export type Handler = (request: Request, services: Services) => Promise<void>;
