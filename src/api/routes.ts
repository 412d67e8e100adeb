/** The paths of the API and their handlers. */
import { SHOWN } from '../cli/show/shown.js';
import { answerDiff, answerDoctor } from './command-answers.js';
import { EVENTS_HEADERS } from './events.js';
import { answerHealth, answerReady } from './health.js';
import { answerIntent, answerStatus } from './status.js';
import { answerMetrics } from './metrics/answer-metrics.js';
import { answerOpenApi } from './openapi-answer.js';
import { RELEASE_PATH, SHOWN_PATHS, TRACE_PATH } from './protocol.js';
import { answerReport } from './report.js';
import { refuseQuery } from './query.js';
import { answerShown } from './shown.js';
import { answerRelease } from './release.js';
import { answerTrace } from './trace.js';
import type { CountedAs, RouteGroup } from './request-counts.js';
import type { Handler, Method } from './services.js';

const answerEvents: Handler = ({ query, message, response }, { events }) => {
  refuseQuery(query);
  // The answer to HEAD has no events, so it would occupy a reader's place without an end.
  if (message.method === 'HEAD') response.writeHead(200, EVENTS_HEADERS).end();
  else events.add(response);
  return Promise.resolve();
};

export interface Route {
  /** GET includes HEAD. */
  method: Method;
  handle: Handler;
  counted: CountedAs;
}

const GETS: [string, RouteGroup, Handler][] = [
  ['/healthz', 'agent', answerHealth],
  ['/readyz', 'agent', answerReady],
  ['/metrics', 'metrics', (request, services) => answerMetrics('node', request, services)],
  ['/metrics/ports', 'metrics', (request, services) => answerMetrics('ports', request, services)],
  ['/metrics/tenants', 'metrics', (request, services) => answerMetrics('tenants', request, services)],
  ['/openapi.json', 'agent', answerOpenApi],
  ['/v1/status', 'agent', answerStatus],
  ['/v1/intent', 'agent', answerIntent],
  ['/v1/diff', 'command', answerDiff],
  ['/v1/doctor', 'command', answerDoctor],
  ['/v1/report', 'command', answerReport],
  ['/v1/events', 'stream', answerEvents],
];

const POSTS: [string, RouteGroup, Handler][] = [
  [TRACE_PATH, 'command', answerTrace],
  [RELEASE_PATH, 'agent', answerRelease],
];

/** Each `show` has its own path; they are counted as one route. */
const SHOWN_AS = { route: '/v1/{shown}', group: 'shown' } as const;

/** Routes by path. */
export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ...GETS.map(([path, group, handle]): [string, Route] => [
    path,
    { method: 'GET', handle, counted: { route: path, group } },
  ]),
  ...SHOWN.map((what): [string, Route] => [
    SHOWN_PATHS[what],
    { method: 'GET', handle: (request, services) => answerShown(what, request, services), counted: SHOWN_AS },
  ]),
  ...POSTS.map(([path, group, handle]): [string, Route] => [
    path,
    { method: 'POST', handle, counted: { route: path, group } },
  ]),
]);
