import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { asker, dnsNames, refuseStranger } from '../../../src/api/asker.js';
import type { Socket } from 'node:net';

it("asker() returns the peer's user on a Unix socket, and none on TCP", async () => {
  const directory = mkdtempSync(join(tmpdir(), 'segue-asker-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  const askerAt = async (where: string | number): Promise<ReturnType<typeof asker>> => {
    const server = createServer();
    onTestFinished(() => void server.close());
    const listening = once(server, 'listening');
    server.listen(typeof where === 'number' ? { port: where, host: '::1' } : { path: where });
    await listening;
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const address = server.address();
    const client = typeof address === 'object' ? connect(address?.port ?? 0, '::1') : connect(String(address));
    const found = asker(await accepted);
    client.destroy();
    return found;
  };
  expect(await askerAt(join(directory, 'socket'))).toMatchObject({ uid: process.geteuid?.(), names: [] });
  const overTcp = await askerAt(0);
  expect(overTcp.uid).toBeUndefined();
  expect(() => {
    refuseStranger(overTcp, ['ops.example']);
  }).toThrow('may read but not change anything');
});

it.each([
  ['DNS:ops.example, IP Address:192.0.2.1, DNS:deploy', ['ops.example', 'deploy']],
  ['IP Address:192.0.2.1', []],
  // RFC 5280 allows a comma in a name: Node quotes what holds one.
  ['DNS:"a, DNS:ops.example"', []],
  ['', []],
])('dnsNames() reads the names of %j', (text, names) => {
  expect(dnsNames(text)).toEqual(names);
});

it("only root, the agent's user and named certificates may change anything", () => {
  const may = (uid: number | undefined, names: string[]): boolean => {
    try {
      refuseStranger({ text: 'x', names, ...(uid !== undefined && { uid }) }, ['ops.example']);
      return true;
    } catch {
      return false;
    }
  };
  expect(may(0, [])).toBe(true);
  expect(may(process.geteuid?.(), [])).toBe(true);
  expect(may(65_534, [])).toBe(false);
  expect(may(undefined, ['ops.example'])).toBe(true);
  expect(may(undefined, ['OPS.example'])).toBe(false);
  expect(may(undefined, [])).toBe(false);
});
