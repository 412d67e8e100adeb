/**
 * What it costs to be scraped: how long the agent's event loop is held at rest, by a real Prometheus, and by readers without a pause, in turn;
 * and what 10,000 series take of the processor. `node build/bench/scrape/main.js --help`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { nodeDirectories, pinDirectory } from '../../src/agent/instance.js';
import { createNetns, deleteNetns } from 'netlink-ts';
import { describeMachine } from '../lib/machine.js';
import { numberOption } from '../lib/options.js';
import { session, writeJson } from '../lib/session.js';
import { tell } from '../lib/tell.js';
import { CrowdedAgent } from './agent.js';
import { Prometheus } from './prometheus.js';
import { WAYS } from './results.js';
import { scrapeSection } from '../report/scrape.js';
import type { Measured, ScrapeResults, Way } from './results.js';

const USAGE = `usage: node build/bench/scrape/main.js [options]      (root; needs prometheus and promtool)
  --ports N      ports of the node (4096)    --tenants N   tenants of the ports (4096)
  --rounds N     rounds, all readers in each (3)  --seconds N   duration of each (60)
  --streams N    concurrent readers (3)      --json FILE   result file
`;
const MS = 1000;
/** Node.js has the loop's delay in steps of this, and Prometheus the first samples after it. */
const SETTLE_MS = 16_000;

interface Stand {
  agent: CrowdedAgent;
  directory: string;
  seconds: number;
  streams: number;
}

type Counted = Pick<Measured, 'loop' | 'answers' | 'series' | 'slowestMs'>;

const seriesOf = (text: string): number =>
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;

async function readers({ agent, seconds }: Stand, count: number): Promise<Counted> {
  await agent.process();
  const deadline = performance.now() + seconds * MS;
  let answers = 0;
  let series = 0;
  const read = async (): Promise<void> => {
    while (performance.now() < deadline) {
      for (const path of ['/metrics/ports', '/metrics/tenants']) {
        series += seriesOf((await agent.read(path)).text);
        answers += 1;
      }
    }
  };
  await Promise.all([sleep(seconds * MS), ...Array.from({ length: count }, read)]);
  const { p50, p99, max } = (await agent.process()).loopDelay;
  return { loop: { p50: p50 * MS, p99: p99 * MS, max: max * MS }, answers, series, slowestMs: null };
}

/** Each of its scrapes begins the measurement of the loop anew: its samples are what there is. */
async function scraped(prometheus: Prometheus, { seconds }: Stand): Promise<Counted> {
  await sleep(seconds * MS);
  const over = `[${Math.floor(seconds)}s]`;
  const delay = (statistic: string): string => `nodejs_eventloop_delay_seconds{statistic="${statistic}"}${over}`;
  const failed = await prometheus.value(`sum(count_over_time(up${over}) - sum_over_time(up${over}))`);
  if (failed > 0) tell(`scrape: ${failed} scrapes failed`);
  return {
    loop: {
      p50: (await prometheus.value(`quantile_over_time(0.5, ${delay('p50')})`)) * MS,
      p99: (await prometheus.value(`max_over_time(${delay('p99')})`)) * MS,
      max: (await prometheus.value(`max_over_time(${delay('max')})`)) * MS,
    },
    answers: await prometheus.value(`sum(sum_over_time(up${over}))`),
    series: await prometheus.value(`sum(sum_over_time(scrape_samples_scraped${over}))`),
    slowestMs: (await prometheus.value(`max(max_over_time(scrape_duration_seconds${over}))`)) * MS,
  };
}

async function measure(way: Way, stand: Stand): Promise<Measured> {
  const { agent, directory, seconds } = stand;
  const prometheus = way === 'Prometheus' ? await Prometheus.start(directory) : undefined;
  try {
    await sleep(SETTLE_MS);
    const before = agent.cpuMs();
    const began = performance.now();
    const counted =
      prometheus === undefined
        ? await readers(stand, way === 'streams' ? stand.streams : 0)
        : await scraped(prometheus, stand);
    const after = agent.cpuMs();
    return {
      ...{ way, ...counted, seconds: Math.max(seconds, (performance.now() - began) / MS), load1: loadavg()[0] ?? 0 },
      cpuMs: { agent: after.agent - before.agent, api: after.api - before.api },
    };
  } finally {
    await prometheus?.stop();
    rmSync(join(directory, 'tsdb'), { recursive: true, force: true });
  }
}

await session(async (names) => {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      ...{ ports: text, tenants: text, rounds: text, seconds: text, streams: text, json: text },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  const ports = numberOption('ports', values.ports, 4096);
  const tenants = numberOption('tenants', values.tenants, 4096);
  const rounds = numberOption('rounds', values.rounds, 3);
  const seconds = numberOption('seconds', values.seconds, 60);
  const streams = numberOption('streams', values.streams, 3);
  const machine = describeMachine();
  const directory = mkdtempSync(join(tmpdir(), 'segue-bench-scrape-'));
  const netns = `${names.prefix}-crowd`;
  let agent: CrowdedAgent | undefined;
  createNetns(netns);
  try {
    tell(`scrape: ${ports} ports, ${tenants} tenants`);
    agent = await CrowdedAgent.start({ netns, directory, ports, tenants });
    const count = async (path: string): Promise<number> => seriesOf((await agent?.read(path))?.text ?? '');
    const series = {
      node: await count('/metrics'),
      ports: await count('/metrics/ports'),
      tenants: await count('/metrics/tenants'),
    };
    const results: ScrapeResults = { machine, ports, tenants, streams, series, rounds, measured: [] };
    for (let round = 1; round <= rounds; round++) {
      for (const way of WAYS) {
        tell(`scrape: round ${round} of ${rounds}, ${way}`);
        results.measured.push(await measure(way, { agent, directory, seconds, streams }));
      }
    }
    if (values.json !== undefined) writeJson(values.json, results);
    process.stdout.write(`${scrapeSection(results)}\n`);
  } finally {
    await agent?.stop();
    deleteNetns(netns);
    for (const path of [...nodeDirectories(netns), pinDirectory(netns), directory]) {
      rmSync(path, { recursive: true, force: true });
    }
  }
});
