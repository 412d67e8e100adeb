/** `segue fleet simulate`: a fleet of any size with real etcd and feeds on this machine. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { print, printError, printJson } from '../../src/cli/print.js';
import { EtcdClient } from '../../src/fleet/store/etcd-client.js';
import { IntentWriter } from '../../src/fleet/store/writer.js';
import { SEGUE_COMMAND } from '../paths.js';
import { domainWishes, nodeName, tenantWishes } from './cloud.js';
import { SimulationAuthority } from './certificates.js';
import { HostProcesses } from './host-processes.js';
import { reportLines } from './results.js';
import { EtcdServers, FeedServer } from './servers.js';
import { usageOf } from './usage.js';
import { extraWishes, runWorkload } from './workloads.js';
import type { SimulateRequest } from '../../src/cli/fleet/simulate-request.js';
import type { Report, Result } from './results.js';
import type { HostedNode } from './messages.js';
import type { Simulation, Workload } from './workloads.js';

const MEMORY = '/dev/shm';
/** Names of nodes in one certificate: making one for each of 10,000 nodes takes longer than everything else. */
const NAMES_PER_CERTIFICATE = 100;
const AUTHOR = { author: 'simulate', reason: 'the cloud' };
/** The size to which the targets apply. */
const [FULL_NODES, FULL_PORTS] = [10_000, 1_000_000];
const FULL = '10,000 nodes, 1,000,000 ports';

/** @returns the command's exit code */
export async function simulate(request: SimulateRequest): Promise<number> {
  const directory = mkdtempSync(join(MEMORY, 'segue-simulate-'));
  const data = request.disk === undefined ? directory : mkdtempSync(join(request.disk, 'segue-simulate-'));
  const closers: (() => unknown)[] = [];
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => {
        reject(new Error('interrupted'));
      });
  });
  try {
    const report = await Promise.race([run(request, directory, data, closers), interrupted]);
    for (const line of reportLines(report)) print(line);
    if (request.json === '-') printJson(report);
    else if (request.json !== undefined) writeFileSync(request.json, `${JSON.stringify(report, undefined, 2)}\n`);
    return report.results.some(({ unit, target, measured }) => unit === 'nodes' && target === 0 && measured > 0)
      ? 1
      : 0;
  } finally {
    for (const close of closers.reverse()) await close();
    for (const one of new Set([directory, data])) rmSync(one, { recursive: true, force: true });
  }
}

async function run(
  request: SimulateRequest,
  directory: string,
  data: string,
  closers: (() => unknown)[],
): Promise<Report> {
  const say = (text: string): void => {
    printError(text);
  };
  const { nodes, ports, tenants, spread, workload } = request;
  const load: [number, number] = [loadavg()[0] ?? 0, 0];
  const size = { nodes, ports, tenants, spread: Math.min(spread, nodes) };
  const authority = new SimulationAuthority(directory);
  const etcd = new EtcdServers(data, workload === 'leader-loss' ? 3 : 1);
  closers.push(() => {
    etcd.close();
  });
  await etcd.start();
  const client = new EtcdClient(etcd.config);
  closers.push(() => {
    client.close();
  });
  const results: Result[] = [];
  const writer = await IntentWriter.open(client, 'default');
  results.push(...(await fill(writer, size, workload, say)));
  results.push({
    what: 'etcd: resident after the cloud was written',
    measured: usageOf(etcd.pids).residentMiB,
    unit: 'MiB',
    target: 1536,
    of: FULL,
  });

  const issue = (name: string, names: string[]) => authority.issue(name, names);
  const feeds = Array.from(
    { length: request.feeds },
    (_, f) => new FeedServer(directory, `feed-${f}`, etcd.config, issue),
  );
  for (const feed of feeds) closers.push(() => feed.close());
  for (const feed of feeds) await feed.ready();
  const loadSeconds = Math.max(...feeds.map((feed) => feed.loadSeconds));
  say(`${feeds.length} feeds have the intent after ${loadSeconds.toFixed(1)} s`);
  results.push(
    { what: 'feed: whole intent loaded', measured: loadSeconds, unit: 's', target: 30, of: '1,000,000 ports' },
    {
      what: 'feed: resident with the intent, no nodes',
      measured: usageOf([feeds[0]?.pid ?? 0]).residentMiB,
      unit: 'MiB',
    },
  );

  const hosts = new HostProcesses(request.hosts);
  closers.push(() => {
    hosts.close();
  });
  const hosted = hostedNodes(request, authority);
  mkdirSync(join(directory, 'nodes'));
  const endpoints = feeds.map(({ endpoint }) => endpoint);
  const startNodes = (count: number): void => {
    hosts.start(hosted.splice(0, count), endpoints, join(directory, 'nodes'));
  };
  const simulation: Simulation = {
    ...{ size, workload, rate: request.rate, seconds: request.seconds },
    ...{ writer, hosts, etcd, feeds, startNodes, say },
  };
  results.push(...(await runWorkload(simulation)));
  results.push(...(await afterwards(simulation, directory)));
  load[1] = loadavg()[0] ?? 0;
  return {
    date: new Date().toISOString(),
    command: commandOf(request),
    load,
    cpus: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    etcd: execFileSync('etcd', ['--version'], { encoding: 'utf8' }).split('\n')[0]?.replace('etcd Version: ', '') ?? '',
    storage: request.disk === undefined ? `memory (${MEMORY})` : `disk (${request.disk})`,
    simplified: [
      'all runs on one machine, over its loopback',
      'etcd is reached without TLS; nodes and feeds have TLS on both sides',
      `a certificate names ${NAMES_PER_CERTIFICATE} nodes`,
      `${request.planners} of ${nodes} nodes plan; the others take their part; no node has a kernel, a cache on disk or a doctor`,
      `nodes are in ${request.hosts} processes, where values that their parts have alike are held once`,
    ],
    isFull: nodes >= FULL_NODES && ports >= FULL_PORTS,
    options: optionsOf(request),
    results,
  };
}

