/** Which paths there are, and what each answers. */
import { SHOWN } from '../cli/show/shown.js';
import { answerDiff, answerDoctor } from './command-answers.js';
import { answerHealth, answerReady } from './health.js';
import { answerIntent, answerStatus } from './status.js';
import { answerMetrics } from './metrics/answer-metrics.js';
import { answerOpenApi } from './openapi-answer.js';
import { SHOWN_PATHS } from './protocol.js';
import { refuseQuery } from './query.js';
import { answerShown } from './shown.js';
import type { Handler } from './services.js';

const answerEvents: Handler = ({ query, response }, { events }) => {
  refuseQuery(query);
  events.add(response);
  return Promise.resolve();
};

/** By path; each takes GET and HEAD. */
export const ROUTES: ReadonlyMap<string, Handler> = new Map<string, Handler>([
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
  ['/v1/events', answerEvents],
  ...SHOWN.map((what): [string, Handler] => [
    SHOWN_PATHS[what],
    (request, services) => answerShown(what, request, services),
  ]),
]);
