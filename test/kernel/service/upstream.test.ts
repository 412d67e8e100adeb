/**
 * Nova's side of Neutron's contract: the parts of a VM's request that reach the upstream, and the response. The
 * upstream checks the signature as Nova does (nova/api/metadata/handler.py).
 */
import { createHmac } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useNetwork } from '../../netns/lib/network.js';
import { ask, cloud, findingsOf, intentOf, METADATA4, METADATA6, METADATA_LINK, serve } from './cloud.js';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MetadataConfig } from '../../../src/intent/types.js';
import type { MetadataProcess } from '../../../src/metadata/process.js';

const HANG_MS = 300_000;
const SECRET = 'a secret of Nova and the node';
const directory = mkdtempSync(join(tmpdir(), 'segue-nova-'));
const secret = join(directory, 'secret');
writeFileSync(secret, `${SECRET}\n`);
chmodSync(secret, 0o600);
afterAll(() => {
  rmSync(directory, { recursive: true });
});

interface Seen {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  bytes: number;
}

const seen: Seen[] = [];
const nova = createServer((request, response) => {
  let bytes = 0;
  request.on('data', (part: Buffer) => (bytes += part.length));
  request.on('end', () => {
    const { method = '', url = '', headers } = request;
    seen.push({ method, url, headers, bytes });
    const instance = String(headers['x-instance-id']);
    const signature = createHmac('sha256', SECRET).update(instance).digest('hex');
    if (headers['x-instance-id-signature'] !== signature) response.writeHead(403).end();
    else if (url === '/big') response.end('x'.repeat(300_000));
    else if (url === '/conflict') response.writeHead(409).end('set already');
    else response.end(instance);
  });
});
await new Promise<void>((resolve) => nova.listen(0, '127.0.0.1', resolve));
const { port } = nova.address() as AddressInfo;

const metadata = {
  from: { upstream: `http://127.0.0.1:${port}`, secret },
  rate: 50,
  hopLimit: 1,
} satisfies MetadataConfig;

