import { join } from 'node:path';
import { runDirectory } from '../../agent/run-directory.js';
import { sendAnswer } from '../answer.js';
import { refuseQuery } from '../query.js';
import { withContext } from '../shown.js';
import { agentMetrics, requestMetrics } from './agent-metrics.js';
import { exposition, Family } from './exposition.js';
import { buildInfo } from './build-info.js';
import { fastpathMetrics, gatewayMetrics, guardMetrics, MapFills, nodeMetrics } from './kernel-metrics.js';
import { lossMetrics } from './losses.js';
import { portMetrics, TenantTraffic } from './traffic.js';
import { WatcherTotals } from './watchers.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { Answer } from '../answer.js';
import type { Request, Services } from '../services.js';

/** `node`: at most 500 series; the others grow with the node's ports and tenants. */
export type MetricsScope = 'node' | 'ports' | 'tenants';

const OPEN_METRICS = 'application/openmetrics-text';
const TYPES = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  open: `${OPEN_METRICS}; version=1.0.0; charset=utf-8`,
} as const;

type Collector = (context: ShowContext) => Family[] | Promise<Family[]>;

const fills = new MapFills();
let tenants: TenantTraffic | undefined;
let watchers: WatcherTotals | undefined;

function collectorsOf(scope: MetricsScope, directory: string): Record<string, Collector> {
  switch (scope) {
    case 'node': {
      const totals = (watchers ??= new WatcherTotals(join(directory, 'watcher-totals.json')));
      return {
        build: buildInfo,
        fastpath: fastpathMetrics,
        watchers: (context) => totals.metrics(context),
        guard: guardMetrics,
        maps: (context) => fills.metrics(context),
        ports: nodeMetrics,
        gateways: gatewayMetrics,
        losses: lossMetrics,
      };
    }
    case 'ports':
      return { ports: portMetrics };
    case 'tenants': {
      const traffic = (tenants ??= new TenantTraffic(join(directory, 'tenant-traffic.json')));
      return { tenants: (context) => traffic.metrics(context) };
    }
  }
}

export async function answerMetrics(scope: MetricsScope, request: Request, services: Services): Promise<void> {
  const { query, headers, response } = request;
  refuseQuery(query);
  const format = headers.accept?.includes(OPEN_METRICS) === true ? 'open' : 'text';
  const key = `metrics ${scope} ${format}`;
  const kept = services.cache.get(key);
  if (kept !== undefined) {
    sendAnswer(response, kept);
    return;
  }
  const families = await collect(scope, services);
  const answer: Answer = {
    status: 200,
    headers: { 'content-type': TYPES[format], 'cache-control': 'no-store' },
    body: [...exposition(families, format === 'open')].join(''),
    notes: [],
  };
  services.cache.put(key, answer);
  sendAnswer(response, answer);
}

/** A failing collector only omits its own series, and is reported in `scrape_collector_success`. */
async function collect(scope: MetricsScope, { agentState, basis, counts, turns }: Services): Promise<Family[]> {
  const { config } = basis.files;
  const families = scope === 'node' ? [...agentMetrics(await agentState()), ...requestMetrics(counts)] : [];
  const seconds = new Family('scrape_collector_duration_seconds', 'gauge', 'Time that a collector took.');
  const success = new Family('scrape_collector_success', 'gauge', 'A collector succeeded.');
  const collectors = Object.entries(collectorsOf(scope, runDirectory(config.node)));
  const note = (collector: string, isThere: boolean, started: number): void => {
    seconds.add({ collector, scope }, (performance.now() - started) / 1000);
    success.add({ collector, scope }, Number(isThere));
  };
  await turns.run(async () => {
    const started = performance.now();
    try {
      await withContext(basis.read(), async (context) => {
        for (const [collector, read] of collectors) {
          const began = performance.now();
          try {
            families.push(...(await read(context)));
            note(collector, true, began);
          } catch {
            note(collector, false, began);
          }
        }
      });
      note('kernel', true, started);
    } catch {
      note('kernel', false, started);
    }
  });
  return [...families, seconds, success];
}
