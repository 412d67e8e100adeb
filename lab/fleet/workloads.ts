/** Workloads of a simulated fleet, and their measurements. */
import { setTimeout as sleep } from 'node:timers/promises';
import { countOf, latencySince, quantileMs, STAGES } from '../../src/fleet/status/latency.js';
import { nodeOfPort, portOf, portsOf, portWish } from './cloud.js';
import { usageOf } from './usage.js';
import type { SimulateRequest } from '../../src/cli/fleet/simulate-request.js';
import type { IntentWriter } from '../../src/fleet/store/writer.js';
import type { CloudSize, Wish } from './cloud.js';
import type { HostProcesses } from './host-processes.js';
import type { EtcdServers, FeedServer } from './servers.js';
import type { HostState } from './messages.js';
import type { Result } from './results.js';

export type Workload = SimulateRequest['workload'];

/** Number of nodes in a rack. */
const RACK = 40;
const LOOK_MS = 200;
/** After this time a missing result is reported, and the simulation ends. */
const PATIENCE_MS = 600_000;
const AUTHOR = { author: 'simulate', reason: '' };

export interface Simulation {
  size: CloudSize;
  workload: Workload;
  /** Commits per second, and duration, of workloads that change the intent. */
  rate: number;
  seconds: number;
  writer: IntentWriter;
  hosts: HostProcesses;
  etcd: EtcdServers;
  feeds: FeedServer[];
  /** Starts more nodes. */
  startNodes: (count: number) => void;
  say: (text: string) => void;
}

export async function runWorkload(simulation: Simulation): Promise<Result[]> {
  const { size, workload, say } = simulation;
  if (workload === 'boot-rack') {
    const rack = Math.min(RACK, size.nodes);
    return [
      ...(await boot(simulation, size.nodes - rack, 'nodes before')),
      ...(await boot(simulation, rack, `${rack} nodes, cold`)),
    ];
  }
  const booted = await boot(simulation, size.nodes, `${size.nodes} nodes at once`);
  if (workload === 'boot-all') return booted;
  if (workload === 'reconnect')
    return [...booted, ...(await reconnect(simulation, true)), ...(await reconnect(simulation, false))];
  say(`${workload}: ${simulation.rate} commits a second for ${simulation.seconds} s`);
  return [...booted, ...(await change(simulation))];
}

/** Starts new nodes all at once, until each has its part. */
async function boot({ startNodes, hosts, say }: Simulation, count: number, what: string): Promise<Result[]> {
  if (count === 0) return [];
  const before = (await hosts.state()).started;
  const began = Date.now();
  startNodes(count);
  const end = await until(hosts, ({ started, complete }) => started === before + count && complete === started);
  const seconds = (end.lastCompleteMs - began) / 1000;
  say(`${what}: ${end.complete} of ${end.started} have their part after ${seconds} s`);
  return [
    {
      what: `${what}: each has its part`,
      measured: seconds,
      unit: 's',
      ...(count > RACK ? { target: 60, of: '10,000 nodes' } : { target: 1 }),
    },
    { what: `${what}: without their part`, measured: end.started - end.complete, unit: 'nodes', target: 0 },
  ];
}

/** Cuts all nodes' connections at once, until they are back. */
async function reconnect({ hosts, feeds, size, say }: Simulation, byCertificate: boolean): Promise<Result[]> {
  const pids = [...hosts.pids, ...feeds.map(({ pid }) => pid)];
  const [before, used] = [await hosts.state(), usageOf(pids).cpuSeconds];
  const began = Date.now();
  hosts.reconnect(byCertificate);
  const end = await until(hosts, ({ streams }) => streams >= before.streams + size.nodes);
  const how = byCertificate ? 'by certificates' : 'by TLS sessions';
  const seconds = (end.lastStreamMs - began) / 1000;
  say(`${end.streams - before.streams} nodes came back after ${seconds} s, ${end.resumed - before.resumed} resumed`);
  return [
    {
      ...{ what: `${size.nodes} nodes come back, ${how}`, measured: seconds, unit: 's' },
      ...(!byCertificate && { target: 60, of: '10,000 nodes' }),
    },
    { what: `come back, ${how}: resumed`, measured: end.resumed - before.resumed, unit: 'nodes' },
    {
      what: `come back, ${how}: CPU of node and feed, each`,
      measured: ((usageOf(pids).cpuSeconds - used) * 1000) / size.nodes,
      unit: 'ms',
    },
  ];
}

async function until(hosts: HostProcesses, is: (state: HostState) => boolean): Promise<HostState> {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(LOOK_MS)) {
    const state = await hosts.state();
    if (is(state) || Date.now() > end) return state;
  }
}