async function fill(
  writer: IntentWriter,
  size: Simulation['size'],
  workload: Workload,
  say: (text: string) => void,
): Promise<Result[]> {
  const began = performance.now();
  await writer.commit(() => domainWishes(size), AUTHOR);
  for (const wishes of tenantWishes(size)) await writer.commit(() => wishes, AUTHOR);
  const extra = extraWishes({ size, workload });
  if (extra.length > 0) await writer.commit(() => extra, AUTHOR);
  const seconds = (performance.now() - began) / 1000;
  say(`${writer.checked.entities.size} entities are written after ${seconds.toFixed(1)} s`);
  return [
    { what: 'entities', measured: writer.checked.entities.size, unit: '' },
    { what: 'entities written and checked, each second', measured: writer.checked.entities.size / seconds, unit: '/s' },
  ];
}

function hostedNodes({ nodes, planners }: SimulateRequest, authority: SimulationAuthority): HostedNode[] {
  const hosted: HostedNode[] = [];
  for (let from = 0; from < nodes; from += NAMES_PER_CERTIFICATE) {
    const names = Array.from({ length: Math.min(NAMES_PER_CERTIFICATE, nodes - from) }, (_, i) => nodeName(from + i));
    const tls = authority.issue(
      `nodes-${from}`,
      names.map((name) => `DNS:${name}`),
    );
    // Nodes with a planner are distributed evenly.
    for (const [i, name] of names.entries()) {
      const n = from + i;
      const plans = Math.floor(((n + 1) * planners) / nodes) > Math.floor((n * planners) / nodes);
      hosted.push({ name, tls, plans });
    }
  }
  return hosted;
}

/** Measures the total cost, and whether operators' commands work. */
async function afterwards({ size, etcd, feeds, hosts, writer }: Simulation, directory: string): Promise<Result[]> {
  const fleet = join(directory, 'fleet.yaml');
  writeFileSync(fleet, stringify({ etcd: { endpoints: etcd.config.endpoints } }));
  const began = performance.now();
  const { stdout } = spawnSync(process.execPath, [SEGUE_COMMAND, 'fleet', 'status', '-j', '-c', fleet], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const statusSeconds = (performance.now() - began) / 1000;
  const reporting = (JSON.parse(stdout) as { nodes: { seenMs?: number }[] }).nodes.filter(
    ({ seenMs }) => seenMs !== undefined,
  ).length;
  const [etcdUsage, feedUsage, hostUsage] = [
    usageOf(etcd.pids),
    usageOf(feeds.map(({ pid }) => pid)),
    usageOf(hosts.pids),
  ];
  const state = await hosts.state();
  const ownUsage = usageOf([process.pid]);
  return [
    { what: 'fleet status -j', measured: statusSeconds, unit: 's', target: 1, of: '10,000 nodes' },
    { what: 'nodes that have reported by then', measured: reporting, unit: '' },
    { what: 'etcd: database', measured: etcd.databaseMiB, unit: 'MiB', target: 400, of: FULL },
    { what: 'etcd: resident, peak of all members', measured: etcdUsage.peakMiB, unit: 'MiB', target: 1536, of: FULL },
    { what: 'etcd: CPU', measured: etcdUsage.cpuSeconds, unit: 's' },
    { what: 'etcd: watches', measured: await etcd.watches(), unit: '', target: 20 },
    {
      what: 'feeds: resident, the largest',
      measured: Math.max(...feeds.map(({ pid }) => usageOf([pid]).peakMiB)),
      unit: 'MiB',
      target: 1024,
      of: '2,500 nodes a feed, 1,000,000 ports',
    },
    { what: 'feeds: CPU of all', measured: feedUsage.cpuSeconds, unit: 's' },
    { what: 'feeds: written by all, nodes and etcd', measured: feedUsage.writtenMiB, unit: 'MiB' },
    { what: 'nodes: resident', measured: hostUsage.residentMiB, unit: 'MiB', target: 4096, of: '10,000 nodes' },
    { what: 'nodes: resident, each', measured: (hostUsage.residentMiB * 1024) / size.nodes, unit: 'KiB' },
    { what: 'nodes: CPU of all', measured: hostUsage.cpuSeconds, unit: 's' },
    { what: 'nodes: read, each', measured: (hostUsage.readMiB * 1024) / size.nodes, unit: 'KiB' },
    { what: 'nodes: own ports that they know of', measured: state.ports, unit: '' },
    { what: 'writer: resident', measured: ownUsage.residentMiB, unit: 'MiB' },
    { what: 'sequence', measured: writer.head?.sequence ?? 0, unit: '' },
    ...(state.errors.length > 0
      ? [{ what: `errors at nodes: ${state.errors[0] ?? ''}`, measured: state.errors.length, unit: 'nodes', target: 0 }]
      : []),
  ];
}

/** The report's destination is not part of it. */
function optionsOf(request: SimulateRequest): Report['options'] {
  return Object.fromEntries(Object.entries(request).filter(([name]) => name !== 'json'));
}

function commandOf(request: SimulateRequest): string {
  const words = Object.entries(optionsOf(request)).map(([name, value]) => `--${name} ${value}`);
  return `segue fleet simulate ${words.join(' ')}`;
}
