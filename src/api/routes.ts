/** Which paths there are, and what each answers. */
import { SHOWN } from '../cli/show/shown.js';
import { answerDiff, answerDoctor } from './command-answers.js';
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
import type { Handler, Method } from './services.js';

const answerEvents: Handler = ({ query, response }, { events }) => {
  refuseQuery(query);
  events.add(response);
  return Promise.resolve();
};

export interface Route {
  /** GET: HEAD as well. */
  method: Method;
  handle: Handler;
}

const GETS: [string, Handler][] = [
  ['/healthz', answerHealth],
  ['/readyz', answerReady],
  ['/metrics', (request, services) => answerMetrics('node', request, services)],
  ['/metrics/ports', (request, services) => answerMetrics('ports', request, services)],
  ['/metrics/tenants', (request, services) => answerMetrics('tenants', request, services)],
  ['/openapi.json', answerOpenApi],
  ['/v1/status', answerStatus],
  ['/v1/intent', answerIntent],
  ['/v1/diff', answerDiff],
  ['/v1/doctor', answerDoctor],
  ['/v1/report', answerReport],
  ['/v1/events', answerEvents],
  ...SHOWN.map((what): [string, Handler] => [
    SHOWN_PATHS[what],
    (request, services) => answerShown(what, request, services),
  ]),
];

const POSTS: [string, Handler][] = [
  [TRACE_PATH, answerTrace],
  [RELEASE_PATH, answerRelease],
];

/** By path. */
export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ...GETS.map(([path, handle]): [string, Route] => [path, { method: 'GET', handle }]),
  ...POSTS.map(([path, handle]): [string, Route] => [path, { method: 'POST', handle }]),
]);
