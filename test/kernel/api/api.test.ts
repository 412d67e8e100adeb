/** An agent's API over its socket: answers match its own description, and malformed requests do no harm. */
import { readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background, outputOf, runIn } from '../../../lab/process.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { ask, socketOf } from './client.js';
import { fuzz } from './fuzz.js';
import type { ApiAnswer } from './client.js';

const START_MS = 300_000;
const SETTLED_MS = 100;
/** SEGUE_FUZZ=100000 for more. */
const FUZZ_REQUESTS = Number(process.env.SEGUE_FUZZ ?? 20_000);
/** Of a hang, not of a slow machine. */
const REQUEST_MS = 50;
/** What the API's process may grow by in the second half of them, MiB. */
const MAX_GROWTH_MIB = 32;
const SEED = Number(process.env.SEGUE_SEED ?? 1);

interface OpenApi {
  paths: Record<string, { get?: { responses: { 200: { content: Record<string, { schema: object }> } } } }>;
  components: { schemas: Record<string, object> };
}

describe("an agent's API", () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }));
  const configFile = (name = 'hv1'): string => join(network.directory, `${name}.yaml`);
  const socket = (): string => socketOf(network.netns('hv1'));
  const get = (path: string, headers?: Record<string, string>): Promise<ApiAnswer> =>
    ask(socket(), path, headers && { headers });
  const json = async (path: string): Promise<unknown> => JSON.parse((await get(path)).body);
  let agent: Background;

  beforeAll(async () => {
    network.files();
    await sleep(SETTLED_MS);
    expect((await runIn(undefined, [process.execPath, SEGUE_COMMAND, 'apply', '-c', configFile('hv2')])).status).toBe(
      0,
    );
    agent = new Background(undefined, [process.execPath, SEGUE_COMMAND, 'agent', '-c', configFile()]);
    await agent.waitFor(/converged on the intent/, START_MS);
    await agent.waitFor(/API: listening/, START_MS);
  });
  afterAll(() => agent.stop());

  it('is accessible to root and the group only', () => {
    expect((statSync(socket()).mode & 0o777).toString(8)).toBe('660');
  });

  it('answers every path as described', { timeout: START_MS }, async () => {
    const { paths, components } = (await json('/openapi.json')) as OpenApi;
    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema({ $id: 'api', components });
    const seen: string[] = [];
    for (const [path, { get: operation }] of Object.entries(paths)) {
      const schema = operation?.responses[200].content['application/json']?.schema as { $ref?: string } | undefined;
      if (schema?.$ref === undefined) continue;
      const answer = await get(path);
      expect([path, answer.status]).toEqual([path, 200]);
      const isValid = ajv.compile({ $ref: `api${schema.$ref}` });
      expect([path, isValid(JSON.parse(answer.body)), isValid.errors]).toEqual([path, true, null]);
      seen.push(path);
    }
    expect(seen).toContain('/v1/doctor');
    expect(seen).toHaveLength(18);
    expect(await json('/v1/ports')).toMatchObject([{ name: 't100-1' }, { name: 't200-3' }]);
  });

  it.each([
    ['/nowhere', {}, 404, 'not-found'],
    ['/v1/ports?x=1', {}, 400, 'bad-input'],
    ['/v1/ports?tenant=none', {}, 400, 'bad-input'],
    ['/v1/ports?port=none', {}, 404, 'unknown-port'],
    ['/v1/vrfs?port=t100-1', {}, 400, 'bad-input'],
    ['/v1/ports', { method: 'POST' }, 405, 'method'],
    ['/v1/ports', { body: 'x', headers: { 'content-length': '1' } }, 413, 'body'],
    ['/v1/ports', { headers: { accept: 'image/png' } }, 406, 'not-acceptable'],
    ['/v1/ports', { headers: { 'segue-node-file': '%22x%22' } }, 421, 'other-node-file'],
  ])('refuses %s %o', async (path, options, status, code) => {
    const { headers, body, ...answer } = await ask(socket(), path, options);
    expect(answer.status).toBe(status);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(body)).toMatchObject({ type: 'about:blank', status, code, detail: expect.any(String) as string });
  });

  it('streams events', async () => {
    const { default: http } = await import('node:http');
    const asked = http.get({ socketPath: socket(), path: '/v1/events' });
    const text = await new Promise<string>((resolve, reject) => {
      let found = '';
      asked.on('response', (answer) => {
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          // Once it is open: what happened before is not told.
          if (found === '') void outputOf(network.netns('hv1'), ['nft', 'flush', 'ruleset']);
          found += chunk;
          if (found.includes('"drift"')) resolve(found);
        });
      });
      asked.on('error', reject);
    });
    asked.destroy();
    expect(text).toMatch(/id: 1\nevent: log\ndata: \{"level":/);
  });

  it('survives malformed and nearly valid requests', { timeout: START_MS + FUZZ_REQUESTS * REQUEST_MS }, async () => {
    const { pid } = (await json('/v1/status')) as { pid: number };
    const half = FUZZ_REQUESTS / 2;
    const first = await fuzz(() => connect(socket()), half, SEED);
    const before = residentMiB(apiProcesses(agent)[0] ?? 0);
    const second = await fuzz(() => connect(socket()), half, SEED + 1);
    const grown = residentMiB(apiProcesses(agent)[0] ?? 0) - before;
    const statuses = new Map(first.statuses);
    for (const [status, count] of second.statuses) statuses.set(status, (statuses.get(status) ?? 0) + count);
    const unanswered = first.unanswered + second.unanswered;
    process.stdout.write(
      `${FUZZ_REQUESTS} requests: ${JSON.stringify([...statuses])}, ${before} MiB and ${grown} more\n`,
    );
    expect(grown).toBeLessThan(MAX_GROWTH_MIB);
    const all = [...statuses.values()].reduce((sum, one) => sum + one, 0);
    expect(all + unanswered).toBe(FUZZ_REQUESTS);
    expect([...statuses.keys()].filter((status) => status >= 500 && status !== 503)).toEqual([]);
    // It was not the parser alone that was asked.
    for (const status of [200, 400, 404, 405, 406, 409, 413, 415, 421, 431])
      expect([...statuses.keys()]).toContain(status);
    expect(((await json('/v1/status')) as { pid: number }).pid).toBe(pid);
    expect(agent.output).not.toMatch(/"level":50.*API/);
    expect(agent.hasEnded).toBe(false);
  });

  it('restarts after its process is killed, and stops with the agent', { timeout: START_MS }, async () => {
    const [first = 0] = apiProcesses(agent);
    process.kill(first, 'SIGKILL');
    await expect
      .poll(
        () =>
          get('/healthz').then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: START_MS },
      )
      .toBe(200);
    const [second = 0] = apiProcesses(agent);
    expect(second).not.toBe(first);
    await agent.stop();
    expect(statSync(socket(), { throwIfNoEntry: false })).toBeUndefined();
    await expect
      .poll(() => statSync(`/proc/${second}`, { throwIfNoEntry: false }), { timeout: START_MS })
      .toBeUndefined();
  });
});

function apiProcesses({ child }: Background): number[] {
  return readFileSync(`/proc/${child.pid ?? 0}/task/${child.pid ?? 0}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter((one) => one !== '' && readFileSync(`/proc/${one}/cmdline`, 'utf8').includes('api-process'))
    .map(Number);
}

function residentMiB(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
}
