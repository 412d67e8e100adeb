/** A real Prometheus scrapes a real agent, over TLS with certificates on both sides, while packets pass. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background } from '../../../lab/process.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { certificateScript } from './certificates.js';
import { ask, socketOf } from './client.js';

const START_MS = 300_000;
const SETTLED_MS = 100;
const API_PORT = 9443;
const PROMETHEUS = '127.0.0.1:9090';

/** What docs/api.md lists, as far as a node that is no network node has it from its first minute on. */
const NAMES = [
  ...['build_info', 'agent_ready', 'intent_held', 'intent_refused', 'intent_info', 'intent_applied_timestamp_seconds'],
  ...['intent_read_errors_total', 'reconcile_duration_seconds_bucket', 'reconcile_queue_length'],
  ...['reconcile_busy_seconds', 'last_sweep_timestamp_seconds', 'drift_objects', 'repairs_total', 'waiting_objects'],
  ...['netlink_events_total', 'netlink_lost_total', 'nft_duration_seconds_count', 'fastpath_packets_total'],
  ...['guard_dropped_packets_total', 'guard_dropped_bytes_total', 'map_entries', 'map_max_entries', 'ports'],
  ...['underlay_locators', 'api_requests_total', 'api_duration_seconds_sum', 'scrape_collector_success'],
  ...['scrape_collector_duration_seconds', 'port_transmit_packets_total', 'port_receive_bytes_total'],
  ...['tenant_transmit_bytes_total', 'tenant_receive_packets_total'],
];
const SHARED = ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_delay_seconds'];
/** Series of /metrics. */
const MAX_SERIES = 500;