async function change(simulation: Simulation): Promise<Result[]> {
  const { hosts, writer, workload, seconds, rate, size, say } = simulation;
  const before = await hosts.state();
  const began = performance.now();
  const first = writer.head?.sequence ?? 0;
  const wishesOf = wisherOf(simulation);
  let longestMs = 0;
  let isBroken = false;
  const planned = Math.round(rate * seconds);
  for (let n = 0; n < planned; n++) {
    const due = began + (n * 1000) / rate;
    if (performance.now() < due) await sleep(due - performance.now());
    // A slow store makes fewer commits, rather than a longer simulation.
    if (performance.now() - began > seconds * 2000) break;
    if (!isBroken && n > planned / 3) {
      isBroken = true;
      await breakSomething(simulation);
    }
    const at = performance.now();
    await writer.commit(() => wishesOf(n), AUTHOR);
    longestMs = Math.max(longestMs, performance.now() - at);
  }
  const committed = (writer.head?.sequence ?? 0) - first;
  const tookSeconds = (performance.now() - began) / 1000;
  const endedMs = Date.now();
  const head = String(writer.head?.sequence ?? 0);
  const end = await until(hosts, ({ sequences }) => sequences[head] === size.nodes);
  const settledSeconds = (Date.now() - endedMs) / 1000;
  say(
    `${committed} commits in ${Math.round(tookSeconds)} s; ${end.sequences[head] ?? 0} of ${size.nodes} nodes have the last of them`,
  );
  const latency = latencySince(end.latency, before.latency);
  const quantiles = STAGES.flatMap((stage): Result[] => {
    const name = stage === 'whole' ? 'written → a concerned node has taken it' : `to ${stage}`;
    const targets = stage === 'whole' && workload === 'churn' ? [{ target: 50 }, { target: 250 }] : [{}, {}];
    return ([0.5, 0.99] as const).map((share, i) => ({
      what: `change ${name}, p${share * 100}, at most`,
      measured: quantileMs(latency[stage], share) ?? 0,
      unit: 'ms',
      ...targets[i],
    }));
  });
  return [
    { what: 'commits', measured: committed, unit: '' },
    { what: 'commits a second', measured: committed / tookSeconds, unit: '/s' },
    { what: 'longest commit', measured: longestMs, unit: 'ms' },
    { what: 'changes at nodes', measured: countOf(latency.whole), unit: '' },
    ...quantiles,
    {
      what: 'nodes without the last commit',
      measured: size.nodes - (end.sequences[head] ?? 0),
      unit: 'nodes',
      target: 0,
    },
    { what: 'last commit → all nodes say that they have it', measured: settledSeconds, unit: 's' },
  ];
}

async function breakSomething({ workload, etcd, feeds, say }: Simulation): Promise<void> {
  if (workload === 'leader-loss') say(`the leader is killed: ${await etcd.killLeader()}`);
  if (workload === 'feed-loss') {
    say('a feed is killed');
    await feeds[0]?.close();
  }
}

/** The entities that the n-th commit writes. */
function wisherOf({ size, workload }: Simulation): (n: number) => Wish[] {
  if (workload === 'wide-tenant') {
    // A tenant with ports on every node: each change concerns all nodes.
    const wide = { ...size, tenants: 1, ports: size.nodes, spread: size.nodes };
    return (n) => [rename(portWish(portOf(wide, 0, n % size.nodes, { version: 1 + Math.floor(n / size.nodes) })))];
  }
  if (workload === 'migration-storm') {
    return (n) => {
      const t = (n * 7919) % size.tenants;
      const i = n % portsOf(size, t);
      const step = 1 + Math.floor(n / size.tenants);
      return [portWish(portOf(size, t, i, { node: (nodeOfPort(size, t, i) + size.spread * step) % size.nodes }))];
    };
  }
  return (n) => {
    const t = (n * 7919) % size.tenants;
    const i = Math.floor(n / size.tenants) % portsOf(size, t);
    return [portWish(portOf(size, t, i, { version: 1 + n }))];
  };
}

/** The wide tenant, in addition to those of the cloud. */
const WIDE_TENANT = 'wide';

function rename({ after }: Wish): Wish {
  const port = after as ReturnType<typeof portOf>;
  return portWish({
    ...port,
    tenant: WIDE_TENANT,
    name: port.name.replace('t0-', 'wide-'),
    interface: `w${port.interface}`,
  });
}

/** Entities that a workload needs in addition to the cloud. */
export function extraWishes({ size, workload }: Pick<Simulation, 'size' | 'workload'>): Wish[] {
  if (workload !== 'wide-tenant') return [];
  const wide = { ...size, tenants: 1, ports: size.nodes, spread: size.nodes };
  const tenant = {
    name: WIDE_TENANT,
    id: size.tenants + 1,
    subnets: [{ prefix: '10.0.0.0/8', gateway: '10.0.0.1' }],
    dscp: 'copy' as const,
  };
  const ports = Array.from({ length: size.nodes }, (_, i) => rename(portWish(portOf(wide, 0, i))));
  return [{ key: `tenant/${WIDE_TENANT}`, after: tenant }, ...ports];
}
