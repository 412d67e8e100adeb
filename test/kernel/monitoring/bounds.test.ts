/**
 * Metrics of a node with more ports and tenants than may have series, and with every feature: the limits hold, and no
 * series is duplicated.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCrowd } from '../../../bench/scrape/crowd.js';
import { keepCounters } from '../../../src/agent/kept-counters.js';
import { Telemetry } from '../../../src/agent/telemetry.js';
import { NO_ROUTE, RequestCounts } from '../../../src/api/request-counts.js';
import { ROUTES } from '../../../src/api/routes.js';
import { RESOURCE_ORDER } from '../../../src/app/features.js';
import type { KeptCounters } from '../../../src/agent/telemetry.js';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background } from '../../../lab/process.js';
import { nodeDirectories, pinDirectory } from '../../../src/agent/instance.js';
import { createNetns, deleteNetns } from '../../../src/netlink/netns.js';
import { ask, socketOf } from '../api/client.js';

const START_MS = 280_000;
const PORTS = 4100;
const TENANTS = 4100;
const NETWORK_NODES = 10;

/** What an agent has counted that has seen all that there is. */
function everythingCounted(): KeptCounters {
  const telemetry = new Telemetry();
  const { counters } = telemetry;
  const actions = ['create', 'replace', 'delete'] as const;
  return {
    ...counters,
    repairs: RESOURCE_ORDER.flatMap((kind) => actions.map((action) => ({ kind, action, count: 1 }))),
    failures: RESOURCE_ORDER.map((kind) => ({ kind, count: 1 })),
  };
}

describe('metrics of a node over the series limits', () => {
  const netns = `sgt${process.pid}crowd`;
  const directory = mkdtempSync(join(tmpdir(), 'segue-crowd-'));
  let agent: Background | undefined;
  const metrics = async (path: string): Promise<string[]> => {
    const { status, body } = await ask(socketOf(netns), path);
    expect([path, status]).toEqual([path, 200]);
    return body.split('\n').filter((line) => !/^#|^$/.test(line));
  };
  const named = (lines: readonly string[], name: string): string[] => lines.filter((line) => line.startsWith(name));

  beforeAll(async () => {
    createNetns(netns);
    // Every kind of object has drifted in every way, and every path was asked and failed: an agent before left it so.
    const [runDirectory = ''] = nodeDirectories(netns);
    mkdirSync(runDirectory, { recursive: true });
    keepCounters(runDirectory, everythingCounted());
    const requests = new RequestCounts(join(runDirectory, 'request-counts.json'));
    for (const counted of [NO_ROUTE, ...[...ROUTES.values()].map((route) => route.counted)]) {
      for (const status of [200, 404, 503]) requests.note(counted, status, 0.1);
    }
    requests.keep();
    const file = await makeCrowd({ netns, directory, ports: PORTS, tenants: TENANTS, networkNodes: NETWORK_NODES });
    agent = new Background(undefined, [process.execPath, SEGUE_COMMAND, 'agent', '-c', file]);
    await agent.waitFor(/converged on the intent/, START_MS);
    await agent.waitFor(/API: listening/, START_MS);
  }, 2 * START_MS);
  afterAll(async () => {
    await agent?.stop();
    for (const path of [...nodeDirectories(netns), pinDirectory(netns)]) rmSync(path, { recursive: true, force: true });
    deleteNetns(netns);
    rmSync(directory, { recursive: true, force: true });
  });

  it('have four series for each of 1,000 ports out of 4,100, and the number of ports omitted', async () => {
    const lines = await metrics('/metrics/ports');
    expect(named(lines, 'segue_port_')).toHaveLength(4000);
    expect(named(lines, 'segue_ports_omitted')).toEqual(['segue_ports_omitted 3100']);
    expect(new Set(lines.map((line) => line.replace(/ [^ ]+$/, ''))).size).toBe(lines.length);
  });

  it('have four series for each of 4,096 tenants out of 4,100', async () => {
    const lines = await metrics('/metrics/tenants');
    expect(named(lines, 'segue_tenant_')).toHaveLength(16_384);
    expect(named(lines, 'segue_tenants_omitted')).toEqual(['segue_tenants_omitted 4']);
    expect(new Set(lines.map((line) => line.replace(/ [^ ]+$/, ''))).size).toBe(lines.length);
  });

  it('have at most 500 series of the node itself, after every repair and request', async () => {
    const lines = await metrics('/metrics');
    expect(lines.length).toBeGreaterThan(400);
    expect(named(lines, 'segue_gateway_node_up')).toHaveLength(NETWORK_NODES);
    // What has no series of its own is in the sum.
    const repairs = named(lines, 'segue_repairs_total').map((line) => Number(line.split(' ').at(-1)));
    expect(repairs.length).toBeLessThan(3 * RESOURCE_ORDER.length);
    expect(repairs.reduce((sum, one) => sum + one, 0)).toBe(3 * RESOURCE_ORDER.length);
    expect(lines.length).toBeLessThanOrEqual(500);
    expect(named(lines, 'segue_ports{state="up"}')).toEqual([`segue_ports{state="up"} ${PORTS}`]);
    expect(new Set(lines.map((line) => line.replace(/ [^ ]+$/, ''))).size).toBe(lines.length);
  });
});
