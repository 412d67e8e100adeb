/** `segue intent` against a real etcd with certificates and roles. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { EtcdClient } from '../../../src/fleet/store/etcd-client.js';
import { put } from '../../../src/fleet/store/commit.js';
import { Authority, Etcd, loopbackAddress, newDirectory, removeDirectory } from './etcd.js';
import { CLOUD, portOf } from './intent.js';
import type { Intent } from '../../../src/intent/types.js';
import type { TlsFiles } from '../../../src/fleet/types.js';

const SEGUE = fileURLToPath(new URL('../../../bin/segue', import.meta.url));
const directory = newDirectory();
const authority = new Authority(directory);
const address = loopbackAddress();
const [server, root, writer, feed] = [
  authority.issue('etcd', [`IP:${address}`]),
  authority.issue('root'),
  authority.issue('writer'),
  authority.issue('feed'),
] as const;
const etcd = new Etcd(directory, { tls: server, address });
const file = (name: string): string => join(directory, name);

function fleetFile(name: string, tls: TlsFiles): string {
  writeFileSync(file(name), stringify({ realm: 'prod', etcd: { endpoints: [etcd.endpoint], tls } }));
  return file(name);
}

const fleet = fleetFile('fleet.yaml', writer);

function intent(name: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const all = [SEGUE, 'intent', name, '-c', fleet, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8', timeout: 60_000 });
  return { status, stdout, stderr };
}

function write(name: string, value: Intent): string {
  writeFileSync(file(name), stringify(value, { aliasDuplicateObjects: false }));
  return file(name);
}

beforeAll(async () => {
  await etcd.start();
  // As docs/fleet.md says.
  for (const command of [
    'user add root --no-password',
    'role add root',
    'user grant-role root root',
    'role add segue-writer',
    'role grant-permission segue-writer readwrite --prefix=true /segue/v1/prod/',
    'user add writer --no-password',
    'user grant-role writer segue-writer',
    'role add segue-feed',
    'role grant-permission segue-feed read --prefix=true /segue/v1/prod/intent/',
    'role grant-permission segue-feed readwrite --prefix=true /segue/v1/prod/status/',
    'role grant-permission segue-feed readwrite --prefix=true /segue/v1/prod/seen/',
    'role grant-permission segue-feed read --prefix=true /segue/v1/prod/revoked/',
    'role grant-permission segue-feed readwrite --prefix=true /segue/v1/prod/enroll/',
    'user add feed --no-password',
    'user grant-role feed segue-feed',
    'auth enable',
  ]) {
    etcd.ctl(command.split(' '), root);
  }
});
afterAll(async () => {
  await etcd.kill();
  removeDirectory(directory);
});

describe('segue intent', () => {
  it('creates a realm from a file, then writes and shows only differences', () => {
    const first = write('one.yaml', { ...CLOUD, ports: [portOf(1), portOf(2)] });
    expect(intent('get')).toMatchObject({
      status: 1,
      stderr: 'segue: realm prod holds no intent yet: segue intent apply -f sets it up\n',
    });
    const made = intent('apply', '-f', first, '--reason', 'set up', '--author', 'ann');
    expect(made).toMatchObject({ status: 0, stderr: '' });
    expect(made.stdout.split('\n').at(-2)).toBe('sequence 1: 7 added, 0 changed, 0 removed');
    expect(made.stdout).toContain(
      '+ port p1  tenant: red, node: hv1, interface: tap1, mac: 02:00:00:00:00:01, addresses: ["10.0.0.11"]\n',
    );
    const second = write('two.yaml', { ...CLOUD, ports: [portOf(1, { node: 'hv2' }), portOf(3)] });
    const diff = intent('diff', '-f', second);
    const lines = [
      '- port p2',
      '+ port p3  tenant: red, node: hv1, interface: tap3, mac: 02:00:00:00:00:03, addresses: ["10.0.0.13"]',
      '~ port p1  (node: hv1 → hv2)',
    ];
    expect(diff).toMatchObject({ status: 3, stderr: '' });
    expect(diff.stdout.trimEnd().split('\n').sort()).toEqual([...lines].sort());
    expect(intent('apply', '-f', second).stdout).toContain('sequence 2: 1 added, 1 changed, 1 removed\n');
    expect(intent('diff', '-f', second)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(intent('apply', '-f', second).stdout).toBe('sequence 2: nothing to change\n');
  });

  it('shows author, time and reason of each change', () => {
    const lines = intent('history').stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/^1 {2}\d{4}-\d\d-\d\dT[\d:.]+Z {2}ann {2}7 added, 0 changed, 0 removed {2}set up$/);
    expect(intent('history', '2').stdout).toContain('~ port p1  (node: hv1 → hv2)\n');
    expect(intent('history', '9')).toMatchObject({ status: 2, stderr: 'segue: sequence 9: not in the history\n' });
    expect(JSON.parse(intent('history', '1', '-j').stdout)).toMatchObject({ author: 'ann', reason: 'set up' });
  });

  it('sets, gets and deletes single entities, with the checks of a file', () => {
    const value =
      '{ name: p4, tenant: red, node: hv2, interface: tap4, mac: "02:00:00:00:00:04", addresses: [10.0.0.14] }';
    expect(intent('set', 'port', value)).toMatchObject({ status: 0, stderr: '' });
    expect(parse(intent('get', 'port', 'p4').stdout)).toEqual([portOf(4, { node: 'hv2' })]);
    const taken = intent('set', 'port', value.replace('p4', 'p5'));
    expect(taken.status).toBe(2);
    expect(taken.stderr).toContain(
      'intent: port p5: addresses[0]: "10.0.0.14": expected an address given once in tenant red; port p4 has it\n',
    );
    expect(intent('set', 'port', '{ name: p5, tenats: red }')).toMatchObject({ status: 2 });
    expect(intent('set', 'port', '{ name: p5, tenats: red }').stderr).toContain('did you mean "tenant"?');
    expect(intent('delete', 'tenant', 'red')).toMatchObject({ status: 2 });
    expect(intent('delete', 'tenant', 'red').stderr).toContain(
      'port p1: tenant: "red": expected the name of a tenant of the intent',
    );
    // A port keeps its name when it goes to another tenant.
    expect(intent('set', 'port', value.replace('red', 'blue')).stdout).toContain(
      'sequence 4: 1 added, 0 changed, 1 removed\n',
    );
    expect(intent('delete', 'port', 'p4').stdout).toContain('- port p4\nsequence 5: ');
    expect(intent('delete', 'port', 'p4')).toMatchObject({ status: 2, stderr: 'segue: port p4: not in the intent\n' });
    expect(intent('get', 'port', 'p4')).toMatchObject({ status: 2, stderr: 'segue: port p4: not in the intent\n' });
    expect(intent('set', 'path', '{ to: hv2, via: ["fd00:5e:9:1::"], tenants: [red, blue] }').status).toBe(0);
    expect(intent('delete', 'path', 'hv2:red,blue').stdout).toContain('- path hv2/blue,red\n');
  });

  it('exports a file equal to the stored intent', () => {
    const text = intent('export').stdout;
    writeFileSync(file('exported.yaml'), text);
    expect(intent('diff', '-f', file('exported.yaml'))).toEqual({ status: 0, stdout: '', stderr: '' });
    writeFileSync(file('exported.json'), intent('export', '-j').stdout);
    expect(intent('validate', '-f', file('exported.json')).stdout).toContain(
      'can be applied: 0 added, 0 changed, 0 removed',
    );
    expect(intent('validate').stdout).toBe('sequence 7: 7 entities, valid\n');
  });

  it('rolls back, and needs --force to remove many entities', () => {
    expect(intent('rollback', '1', '--author', 'bob').stdout).toContain('sequence 8: 1 added, 1 changed, 1 removed\n');
    expect(intent('diff', '-f', file('one.yaml'))).toMatchObject({ status: 0 });
    expect(intent('history', '--limit', '1').stdout).toMatch(/^8 .* bob .* rollback to 1\n$/);
    expect(intent('rollback', '8')).toMatchObject({ status: 1 });
    const many = write('many.yaml', { ...CLOUD, ports: Array.from({ length: 40 }, (_, n) => portOf(n)) });
    expect(intent('apply', '-f', many).status).toBe(0);
    expect(intent('rollback', '8')).toMatchObject({
      status: 1,
      stderr: 'segue: 38 of 40 ports would be removed: more than 10 and more than a fifth at once needs --force\n',
    });
    expect(intent('apply', '-f', file('one.yaml'))).toMatchObject({ status: 1 });
    expect(intent('rollback', '8', '--force').status).toBe(0);
    expect(intent('diff', '-f', file('one.yaml'))).toMatchObject({ status: 0 });
  });

  it('enforces quotas of tenants', () => {
    expect(intent('quota', 'red', '--ports', '2')).toMatchObject({ status: 0, stdout: 'red  ports 2\n' });
    const value =
      '{ name: p9, tenant: red, node: hv2, interface: tap9, mac: "02:00:00:00:00:09", addresses: [10.0.0.19] }';
    expect(intent('set', 'port', value).stderr).toContain(
      "intent: tenant red: ports: 3: expected at most 2, the tenant's quota\n",
    );
    expect(intent('quota', 'red', '--none')).toMatchObject({ status: 0, stdout: '' });
    expect(intent('set', 'port', value).status).toBe(0);
  });

  it('refuses unauthorised users, with a reason', async () => {
    const reader = new EtcdClient(etcd.config(feed));
    const key = Buffer.from('/segue/v1/prod/intent/head');
    try {
      expect((await reader.range({ key })).kvs).toHaveLength(1);
      await expect(reader.txn({ compare: [], success: [put('/segue/v1/prod/intent/head', {})] })).rejects.toThrow(
        'permission denied',
      );
      await expect(reader.range({ key: Buffer.from('/segue/v1/prod/history/') })).rejects.toThrow('permission denied');
    } finally {
      reader.close();
    }
    const asFeed = spawnSync(
      process.execPath,
      [SEGUE, 'intent', 'apply', '-c', fleetFile('feed.yaml', feed), '-f', file('two.yaml')],
      { encoding: 'utf8' },
    );
    expect(asFeed.status).toBe(1);
    expect(asFeed.stderr).toMatch(/^segue: etcd at https:\/\/127\..*permission denied\n$/);
    writeFileSync(file('plain.yaml'), 'etcd: { endpoints: ["http://192.0.2.1:2379"] }\n');
    const plain = spawnSync(process.execPath, [SEGUE, 'intent', 'get', '-c', file('plain.yaml')], { encoding: 'utf8' });
    expect(plain.status).toBe(2);
    expect(plain.stderr).toContain(
      'etcd.endpoints[0]: "http://192.0.2.1:2379": expected https; without TLS only an etcd on this machine is accepted',
    );
  });
});
