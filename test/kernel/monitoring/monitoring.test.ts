/**
 * A real Prometheus scrapes the agents of two hypervisors and two network nodes while VMs exchange packets under
 * policies. It finds every metric of docs/api.md, every dashboard expression has series, and alerts fire on a fault and
 * end after its repair.
 */
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { intentText } from '../../../lab/files.js';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { probeAll } from '../../../lab/probe.js';
import { Background } from '../../../lab/process.js';
import { Services } from '../../../lab/steering-matrix.js';
import { steeringTopology } from '../../../lab/steering.js';
import { segueNodes } from '../../../lab/topology.js';
import { connectAgain, cutOff } from '../../../lab/underlay.js';
import { useNetwork } from '../../netns/lib/network.js';
import { Prometheus } from './prometheus.js';
import { startRelay } from './relay.js';
import type { Probe } from '../../../lab/probe.js';
import type { Relay } from './relay.js';

const START_MS = 300_000;
const WAIT_MS = 300_000;
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Names of the table of docs/api.md, as series have them. */
function documentedNames(): string[] {
  const table =
    /^## Metrics$([^]*?)^Counters do not fall/m.exec(readFileSync(join(root, 'docs/api.md'), 'utf8'))?.[1] ?? '';
  return table.split('\n').flatMap((line) => {
    const [, names = '', type = ''] = line.split('|');
    const isHistogram = type.includes('histogram');
    return [...names.matchAll(/`([a-z_]+)`/g)].map(([, name = '']) => {
      const full = /^(process|nodejs)_/.test(name) ? name : `segue_${name}`;
      return isHistogram ? `${full}_bucket` : full;
    });
  });
}

/** What operators were promised, by the names of the first design; docs/api.md may have more, and has no probes yet. */
const PROMISED = [
  ...['build_info', 'agent_ready', 'intent_held', 'intent_refused', 'intent_info', 'intent_applied_timestamp_seconds'],
  ...['intent_read_errors_total', 'reconcile_duration_seconds_bucket', 'reconcile_queue_length'],
  ...['last_sweep_timestamp_seconds', 'drift_objects', 'repairs_total', 'failures_total', 'waiting_objects'],
  ...['netlink_events_total', 'netlink_lost_total', 'nft_runs_total', 'nft_duration_seconds_bucket'],
  ...['fastpath_packets_total', 'guard_dropped_packets_total', 'guard_dropped_bytes_total'],
  ...['map_entries', 'map_max_entries', 'map_evictions_total', 'ports', 'underlay_locators'],
  ...['watcher_records_total', 'watcher_lost_total', 'log_suppressed_total', 'gateway_node_up', 'gateway_share'],
  ...['policy_connections_total', 'policy_packets_total', 'policy_bytes_total', 'connections', 'connection_table_size'],
  ...['transmit', 'receive'].flatMap((way) =>
    ['port', 'tenant'].flatMap((of) => ['packets', 'bytes'].map((unit) => `${of}_${way}_${unit}_total`)),
  ),
  ...['api_requests_total', 'api_duration_seconds_bucket'],
  ...['scrape_collector_duration_seconds', 'scrape_collector_success'],
];

/** Of every dashboard, with Grafana's variables filled in. */
function expressions(): [dashboard: string, expr: string][] {
  const directory = join(root, 'packaging/grafana');
  const found: [string, string][] = [];
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.json'))) {
    JSON.parse(readFileSync(join(directory, file), 'utf8'), (key, value: unknown) => {
      if (key === 'expr' && typeof value === 'string') found.push([file, value]);
      return value;
    });
  }
  return found.map(([file, expr]) => [
    file,
    expr.replaceAll('$__rate_interval', '20s').replaceAll(/\$(instance|tenant)/g, '.*'),
  ]);
}

