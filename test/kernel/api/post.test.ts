/** POST requests to an agent's API, over its socket and TLS: a packet to trace, and the release of a blocked intent. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background, outputOf, runIn } from '../../../lab/process.js';
import { openApi } from '../../../src/api/openapi.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { certificateScript } from './certificates.js';
import { ask, socketOf } from './client.js';
import { fuzz } from './fuzz.js';
import type { ApiAnswer } from './client.js';

const START_MS = 300_000;
const SETTLED_MS = 100;
const NOBODY = '65534';
/** SEGUE_FUZZ_TLS=10000 for more: each is a handshake. */
const FUZZ_REQUESTS = Number(process.env.SEGUE_FUZZ_TLS ?? 300);
/** Of a hang, not of a slow machine. */
const REQUEST_MS = 200;
const SEED = Number(process.env.SEGUE_SEED ?? 1);

describe('a POST request', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }));
  const path = (name: string): string => join(network.directory, name);
  const socket = (): string => socketOf(network.netns('hv1'));
  const post = (to: string, body: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> =>
    ask(socket(), to, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  /** By TLS, with a client's certificate. */
  const postOver = async (client: string, to: string, body: object): Promise<ApiAnswer> => {
    const tls = ['--cacert', path('ca.pem'), '--cert', path(`${client}.pem`), '--key', path(`${client}.key`)];
    const posted = ['-H', 'content-type: application/json', '--data', JSON.stringify(body), '-w', '\n%{http_code}'];
    const url = `https://127.0.0.1:${apiPort}${to}`;
    const text = await outputOf(undefined, ['curl', '--silent', '--show-error', ...tls, ...posted, url]);
    const at = text.trimEnd().lastIndexOf('\n');
    return { status: Number(text.slice(at + 1)), headers: {}, body: text.slice(0, at) };
  };
  /** As somebody who is of the socket's group, and not root. */
  const asNobody = (...argv: string[]): ReturnType<typeof runIn> =>
    runIn(undefined, ['setpriv', '--reuid', NOBODY, '--regid', '0', '--clear-groups', ...argv]);
  const isHeld = async (): Promise<boolean> =>
    (JSON.parse((await ask(socket(), '/v1/status')).body) as { intent: { held: boolean } }).intent.held;
  /** Writes an intent that takes all ports of the node away, which the guard holds. */
  const takeAway = async (): Promise<void> => {
    const intent = parse(readFileSync(path('intent.yaml'), 'utf8')) as { ports: { node: string }[] };
    intent.ports = intent.ports.filter(({ node }) => node !== network.netns('hv1'));
    writeFileSync(path('intent.yaml'), JSON.stringify(intent));
    await expect.poll(isHeld, { timeout: START_MS }).toBe(true);
  };
  let agent: Background;
  let apiPort = 0;

  beforeAll(async () => {
    network.files();
    apiPort = await freePort();
    await network.shell('hv1', `cd ${network.directory}\n${certificateScript(['server', 'reader', 'operator'])}`);
    const tls = '{ cert: server.pem, key: server.key, clientCa: ca.pem }';
    const api = `api: { listen: "127.0.0.1:${apiPort}", tls: ${tls}, operators: [operator.example] }\n`;
    writeFileSync(path('hv1.yaml'), readFileSync(path('hv1.yaml'), 'utf8') + api);
    // Who is not root sees the files of the node, too.
    chmodSync(network.directory, 0o755);
    await sleep(SETTLED_MS);
    expect((await runIn(undefined, [process.execPath, SEGUE_COMMAND, 'apply', '-c', path('hv2.yaml')])).status).toBe(0);
    // The node file names the namespace to work in: the agent, and so its address, are in this one.
    agent = new Background(undefined, [process.execPath, SEGUE_COMMAND, 'agent', '-c', path('hv1.yaml')]);
    await agent.waitFor(/converged on the intent/, START_MS);
    await agent.waitFor(/API: listening on \/run/, START_MS);
    await agent.waitFor(/API: listening on 127/, START_MS);
  });
  afterAll(() => agent.stop());

  const packet = { port: 't100-1', to: '10.0.0.2', proto: 'tcp', dport: 22, syn: true, size: 60 };

  it('traces a packet like segue trace -j, as described', { timeout: START_MS }, async () => {
    const { components } = openApi() as { components: { schemas: Record<string, object> } };
    const isTrace = new Ajv2020({ strict: false }).addSchema({ $id: 'api', components }).compile({
      $ref: 'api#/components/schemas/Trace',
    });
    const { status, body } = await post('/v1/trace', packet);
    expect([status, isTrace(JSON.parse(body)), isTrace.errors]).toEqual([200, true, null]);
    const options = ['-p', 't100-1', '--to', '10.0.0.2', '--proto', 'tcp', '--dport', '22', '--syn', '--size', '60'];
    const argv = [process.execPath, SEGUE_COMMAND, 'trace', '-j', '-c', path('hv1.yaml'), ...options];
    expect(JSON.parse(body)).toEqual(JSON.parse(await outputOf(undefined, argv)));
    // One that is dropped is an answer, too.
    const dropped = await post('/v1/trace', { ...packet, to: '10.0.0.77' });
    expect([dropped.status, JSON.parse(dropped.body)]).toMatchObject([
      200,
      { verdict: 'dropped', reason: 'no-member' },
    ]);
    expect((await postOver('reader', '/v1/trace', packet)).status).toBe(200);
  });

  it('traces for an unprivileged user, also through the command', { timeout: START_MS }, async () => {
    const argv = [process.execPath, SEGUE_COMMAND, 'trace', '-c', path('hv1.yaml'), '-p', 't100-1', '--to'];
    expect(await asNobody(...argv, '10.0.0.2')).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^sent: /m) as string,
    });
    expect(await asNobody(...argv, '10.0.0.77')).toMatchObject({ status: 1, stderr: '' });
    expect(await asNobody(...argv, '10.0.0.2', '--from', '10.9.9.9')).toMatchObject({ status: 1 });
    expect(await asNobody(...argv.slice(0, -2), 'none', '--to', '10.0.0.2')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('none') as string,
    });
  });

  it.each([
    ['/v1/trace', {}, 400, 'bad-input', 'to: expected text'],
    ['/v1/trace', { ...packet, to: 'x' }, 400, 'bad-input', '--to x: expected an IPv4 or IPv6 address'],
    ['/v1/trace', { ...packet, port: 'none' }, 400, 'bad-input', 'none'],
    ['/v1/trace', { ...packet, port: '--help' }, 400, 'bad-input', '--help'],
    ['/v1/trace', { ...packet, port: 'a\0' }, 400, 'bad-input', 'port: expected text without control characters'],
    ['/v1/trace', { ...packet, ttl: 256 }, 400, 'bad-input', '--ttl 256: expected'],
    ['/v1/trace', { ...packet, config: '/etc/passwd' }, 400, 'bad-input', 'body: expected no config'],
    ['/v1/trace', '{', 400, 'bad-input', 'body: expected JSON'],
    ['/v1/trace', ' '.repeat(20_000), 413, 'too-large', 'expected a body of at most'],
    ['/v1/trace?x=1', packet, 400, 'bad-input', 'expected no parameter'],
    ['/v1/release', { port: 'a' }, 400, 'bad-input', 'expected {}'],
    ['/v1/release', {}, 409, 'nothing-held', 'no intent is held'],
  ])('refuses %s %j', async (to, body, status, code, detail) => {
    const answer = await post(to, body);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(answer.body)).toMatchObject({ status, code, detail: expect.stringContaining(detail) as string });
  });

  it('is the only accepted method, and needs a JSON content type', async () => {
    for (const to of ['/v1/trace', '/v1/release']) {
      const got = await ask(socket(), to);
      expect([got.status, got.headers.allow]).toEqual([405, 'POST']);
      expect((await post(to, {}, { 'content-type': 'text/plain' })).status).toBe(415);
      expect((await post(to, packet, { 'segue-node-file': '%22x%22' })).status).toBe(421);
    }
  });

  it('releases a blocked intent for root and operators only', { timeout: 2 * START_MS }, async () => {
    await takeAway();
    const fromSocket = ['curl', '--silent', '--unix-socket', socket(), '-H', 'content-type: application/json'];
    const { stdout } = await asNobody(...fromSocket, '--data', '{}', 'http://segue/v1/release');
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ status: 403, code: 'forbidden' },
      detail: expect.stringContaining(`uid ${NOBODY} `) as string,
    });
    const reader = await postOver('reader', '/v1/release', {});
    expect([reader.status, JSON.parse(reader.body)]).toMatchObject([403, { code: 'forbidden' }]);
    expect(await isHeld()).toBe(true);
    const answer = await postOver('operator', '/v1/release', {});
    expect([answer.status, JSON.parse(answer.body)]).toEqual([202, { released: true }]);
    await expect.poll(isHeld, { timeout: START_MS }).toBe(false);
    await expect.poll(async () => (await ask(socket(), '/v1/ports')).body, { timeout: START_MS }).toBe('[]\n');
    expect(agent.output).toMatch(/"by":"certificate operator\.example at 127\.0\.0\.1"/);
    expect((await post('/v1/release', {})).status).toBe(409);
  });

  it('works over TLS after malformed requests', { timeout: START_MS + FUZZ_REQUESTS * REQUEST_MS }, async () => {
    const [ca, cert, key] = ['ca.pem', 'reader.pem', 'reader.key'].map((name) => readFileSync(path(name)));
    const open = (): ReturnType<typeof connectTls> => connectTls({ ca, cert, key, host: '127.0.0.1', port: apiPort });
    const { statuses } = await fuzz(open, FUZZ_REQUESTS, SEED);
    process.stdout.write(`${FUZZ_REQUESTS} requests over TLS: ${JSON.stringify([...statuses])}\n`);
    expect([...statuses.keys()].filter((status) => status >= 500 && status !== 503)).toEqual([]);
    for (const status of [200, 400, 403, 404]) expect([...statuses.keys()]).toContain(status);
    expect(agent.output).not.toMatch(/"level":50.*API/);
  });
});

/** Of TCP, on this machine's loopback. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}