describe('metrics', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }));
  const path = (name: string): string => join(network.directory, name);
  const shell = (script: string): Promise<string> => network.shell('hv1', script);
  const running: Background[] = [];
  /** What its API says. */
  const query = async (target: string): Promise<unknown> =>
    JSON.parse(
      await network.output('hv1', [
        process.execPath,
        '-e',
        `fetch('http://${PROMETHEUS}/api/v1/${target}').then((a) => a.text()).then((text) => process.stdout.write(text))`,
      ]),
    );
  const text = (where: string, accept = 'text/plain'): Promise<string> =>
    ask(socketOf(network.netns('hv1')), where, { headers: { accept } }).then(({ body }) => body);

  beforeAll(async () => {
    network.files();
    await shell(`cd ${network.directory}\n${certificateScript(['server', 'client'])}`);
    const api = `api: { listen: "127.0.0.1:${API_PORT}", tls: { cert: server.pem, key: server.key, clientCa: ca.pem } }\n`;
    writeFileSync(path('hv1.yaml'), readFileSync(path('hv1.yaml'), 'utf8') + api);
    await sleep(SETTLED_MS);
    for (const name of ['hv1', 'hv2']) {
      const argv = [process.execPath, SEGUE_COMMAND, 'agent', '--sweep', '2', '-c', path(`${name}.yaml`)];
      const agent = new Background(network.netns(name), argv);
      running.push(agent);
      await agent.waitFor(/converged on the intent/, START_MS);
      await agent.waitFor(/API: listening on \/run/, START_MS);
    }
    const job = (where: string): object => ({
      job_name: where,
      metrics_path: where,
      scheme: 'https',
      tls_config: { ca_file: path('ca.pem'), cert_file: path('client.pem'), key_file: path('client.key') },
      static_configs: [{ targets: [`127.0.0.1:${API_PORT}`] }],
    });
    const jobs = ['/metrics', '/metrics/ports', '/metrics/tenants'].map(job);
    const config = { global: { scrape_interval: '1s' }, scrape_configs: jobs };
    writeFileSync(path('prometheus.yml'), JSON.stringify(config));
    const storage = `--storage.tsdb.path=${path('tsdb')}`;
    const argv = [
      'prometheus',
      `--config.file=${path('prometheus.yml')}`,
      storage,
      `--web.listen-address=${PROMETHEUS}`,
    ];
    const prometheus = new Background(network.netns('hv1'), argv);
    running.push(prometheus);
    await prometheus.waitFor(/ready to receive web requests/, START_MS);
  });
  afterAll(async () => {
    for (const one of running.reverse()) await one.stop();
  });

  it('have every documented name, and Prometheus reports no error', { timeout: 2 * START_MS }, async () => {
    await shell('ip -6 addr del fd00:5e:1::1/128 dev lo');
    const ping = await network.ping('t100-1', '10.0.0.2', { count: 200, args: ['-i', '0.01'] });
    expect(ping.received).toBeGreaterThan(100);
    const wanted = [...NAMES.map((name) => `segue_${name}`), ...SHARED];
    await expect
      .poll(
        async () => {
          const { data } = (await query('label/__name__/values')) as { data: string[] };
          return wanted.filter((name) => !data.includes(name));
        },
        { timeout: START_MS, interval: 1000 },
      )
      .toEqual([]);
    const { data } = (await query('targets')) as { data: { activeTargets: { health: string; lastError: string }[] } };
    expect(data.activeTargets.map(({ health, lastError }) => [health, lastError])).toEqual([
      ['up', ''],
      ['up', ''],
      ['up', ''],
    ]);
    const failed = (await query('query?query=segue_scrape_collector_success==0')) as { data: { result: unknown[] } };
    expect(failed.data.result).toEqual([]);
    const sent = encodeURIComponent('segue_port_transmit_packets_total{port="t100-1"} > 100');
    expect(((await query(`query?query=${sent}`)) as { data: { result: unknown[] } }).data.result).toHaveLength(1);
  });

  it.each(['/metrics', '/metrics/ports', '/metrics/tenants'])(
    'of %s pass promtool, without duplicate series',
    async (where) => {
      const body = await text(where);
      const file = path('x.prom');
      writeFileSync(file, body);
      expect(await shell(`promtool check metrics <${file} 2>&1`)).toBe('');
      const series = body.split('\n').filter((line) => !/^#|^$/.test(line));
      expect(new Set(series.map((line) => line.replace(/ [^ ]+$/, ''))).size).toBe(series.length);
      expect(series.length).toBeLessThanOrEqual(MAX_SERIES);
      expect((await text(where, 'application/openmetrics-text')).endsWith('# EOF\n')).toBe(true);
    },
  );

  it('are printed by segue metrics', async () => {
    const printed = await network.output('hv1', [process.execPath, SEGUE_COMMAND, 'metrics', '-c', path('hv1.yaml')]);
    expect(printed).toContain('segue_agent_ready 1\n');
  });

  it('are not printed for a node file that no agent runs with, beside an agent with another one', async () => {
    const file = path('nobody.yaml');
    expect(await network.run('hv1', [process.execPath, SEGUE_COMMAND, 'metrics', '-c', file])).toMatchObject({
      status: 1,
      stderr: `segue: ${file}: no agent answers: start one with this node file (systemctl start segue, or segue agent)\n`,
    });
  });

  it('of a removed port end, and those of its tenant remain', { timeout: START_MS }, async () => {
    const file = path('intent.yaml');
    const before = await text('/metrics/ports');
    expect(before).toContain('port="t200-3"');
    const sent = (body: string): string[] => /^segue_tenant_transmit_packets_total.*$/gm.exec(body) ?? [];
    expect(sent(await text('/metrics/tenants'))).not.toEqual([]);
    writeFileSync(file, readFileSync(file, 'utf8').replace(/name: "?t200-3"?/, 'name: t200-renamed'));
    await expect.poll(() => text('/metrics/ports'), { timeout: START_MS }).toContain('port="t200-renamed"');
    expect(await text('/metrics/ports')).not.toContain('port="t200-3"');
  });

  it('are refused without a certificate', async () => {
    const refused = await network.run('hv1', [
      process.execPath,
      '-e',
      `require('node:https').get({ host: '127.0.0.1', port: ${API_PORT}, path: '/healthz', rejectUnauthorized: false },
        (answer) => { console.log('answered', answer.statusCode); answer.resume(); })
        .on('error', (error) => { console.log('refused', error.code); })`,
    ]);
    expect(refused.stdout).toMatch(/^refused /);
    const { stdout } = await network.run('hv1', ['ss', '-ltnH', `sport = :${API_PORT}`]);
    expect(stdout).toMatch(/127\.0\.0\.1:9443/);
  });
});
