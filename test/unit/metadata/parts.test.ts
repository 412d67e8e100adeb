/** Parts of the metadata service: identification of the client, tokens, token buckets, paths. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { peerOf } from '../../../src/service/asker.js';
import { metadataOf } from '../../../src/metadata/formats.js';
import { MetadataProcess } from '../../../src/metadata/process.js';
import { Rates } from '../../../src/service/rate.js';
import { Room } from '../../../src/metadata/room.js';
import { Tokens } from '../../../src/metadata/token.js';
import { lookUp } from '../../../src/metadata/tree.js';
import { endToEnd } from '../../../src/metadata/upstream.js';
import { halvesOf, servicePrefixOf } from '../../../src/service/address.js';
import { describePort, readPortFile } from '../../../src/service/port-file.js';
import type { NodeConfig } from '../../../src/intent/types.js';

describe('the client of a request', () => {
  it.each([
    ['fd5e:6d64:0:7::a00:a', 'fd5e:6d64:8000:1::', { ifindex: 7, address: '10.0.0.10' }],
    ['fd5e:6d64:7fff:ffff::a', 'fd5e:6d64:8000:2:fd00:10::', { ifindex: 0x7fffffff, address: 'fd00:10::a' }],
    ['fd5e:6d64:0:7:0:5eff:fe00:a', 'fd5e:6d64:8000:3:fe80::', { ifindex: 7, address: 'fe80::5eff:fe00:a' }],
    ['fd5e:6d65:0:7::a00:a', 'fd5e:6d64:8000:1::', undefined],
    ['fd5e:6d64:0:7::a00:a', 'fd5e:6d64:0:1::', undefined],
    ['fd5e:6d64:8000:7::a00:a', 'fd5e:6d64:8000:1::', undefined],
    ['fd5e:6d64::a00:a', 'fd5e:6d64:8000:1::', undefined],
    ['::ffff:10.0.0.10', '::ffff:10.0.0.1', undefined],
    [undefined, undefined, undefined],
  ])('from %s to %s', (from, to, peer) => {
    expect(peerOf(from, to)).toEqual(peer);
  });

  it("is identified by the node's own prefix in fd00::/8", () => {
    const prefix = servicePrefixOf('hv1');
    expect(prefix).toMatch(/^fd[0-9a-f]{2}:[0-9a-f]{1,4}::\/32$/);
    expect(servicePrefixOf('hv1')).toBe(prefix);
    expect(servicePrefixOf('hv2')).not.toBe(prefix);
    expect(halvesOf('fd5e:6d64::/32')).toEqual({ services: 'fd5e:6d64:8000::/33', ports: 'fd5e:6d64::/33' });
    expect(halvesOf('fd5e::/32')).toEqual({ services: 'fd5e:0:8000::/33', ports: 'fd5e::/33' });
  });
});

it('a token is valid for its port and lifetime, and cannot be forged', () => {
  let now = 1000;
  const tokens = new Tokens(() => now);
  const token = tokens.make(7, 60);
  expect(tokens.check(7, token)).toBe(60);
  expect(tokens.check(8, token)).toBeUndefined();
  expect(new Tokens(() => now).check(7, token)).toBeUndefined();
  for (const bad of ['', 'x', `${token}A`, `B${token.slice(1)}`]) expect(tokens.check(7, bad), bad).toBeUndefined();
  now += 60_000;
  expect(tokens.check(7, token)).toBeUndefined();
});

it('a token bucket holds one second’s requests, fills at its rate, and belongs to one port', () => {
  let now = 5;
  const rates = new Rates(10, () => now);
  const taken = (ifindex: number): number => {
    let count = 0;
    while (rates.take(ifindex)) count += 1;
    return count;
  };
  expect(taken(7)).toBe(10);
  expect(taken(8)).toBe(10);
  now += 300;
  expect(taken(7)).toBe(3);
  now += 60_000;
  expect(taken(7)).toBe(10);
});

it('memory for bodies is limited per port and in total, and released', () => {
  const room = new Room(10, 4);
  expect(room.take(7, 3)).toBe(true);
  expect(room.take(7, 2)).toBe(false);
  expect(room.take(7, 1)).toBe(true);
  expect(room.take(8, 4)).toBe(true);
  expect(room.take(9, 3)).toBe(false);
  expect(room.take(9, 2)).toBe(true);
  room.give(7, 4);
  expect(room.take(7, 4)).toBe(true);
  expect(room.take(9, 1)).toBe(false);
});

it('a path finds entries, and no inherited property', () => {
  const tree = { a: { b: 'text', c: { d: 'x' } } };
  expect(lookUp(tree, ['a'])).toBe('b\nc/');
  expect(lookUp(tree, ['a', 'b'])).toBe('text');
  for (const path of [['a', 'b', 'c'], ['z'], ['__proto__'], ['a', 'constructor'], ['a', 'b', 'length']]) {
    expect(lookUp(tree, path), path.join('/')).toBeUndefined();
  }
});

it('hop-by-hop headers are not forwarded', () => {
  const headers = { connection: 'close, Mine', mine: '1', te: 'trailers', accept: '*/*', 'keep-alive': '5' };
  expect(endToEnd(headers)).toEqual({ accept: '*/*' });
});

