import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { createNetns, deleteNetns, inNetns, listNetns } from '../../../src/netlink/netns.js';
import { NetnsError } from '../../../src/netlink/error.js';
import { NetlinkSocket } from '../../../src/netlink/socket.js';
import { decodeLink, dumpLinksRequest } from '../../../src/netlink/link.js';
import { TestNetns } from './harness.js';

const here = (): string => readlinkSync('/proc/thread-self/ns/net');

test('inNetns() runs a function in a namespace and always returns', () => {
  const netns = new TestNetns();
  const home = here();
  const inside = inNetns(netns.name, here);
  expect(inside).not.toBe(home);
  expect(here()).toBe(home);
  expect(() =>
    inNetns(netns.name, () => {
      throw new Error('inside');
    }),
  ).toThrow('inside');
  expect(here()).toBe(home);
  expect(inNetns(undefined, here)).toBe(home);
  expect(() => inNetns(netns.name, () => Promise.resolve(1))).toThrow(expect.objectContaining({ code: 'NETNS_ASYNC' }));
  expect(here()).toBe(home);
  const other = new TestNetns();
  expect(inNetns(netns.name, () => [inNetns(other.name, here), here()])).toEqual([inNetns(other.name, here), inside]);
});

test('inNetns() applies to sysctls, child processes and sockets', () => {
  const netns = new TestNetns();
  const path = '/proc/sys/net/ipv4/conf/all/accept_local';
  const before = readFileSync(path, 'utf8');
  inNetns(netns.name, () => {
    writeFileSync(path, before.trim() === '1' ? '0' : '1');
  });
  expect(readFileSync(path, 'utf8')).toBe(before);
  expect(inNetns(netns.name, () => readFileSync(path, 'utf8'))).not.toBe(before);
  netns.veth('only-here', 'only-there');
  expect(inNetns(netns.name, () => readFileSync('/proc/thread-self/net/dev', 'utf8'))).toContain('only-here');
  const child = inNetns(netns.name, () => spawnSync('ip', ['link', 'show', 'only-here'], { encoding: 'utf8' }));
  expect(child.stdout).toContain('only-here');
  expect(Object.keys(networkInterfaces())).not.toContain('only-here');
  const names = netns.socket.dump(dumpLinksRequest(), decodeLink).map(({ name }) => name);
  expect(names.sort()).toEqual(['lo', 'only-here', 'only-there']);
});

test('namespaces are created, listed and deleted as by `ip netns`', () => {
  const name = `nlt-${process.pid}-made`;
  createNetns(name);
  expect(listNetns()).toContain(name);
  expect(() => {
    createNetns(name);
  }).toThrow(expect.objectContaining({ code: 'EEXIST' }));
  const ip = spawnSync('ip', ['netns', 'exec', name, 'readlink', '/proc/self/ns/net'], { encoding: 'utf8' });
  expect(ip.stdout.trim()).toBe(inNetns(name, here));
  deleteNetns(name);
  expect(listNetns()).not.toContain(name);

  spawnSync('ip', ['netns', 'add', name]);
  const socket = NetlinkSocket.open({ protocol: 'route', netns: name });
  expect(socket.dump(dumpLinksRequest(), decodeLink).map((link) => link.name)).toEqual(['lo']);
  socket.close();
  deleteNetns(name);
  const left = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  expect(left.stdout).not.toContain(name);
});

test('a missing namespace is refused by name', () => {
  for (const attempt of [
    (): unknown => inNetns('no-such-netns', () => 1),
    (): unknown => NetlinkSocket.open({ protocol: 'route', netns: 'no-such-netns' }),
    (): unknown => {
      deleteNetns('no-such-netns');
      return undefined;
    },
  ]) {
    expect(attempt).toThrow(NetnsError);
    expect(attempt).toThrow(
      'network namespace no-such-netns: expected /run/netns/no-such-netns (ip netns add no-such-netns)',
    );
  }
  expect(() => inNetns('../etc', () => 1)).toThrow(expect.objectContaining({ code: 'NETNS_NAME' }));
});
