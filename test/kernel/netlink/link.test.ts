import { closeSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  addAltName,
  decodeLink,
  deleteAltName,
  deleteLink,
  dumpLinksRequest,
  getLink,
  newLink,
  setLink,
} from '../../../src/netlink/link.js';
import { openNetns } from '../../../src/netlink/netns.js';
import { TestNetns } from './harness.js';

interface IpLink {
  ifindex: number;
  ifname: string;
  flags: string[];
  mtu: number;
  operstate: string;
  link_type: string;
  address?: string;
  ifalias?: string;
  altnames?: string[];
  linkinfo?: { info_kind?: string };
  link_index?: number;
}

/** Our view of every device in ip's words. */
function inIpsWords(netns: TestNetns): Partial<IpLink>[] {
  return netns.socket.dump(dumpLinksRequest(), decodeLink).map((link) => ({
    ifindex: link.index,
    ifname: link.name,
    mtu: link.mtu,
    operstate: link.operState.toUpperCase(),
    up: link.up,
    ...(link.mac && { address: link.mac }),
    ...(link.alias !== undefined && { ifalias: link.alias }),
    ...(link.altNames.length > 0 && { altnames: link.altNames }),
    ...(link.kind && { kind: link.kind }),
    ...(link.linkNetnsId !== undefined && { link_index: link.linkIndex }),
  }));
}

function fromIp(netns: TestNetns): unknown[] {
  return netns.ipJson<IpLink>('link show').map((link) => ({
    ifindex: link.ifindex,
    ifname: link.ifname,
    mtu: link.mtu,
    operstate: link.operstate,
    up: link.flags.includes('UP'),
    ...(link.address && { address: link.address }),
    ...(link.ifalias !== undefined && { ifalias: link.ifalias }),
    ...(link.altnames && { altnames: link.altnames }),
    ...(link.linkinfo?.info_kind && { kind: link.linkinfo.info_kind }),
    ...(link.link_index !== undefined && { link_index: link.link_index }),
  }));
}

describe('links', () => {
  test('agree with `ip -j -d link`, whichever program made them', () => {
    const netns = new TestNetns();
    netns.veth('ours', 'ours-peer');
    netns.ip('link add theirs address 02:00:00:00:00:07 mtu 1234 type veth peer name theirs-peer');
    netns.ip('link set theirs alias a:b up');
    netns.ip('link property add dev theirs altname an-alternative-name altname another-one');
    netns.ip('link add br0 type bridge');
    netns.ip('link set theirs master br0');
    netns.ip('link add vx0 type vxlan id 7 dstport 4789');
    expect(inIpsWords(netns)).toEqual(fromIp(netns));
    expect(inIpsWords(netns)).toHaveLength(7);
    const bridge = netns.indexOf('br0');
    expect(getLink(netns.socket, 'theirs')).toMatchObject({ master: bridge, slaveKind: 'bridge' });
    const members = netns.socket.dump(dumpLinksRequest({ master: bridge }), decodeLink);
    expect(members.map(({ name }) => name)).toEqual(['theirs']);
    const veths = netns.socket.dump(dumpLinksRequest({ kind: 'veth' }), decodeLink);
    expect(veths.map(({ name }) => name).sort()).toEqual(['ours', 'ours-peer', 'theirs', 'theirs-peer']);
  });

  test('are changed and deleted', () => {
    const netns = new TestNetns();
    const { socket } = netns;
    const index = netns.veth();
    const bridge = ((): number => {
      socket.request(newLink({ name: 'br0', kind: 'bridge', index: 77, up: true }));
      return netns.indexOf('br0');
    })();
    expect(bridge).toBe(77);
    socket.request(setLink(index, { mtu: 1450, mac: '02:00:00:00:00:0a', alias: 'segue:red', master: bridge }));
    expect(getLink(socket, index)).toMatchObject({
      mtu: 1450,
      mac: '02:00:00:00:00:0a',
      alias: 'segue:red',
      master: bridge,
      up: true,
      carrier: true,
      operState: 'up',
    });
    socket.request(setLink(index, { master: 0, alias: '', up: false, name: 'renamed' }));
    const changed = getLink(socket, 'renamed');
    expect(changed).toMatchObject({ index, up: false, operState: 'down' });
    expect(changed).not.toHaveProperty('alias');
    expect(changed).not.toHaveProperty('master');
    socket.request(setLink('renamed', { up: true }));
    expect(getLink(socket, index)?.up).toBe(true);
    socket.request(addAltName(index, 'a-name-longer-than-fifteen'));
    expect(getLink(socket, 'a-name-longer-than-fifteen')).toMatchObject({
      index,
      altNames: ['a-name-longer-than-fifteen'],
    });
    socket.request(setLink('a-name-longer-than-fifteen', { mtu: 1300 }));
    expect(getLink(socket, index)?.mtu).toBe(1300);
    socket.request(deleteAltName(index, 'a-name-longer-than-fifteen'));
    expect(getLink(socket, 'a-name-longer-than-fifteen')).toBeUndefined();
    socket.request(deleteLink('renamed'));
    expect(getLink(socket, index)).toBeUndefined();
    expect(getLink(socket, 'v1')).toBeUndefined();
  });

  test('are created in another namespace, and moved to it', () => {
    const here = new TestNetns();
    const there = new TestNetns();
    const netnsFd = openNetns(there.name);
    try {
      here.socket.request(
        newLink({ name: 'left', kind: 'veth', peer: { name: 'right', mac: '02:00:00:00:00:0b', mtu: 1400, netnsFd } }),
      );
      expect(getLink(there.socket, 'right')).toMatchObject({ mac: '02:00:00:00:00:0b', mtu: 1400, kind: 'veth' });
      expect(getLink(here.socket, 'left')?.linkIndex).toBe(there.indexOf('right'));
      expect(getLink(here.socket, 'left')?.linkNetnsId).toBeGreaterThanOrEqual(0);
      here.socket.request(setLink('left', { netnsFd }));
      expect(getLink(here.socket, 'left')).toBeUndefined();
      expect(getLink(there.socket, 'left')?.kind).toBe('veth');
    } finally {
      closeSync(netnsFd);
    }
  });

  test('cause errors with the kernel’s message', () => {
    const { socket } = new TestNetns();
    expect(() => {
      socket.request(setLink('nobody', { up: true }));
    }).toThrow(expect.objectContaining({ code: 'NETLINK_ENODEV', message: 'set link nobody up true: ENODEV' }));
    expect(() => {
      socket.request(newLink({ name: 'x0', kind: 'veth', peer: { name: 'lo' } }));
    }).toThrow(expect.objectContaining({ code: 'NETLINK_EEXIST' }));
    expect(() => {
      socket.request(setLink('lo', { mtu: 0xffffffff }));
    }).toThrow(/^set link lo mtu 4294967295: EINVAL: mtu less than device minimum/);
  });
});