describe('a port’s file', () => {
  const subnets = [
    { prefix: '10.0.0.0/22', gateway: '10.0.0.1' },
    { prefix: '10.1.0.0/24', gateway: '10.1.0.1', dhcp: { lease: 60, domain: 'red.example', dns: ['10.0.0.53'] } },
    { prefix: 'fd00:10::/60', gateway: 'fd00:10::1' },
    { prefix: 'fd00:11::/64', gateway: 'fd00:11::1', ra: { mode: 'slaac' as const } },
  ];
  const port = {
    ...{ name: 'red-a', tenant: 'red', node: 'hv1', interface: 'tap-a', mac: '02:00:00:00:00:0a', prefixes: [] },
    addresses: ['10.0.1.10', '10.1.0.10', 'fd00:10::a', 'fd00:11::ff:fe00:a'],
  };

  it('has the method by which each address is assigned', () => {
    const file = readPortFile(describePort({ subnets }, port, 1460));
    expect(file).toMatchObject({ hostname: 'red-a', domain: 'red.example', nameservers: ['10.0.0.53'], mtu: 1460 });
    expect(file.networks).toEqual([
      { how: 'static', address: '10.0.1.10', netmask: '255.255.252.0', gateway: '10.0.0.1' },
      { how: 'dhcp4', address: '10.1.0.10', netmask: '255.255.255.0', gateway: '10.1.0.1' },
      { how: 'static', address: 'fd00:10::a', netmask: 'ffff:ffff:ffff:fff0::', gateway: 'fd00:10::1' },
      { how: 'slaac', address: 'fd00:11::ff:fe00:a', netmask: 'ffff:ffff:ffff:ffff::', gateway: 'fd00:11::1' },
    ]);
  });

  it('without an instance has the port’s name as its id', () => {
    const tree = metadataOf(readPortFile(describePort({ subnets }, port, 1460)));
    expect(lookUp(tree, ['2009-04-04', 'meta-data', 'instance-id'])).toBe('red-a');
    expect(JSON.parse(lookUp(tree, ['openstack', 'latest', 'meta_data.json']) ?? '')).toMatchObject({ uuid: 'red-a' });
    expect(lookUp(tree, ['latest', 'user-data'])).toBeUndefined();
  });
});

it('a secret that is empty, world-readable or not a regular file is refused before the service starts', () => {
  const directory = mkdtempSync(join(tmpdir(), 'segue-secret-'));
  const path = join(directory, 'secret');
  const config: NodeConfig = {
    ...{
      node: 'hv1',
      uplinks: ['eth0'],
      dataplane: 'ebpf',
      xdp: 'never',
      behaviours: ['dt46'],
      intent: '/intent.yaml',
    },
  };
  const upstream = { upstream: 'http://192.0.2.1:8775', secret: path };
  const open = () => new MetadataProcess(config, { from: upstream, rate: 1, hopLimit: 64 }, pino({ level: 'silent' }));
  try {
    // Reading one waits for whoever writes, for good.
    execFileSync('mkfifo', ['-m', '640', path]);
    expect(open).toThrow(`${path}: expected a regular file`);
    rmSync(path);
    writeFileSync(path, '\n', { mode: 0o640 });
    expect(open).toThrow(`${path}: empty`);
    writeFileSync(path, 'secret\n');
    chmodSync(path, 0o644);
    expect(open).toThrow(`${path}: readable by everybody: expected mode 0640`);
    chmodSync(path, 0o640);
    expect(open).not.toThrow();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
