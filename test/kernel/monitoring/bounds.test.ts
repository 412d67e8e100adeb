/** Metrics of a node with more ports and tenants than have series: the bounds hold, and no series is there twice. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCrowd } from '../../../bench/scrape/crowd.js';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background } from '../../../lab/process.js';
import { nodeDirectories, pinDirectory } from '../../../src/agent/instance.js';
import { createNetns, deleteNetns } from '../../../src/netlink/netns.js';
import { ask, socketOf } from '../api/client.js';

const START_MS = 280_000;
const PORTS = 4100;
const TENANTS = 4100;

describe('metrics of a crowded node', () => {
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
    const file = await makeCrowd({ netns, directory, ports: PORTS, tenants: TENANTS });
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

  it('of 4,100 ports 1,000 have four series each, and the rest is told of', async () => {
    const lines = await metrics('/metrics/ports');
    expect(named(lines, 'segue_port_')).toHaveLength(4000);
    expect(named(lines, 'segue_ports_omitted')).toEqual(['segue_ports_omitted 3100']);
    expect(new Set(lines.map((line) => line.replace(/ [^ ]+$/, ''))).size).toBe(lines.length);
  });

  it('of 4,100 tenants 4,096 have four series each', async () => {
    const lines = await metrics('/metrics/tenants');
    expect(named(lines, 'segue_tenant_')).toHaveLength(16_384);
    expect(named(lines, 'segue_tenants_omitted')).toEqual(['segue_tenants_omitted 4']);
    expect(new Set(lines.map((line) => line.replace(/ [^ ]+$/, ''))).size).toBe(lines.length);
  });

  it('those of the node itself are 500 at most', async () => {
    const lines = await metrics('/metrics');
    expect(lines.length).toBeGreaterThan(200);
    expect(lines.length).toBeLessThanOrEqual(500);
    expect(named(lines, 'segue_ports{state="up"}')).toEqual([`segue_ports{state="up"} ${PORTS}`]);
    expect(new Set(lines.map((line) => line.replace(/ [^ ]+$/, ''))).size).toBe(lines.length);
  });
});
