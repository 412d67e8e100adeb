/** A large intent is read on a thread, in pieces, with the same result as on the main thread. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readIntentCopy } from '../../../src/agent/intent-copy.js';
import { IntentAssembly, piecesOf } from '../../../src/agent/intent-pieces.js';
import { IntentReader } from '../../../src/agent/intent-reader.js';
import { IntentError } from '../../../src/intent/errors.js';
import { FileSource } from '../../../src/intent/file-source.js';
import { INTENT_MODEL } from '../../../src/app/features.js';
import { loadIntent, relevantTo } from '../../../src/app/intent.js';
import { fileSignature } from '../../../src/intent/signature.js';
import type { IntentEvent } from '../../../src/intent/source.js';
import type { NodeConfig } from '../../../src/intent/types.js';

/** Some pieces, and a file that is not small. */
const PORTS = 4500;
const TIMEOUT_MS = 300_000;

const directory = mkdtempSync(join(tmpdir(), 'segue-reader-'));
const file = join(directory, 'intent.json');
const config: NodeConfig = {
  ...{ node: 'hv1', uplinks: ['eth0'], dataplane: 'ebpf', xdp: 'never', behaviours: ['dt46'], intent: file },
};
const readers: IntentReader[] = [];

function reader(): IntentReader {
  const made = new IntentReader({ config, configFile: 'node.yaml', runDirectory: directory });
  readers.push(made);
  return made;
}

function write(ports = PORTS, address = (at: number): string => `10.0.${at >> 8}.${at & 255}`): void {
  const hex = (at: number): string => at.toString(16).padStart(4, '0').replace(/^../, '$&:');
  writeFileSync(
    file,
    JSON.stringify({
      version: 1,
      sidBlock: 'fd00:5e::/32',
      trusted: ['fd00:99::/64'],
      nodes: ['hv1', 'hv2', 'nn'].map((name, at) => ({ name, locator: `fd00:5e:${at + 1}::/48` })),
      tenants: [
        { name: 'red', id: 1, subnets: [{ prefix: '10.0.0.0/16', gateway: '10.0.255.1' }], mtu: 1400 },
        { name: 'blue', id: 2, subnets: [{ prefix: '10.1.0.0/16', gateway: '10.1.255.1' }] },
      ],
      ports: Array.from({ length: ports }, (_, at) => ({
        ...{ name: `p${at}`, node: at === 7 ? 'hv1' : 'hv2', tenant: 'red', interface: `p${at}` },
        ...{ mac: `02:00:00:00:${hex(at)}`, addresses: [address(at + 2)] },
        ...(at === 9 && { prefixes: ['172.16.0.0/24'] }),
      })),
      paths: [{ to: 'hv2', via: ['fd00:5e:9::1'] }],
      gateways: [{ name: 'gw', nodes: ['nn'], tenants: ['red', 'blue'] }],
      policies: [{ name: 'web', from: { tenant: 'red' }, to: { tenant: 'blue' }, protocol: 'tcp', action: 'allow' }],
    }),
  );
  // A file that was just changed counts for no copy.
  const later = performance.now() + 80;
  while (performance.now() < later) fileSignature(file);
}

beforeAll(() => {
  write();
});

afterAll(() => {
  for (const one of readers) one.close();
  rmSync(directory, { recursive: true });
});

describe('a large intent', { timeout: TIMEOUT_MS }, () => {
  it('is split into pieces and reassembled completely', () => {
    const intent = relevantTo(loadIntent(file), 'hv1');
    const pieces = [...piecesOf(intent)];
    expect(pieces.filter(({ field }) => field === 'ports')).toHaveLength(PORTS / 250);
    const assembly = new IntentAssembly();
    for (const piece of pieces) assembly.add(piece);
    expect(assembly.intent).toEqual(intent);
    const [first, second] = assembly.intent.ports;
    expect(first?.prefixes).toBe(second?.prefixes);
  });

  it('is read on a thread while the event loop runs, and leaves a copy', async () => {
    const reading = reader().read(undefined);
    expect(reading).toBeInstanceOf(Promise);
    let turns = 0;
    const counting = setInterval(() => (turns += 1), 1);
    const { intent, digest } = await reading;
    clearInterval(counting);
    expect(turns).toBeGreaterThan(0);
    expect(intent).toEqual(relevantTo(loadIntent(file), 'hv1'));
    expect(readIntentCopy(directory, config, fileSignature(file))?.ports.map(({ name }) => name)).toEqual(['p7']);
    expect(await reader().read(digest)).toEqual({ digest, signature: fileSignature(file) });
  });

  it('is refused with the same message as on the main thread', async () => {
    write(PORTS, () => 'nonsense');
    const refusal = await Promise.resolve(reader().read(undefined)).catch((error: unknown) => error);
    let here: unknown;
    try {
      loadIntent(file);
    } catch (error) {
      here = error;
    }
    expect(refusal).toBeInstanceOf(IntentError);
    expect((refusal as IntentError).message).toBe((here as IntentError).message);
    expect((refusal as IntentError).issues).toHaveLength(1000);
    write();
  });

  it('is abandoned when the reader is closed', async () => {
    const one = reader();
    const reading = Promise.resolve(one.read(undefined));
    one.close();
    await expect(reading).rejects.toThrow('the thread that reads it has ended');
  });

  it('is abandoned at any moment the reader is closed, even while its thread loads libraries', async () => {
    const began = performance.now();
    await reader().read(undefined);
    const took = performance.now() - began;
    for (let round = 0; round < 4; round++) {
      const ends = Array.from({ length: 8 }, async (_, at) => {
        const one = reader();
        const reading = Promise.resolve(one.read(undefined)).catch(() => undefined);
        await sleep(((8 * round + at) / 32) * took);
        one.close();
        await reading;
      });
      await Promise.all(ends);
    }
  });

  it('is read again by its source when it changes during a read', async () => {
    const one = reader();
    const events: IntentEvent[] = [];
    const source = new FileSource(file, {
      model: INTENT_MODEL,
      ...{ debounceMs: 20, restatIntervalMs: 300 },
      read: (unlessDigest) => one.read(unlessDigest),
      close: () => {
        one.close();
      },
    });
    const started = source.start((event) => events.push(event));
    await started;
    expect(events.map(({ type }) => type)).toEqual(['snapshot']);
    write(PORTS - 1);
    source.reload();
    write(PORTS - 2);
    await expect.poll(() => source.intent?.ports.length, { timeout: TIMEOUT_MS }).toBe(PORTS - 2);
    source.close();
  });
});

it('a small intent is read synchronously', () => {
  write(3);
  expect(reader().read(undefined)).toMatchObject({ intent: { ports: [] } });
});