describe('metadata of Nova', { timeout: HANG_MS }, () => {
  const network = useNetwork(cloud('ebpf', metadata), async (made) => {
    await made.apply('hv1', intentOf(made));
  });
  let service: MetadataProcess;
  beforeAll(async () => {
    service = await serve(network);
  });
  afterAll(() => {
    service.close();
    nova.closeAllConnections();
    nova.close();
  });
  const last = (): Seen => {
    const one = seen.at(-1);
    if (one === undefined) throw new Error('nobody asked');
    return one;
  };

  it('identifies the VM by its own address of either family', async () => {
    for (const [host, from] of [
      [METADATA4, /^10\.0\.0\.10$/],
      [`[${METADATA6}]`, /^fd00:10::a$/],
      [`[${METADATA_LINK}%25eth0]`, /^fe80::/],
    ] as const) {
      for (const vm of ['red', 'blue']) {
        expect(await ask(network, vm, `http://${host}/openstack`)).toEqual({ status: 200, text: `inst-${vm}` });
        expect(last().headers['x-forwarded-for']).toMatch(from);
        expect(last().headers).toMatchObject({
          'x-tenant-id': `project-${vm}`,
          'x-project-id': `project-${vm}`,
          host: `127.0.0.1:${port}`,
        });
      }
    }
  });

  it('receives neither forged nor hop-by-hop headers', async () => {
    const forged = [
      'X-Instance-ID: inst-blue',
      'X-Instance-ID-Signature: 00',
      'X-Tenant-ID: project-blue',
      'X-Forwarded-For: 10.0.0.99',
      'X-Real-IP: 10.0.0.99',
      'x-metadata-provider: me',
      'Forwarded: for=10.0.0.99',
      'Connection: close, Secret-Hop',
      'Secret-Hop: 1',
      'TE: trailers',
      'Accept: text/plain',
    ].flatMap((header) => ['-H', header]);
    expect(await ask(network, 'red', `http://${METADATA4}/`, ...forged)).toEqual({ status: 200, text: 'inst-red' });
    const { headers } = last();
    expect(headers).toMatchObject({
      accept: 'text/plain',
      'x-forwarded-for': '10.0.0.10',
      'x-tenant-id': 'project-red',
    });
    for (const name of ['x-real-ip', 'x-metadata-provider', 'forwarded', 'secret-hop', 'te']) {
      expect(headers[name], name).toBeUndefined();
    }
  });

  it('transfers bodies of up to a megabyte in both directions', async () => {
    const { text } = await ask(network, 'red', `http://${METADATA4}/big`);
    expect(text.length).toBe(300_000);
    const big = join(network.directory, 'big');
    for (const [bytes, status] of [
      [1_048_576, 200],
      [1_048_577, 413],
    ] as const) {
      writeFileSync(big, 'x'.repeat(bytes));
      const said = await ask(network, 'red', `http://${METADATA4}/`, '--data-binary', `@${big}`, '-H', 'Expect:');
      expect(said, String(bytes)).toMatchObject({ status });
      if (status === 200) expect(last()).toMatchObject({ method: 'POST', bytes });
    }
    expect(await ask(network, 'red', `http://${METADATA4}/conflict`)).toEqual({ status: 409, text: 'set already' });
  });

  it('is not served to a port that is no instance of Nova', async () => {
    const intent = intentOf(network);
    const ports = intent.ports.map((one) => (one.name === 'blue' ? { ...one, instance: undefined } : one));
    const without = ports.map((one) =>
      Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined)),
    );
    await network.apply('hv1', { ...intent, ports: without as unknown as typeof intent.ports });
    const before = seen.length;
    expect(await ask(network, 'blue', `http://${METADATA4}/`)).toMatchObject({ status: 404 });
    expect(seen.length).toBe(before);
    await network.apply('hv1', intent);
  });

  it('is sent to the VM with TTL 1', async () => {
    const file = join(network.directory, 'ttl.txt');
    await network.shell(
      'red',
      `timeout 60 tcpdump -i eth0 -nn -v -c 1 --immediate-mode 'src host ${METADATA4}' >${file} 2>/dev/null & sleep 1
      for i in $(seq 50); do curl -s --max-time 5 http://${METADATA4}/ >/dev/null; kill -0 $! 2>/dev/null || break; done; wait $!`,
      { timeoutMs: HANG_MS },
    );
    expect(await network.shell('red', `cat ${file}`)).toContain('ttl 1,');
  });

  it('rejects a port beyond its rate, and serves others', async () => {
    service.close();
    service = await serve(network, { rate: 1 });
    const many = `for i in $(seq 40); do echo "http://${METADATA4}/$i"; done | xargs curl -s -o /dev/null -w '%{http_code}\\n' --parallel --parallel-max 20 | sort | uniq -c`;
    const said = await network.shell('red', many, { timeoutMs: HANG_MS });
    expect(said).toMatch(/\d+ 200/);
    expect(said).toMatch(/\d+ 429/);
    expect(await ask(network, 'blue', `http://${METADATA4}/`)).toEqual({ status: 200, text: 'inst-blue' });
    service.close();
    service = await serve(network);
  });

  it('asks VMs to retry while Nova is down, and serves them once it is up', async () => {
    nova.closeAllConnections();
    await new Promise((resolve) => nova.close(resolve));
    const headers = join(network.directory, 'headers');
    expect(await ask(network, 'blue', `http://${METADATA4}/`, '-D', headers)).toMatchObject({ status: 503 });
    expect(await network.shell('blue', `cat ${headers}`)).toMatch(/^retry-after: 5\r?$/im);
    const refused = `http://127.0.0.1:${port} cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}`;
    expect(await findingsOf(network)).toEqual([`fail port.metadata.upstream: ${refused}`]);
    await new Promise<void>((resolve) => nova.listen(port, '127.0.0.1', resolve));
    expect((await findingsOf(network)).map((line) => line.split(' ')[0])).toEqual(['ok']);
    expect(await ask(network, 'blue', `http://${METADATA4}/`)).toEqual({ status: 200, text: 'inst-blue' });
  });
});