describe('monitoring', () => {
  const network = useNetwork(steeringTopology('ebpf'));
  const agents = new Map<string, Background>();
  const others: Background[] = [];
  let prometheus: Prometheus;
  let relay: Relay;
  let services: Services;

  const segue = (...args: string[]): string[] => [process.execPath, SEGUE_COMMAND, ...args];
  const file = (name: string): string => join(network.directory, name);
  async function startAgent(name: string): Promise<void> {
    const agent = new Background(undefined, segue('agent', '--sweep', '2', '-c', file(`${name}.yaml`)));
    agents.set(name, agent);
    await agent.waitFor(/converged on the intent/, START_MS);
    await agent.waitFor(/API: listening/, START_MS);
  }
  /** `name of node` for those that fire. */
  const firing = async (): Promise<string[]> => {
    const alerts = await prometheus.alerts();
    for (const { annotations } of alerts) expect(annotations.summary).not.toMatch(/<|error/);
    return alerts.map(({ labels }) => `${labels.alertname ?? ''} ${labels.instance ?? ''}`.trim()).sort();
  };
  const fires = async (alert: string): Promise<void> => {
    await expect.poll(firing, { timeout: WAIT_MS, interval: 500 }).toContain(alert);
  };
  const ends = async (alert: string): Promise<void> => {
    await expect.poll(firing, { timeout: WAIT_MS, interval: 500 }).not.toContain(alert);
  };
  function replaceIntent(text: string): void {
    writeFileSync(file('intent.yaml.new'), text);
    renameSync(file('intent.yaml.new'), file('intent.yaml'));
  }
  const restore = (): void => {
    replaceIntent(intentText(network.topology));
  };

  beforeAll(async () => {
    network.files();
    services = new Services(network.topology);
    await Promise.all(segueNodes(network.topology).map(({ name }) => startAgent(name)));
    relay = await startRelay();
    const nodes = new Map(segueNodes(network.topology).map(({ name }) => [name, network.netns(name)]));
    prometheus = await Prometheus.start(network.directory, nodes, relay.port);
    const monitor = new Background(undefined, segue('monitor', '-c', file('hv1.yaml')));
    others.push(monitor);
    await monitor.waitFor(/^segue: monitoring /m, START_MS);
  }, 2 * START_MS);
  afterAll(async () => {
    await prometheus.stop();
    relay.close();
    for (const one of [...others, ...agents.values()]) await one.stop();
    await services.close();
  });

  it('finds each metric of docs/api.md and series for each expression', { timeout: 3 * START_MS }, async () => {
    // Each agent repairs something once: drift has a name from then on.
    for (const { name, locator } of segueNodes(network.topology)) {
      await network.ip(name, `-6 addr del ${locator.replace('/48', '1')}/128 dev lo`);
    }
    const talk = async (): Promise<void> => {
      const blue = { address: '10.2.0.20', port: 80, protocol: 'tcp' } as const;
      // Nobody has the last one: who looks on is told.
      const ping = (address: string): Probe => ({ address, protocol: 'icmp' });
      await probeAll(network.netns('red-a'), [blue, { ...blue, port: 8080 }, ping('10.1.0.20'), ping('10.1.0.99')], 3);
    };
    await talk();
    const names = documentedNames();
    expect(names.length).toBeGreaterThan(50);
    expect(PROMISED.filter((name) => !names.includes(`segue_${name}`))).toEqual([]);
    await expect
      .poll(
        async () => {
          await talk();
          const there = new Set(await prometheus.names());
          return names.filter((name) => !there.has(name));
        },
        { timeout: WAIT_MS, interval: 500 },
      )
      .toEqual([]);
    const all = expressions();
    expect(new Set(all.map(([dashboard]) => dashboard)).size).toBe(6);
    await expect
      .poll(
        async () => {
          await talk();
          const empty: string[] = [];
          for (const [dashboard, expr] of all) {
            if ((await prometheus.query(expr)).length === 0) empty.push(`${dashboard}: ${expr}`);
          }
          return empty;
        },
        { timeout: WAIT_MS, interval: 500 },
      )
      .toEqual([]);
    expect(await prometheus.query('segue_scrape_collector_success == 0')).toEqual([]);
    // A machine that is busy may have missed a scrape.
    await expect.poll(() => prometheus.query('up == 0'), { timeout: WAIT_MS }).toEqual([]);
    expect(await prometheus.query('segue_build_info{dataplane_running!="ebpf"}')).toEqual([]);
    const records = (): Promise<unknown[]> => prometheus.query('segue_watcher_records_total{instance="hv1"} > 0');
    await expect.poll(records, { timeout: WAIT_MS }).toHaveLength(1);
  });

  it('alerts on the loss of one network node, and of both', { timeout: 3 * START_MS }, async () => {
    await ends('SegueDrift hv1');
    cutOff(network.topology, 'nn1');
    await fires('SegueNoWay hv1');
    await fires('SegueGatewayOneLeft hv1');
    expect(await firing()).not.toContain('SegueNoNetworkNode hv1');
    cutOff(network.topology, 'nn2');
    await fires('SegueNoNetworkNode hv1');
    connectAgain(network.topology, 'nn1');
    connectAgain(network.topology, 'nn2');
    await ends('SegueNoWay hv1');
    await ends('SegueNoNetworkNode hv1');
    await ends('SegueGatewayOneLeft hv1');
  });

  it('alerts on a refused intent and on a blocked one', { timeout: 3 * START_MS }, async () => {
    replaceIntent(intentText(network.topology).replace('sidBlock: ', 'sidBlok: '));
    await fires('SegueIntentRefused hv2');
    restore();
    await ends('SegueIntentRefused hv2');
    const without = { ...network.topology, vms: [] };
    replaceIntent(intentText(without));
    await fires('SegueIntentHeld hv2');
    restore();
    await ends('SegueIntentHeld hv2');
  });

  it('alerts on drift that recurs after each repair', { timeout: 3 * START_MS }, async () => {
    const { maps } = network.instance('hv1').kernel.fastpath;
    const timer = setInterval(() => {
      // Nobody is told of a map's entry: the sweep finds it.
      for (const [key] of maps?.sg_endpoints.entries() ?? []) {
        maps?.sg_endpoints.delete(Buffer.from(key));
        break;
      }
    }, 200);
    try {
      await fires('SegueDrift hv1');
    } finally {
      clearInterval(timer);
    }
    await ends('SegueDrift hv1');
  });

  it('continues counters after a kill, and alerts on a stopped agent', { timeout: 3 * START_MS }, async () => {
    const repairs = 'sum(segue_repairs_total{instance="hv1"})';
    const requests = 'sum(segue_api_requests_total{instance="hv1"})';
    const value = async (expr: string): Promise<number> => Number((await prometheus.query(expr))[0]?.value[1] ?? 'NaN');
    const before = { repairs: await value(repairs), requests: await value(requests) };
    expect(before.repairs).toBeGreaterThan(1);
    await agents.get('hv1')?.stop('SIGKILL');
    await fires('SegueAgentDown hv1');
    await startAgent('hv1');
    await ends('SegueAgentDown hv1');
    await expect.poll(() => value(repairs), { timeout: WAIT_MS }).toBeGreaterThanOrEqual(before.repairs);
    expect(await value(requests)).toBeGreaterThanOrEqual(before.requests);
    const counters = (await prometheus.names()).filter((name) => /^segue_.*_(total|count|bucket|sum)$/.test(name));
    expect(counters.length).toBeGreaterThan(30);
    for (const name of counters) {
      const fell = await prometheus.query(`resets(${name}{instance="hv1"}[10m]) > 0`);
      expect([name, fell.map(({ metric }) => metric)]).toEqual([name, []]);
    }
  });
});
