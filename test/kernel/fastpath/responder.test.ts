/**
 * Kernel mode's program at a port: it answers neighbour solicitations for addresses that the kernel's routes lead
 * elsewhere, and leaves all else to the kernel.
 */
import { describe, expect, it } from 'vitest';
import { run } from '../libbpf/harness.js';
import { Bench, MACS } from './bench.js';
import {
  advertisement,
  ALL_NODES,
  arp,
  linkAddress,
  multicastMac,
  solicitation,
  solicitedNode,
} from './control-packets.js';
import { ethernet, ip6 } from './packets.js';
import type { Solicitation } from './control-packets.js';

const STRANGER = '02:00:00:00:00:ee';
const SLLA = linkAddress(1, MACS.vm);
/** RFC 7527: Linux sends one with each probe. */
const NONCE = Buffer.from('0e01a1b2c3d4e5f6', 'hex');

/**
 * A port's VRF without the VRF: the VM's own address, a prefix behind it, a member at another port, members of other nodes (an encapsulation),
 * a prefix of another node, the gateway's address on the port, nobody else in the subnet, and a way out for what is beyond.
 */
const ROUTES = [
  'route add cafe::1/128 dev v0',
  'route add cafe:5::/64 via cafe::1 dev v0',
  'route add cafe::7/128 dev v1',
  'route add cafe::2/128 encap seg6 mode encap.red segs fd00:5e:2:4600:64:: dev v1',
  'route add cafe:2::/48 encap seg6 mode encap.red segs fd00:5e:2:4600:64:: dev v1',
  'route add unreachable cafe::/64',
  'route add unreachable fd00:5e::/32',
  'route add default encap seg6 mode encap.red segs fd00:5e:9:4600:64:: dev v1',
];

function responder({ forwarding = 1 } = {}): Bench {
  const bench = new Bench();
  run(bench.netns, 'sysctl', '-qw', `net.ipv6.conf.all.forwarding=${forwarding}`);
  run(bench.netns, 'ip', 'address', 'add', 'cafe::254/128', 'dev', 'v0', 'noprefixroute', 'nodad');
  for (const route of ROUTES) run(bench.netns, 'ip', '-6', ...route.split(' '));
  return bench;
}

function frameOf(fields: Partial<Solicitation>, { to, from = MACS.vm }: { to?: string; from?: string } = {}): Buffer {
  const target = fields.target ?? 'cafe::2';
  const packet = solicitation({ from: 'cafe::1', options: SLLA, ...fields, target });
  return ethernet(packet, { to: to ?? multicastMac(fields.to ?? solicitedNode(target)), from });
}

const ANSWERED: [string, Partial<Solicitation>, string?][] = [
  ['a member of another node', {}],
  ['a member at another port', { target: 'cafe::7' }],
  ['an address in a prefix of another node', { target: 'cafe:2::5' }],
  ['an address of the default route', { target: '2001:db8::1' }],
  ['a member, from a link-local address', { from: 'fe80::1' }],
  ['a member, from an address of a prefix of the VM', { from: 'cafe:5::1' }],
  ['a member, without an option', { options: Buffer.alloc(0) }],
  ['a member, as a probe', { from: '::', options: NONCE }],
  ['a member, asked at its own address', { to: 'cafe::2' }, MACS.port],
];

const LEFT: [string, Buffer][] = [
  ["a probe for the VM's own address", frameOf({ from: '::', target: 'cafe::1', options: NONCE })],
  ["an address in the VM's own prefix", frameOf({ target: 'cafe:5::9' })],
  ['an absent member', frameOf({ target: 'cafe::99' })],
  ['a probe for an absent member', frameOf({ from: '::', target: 'cafe::99', options: NONCE })],
  ["the gateway, which the kernel's own address answers for", frameOf({ target: 'cafe::254' })],
  ['a SID', frameOf({ target: 'fd00:5e:1:4600:64::' })],
  ['a link-local address', frameOf({ target: 'fe80::2' })],
  ['a multicast address', frameOf({ target: 'ff02::5' })],
  ['a solicitation from another VM’s address', frameOf({ from: 'cafe::7' })],
  ['a solicitation from the address of a member of another node', frameOf({ from: 'cafe::2', target: 'cafe::7' })],
  ['a solicitation with another VM’s MAC address', frameOf({ options: linkAddress(1, STRANGER) })],
  ['a solicitation in a frame of another MAC address', frameOf({}, { from: STRANGER })],
  ['a solicitation that was forwarded', frameOf({ hopLimit: 254 })],
  ['a solicitation of another code', frameOf({ code: 1 })],
  ['a truncated solicitation', frameOf({ options: Buffer.alloc(0) }).subarray(0, 14 + 40 + 20)],
  ['an option of length zero', frameOf({ options: Buffer.from([1, 0, 2, 0, 0, 0, 0, 1]) })],
  ['a packet to the member', ethernet(ip6({}), { to: MACS.port, from: MACS.vm })],
  [
    'ARP, which the kernel answers',
    ethernet(arp({ senderMac: MACS.vm, sender: '10.0.0.1', target: '10.0.0.2' }), {
      to: 'ff:ff:ff:ff:ff:ff',
      from: MACS.vm,
      type: 0x0806,
    }),
  ],
];

describe('the neighbour responder at a port', () => {
  it.each(ANSWERED)('answers for %s', (_what, fields, mac) => {
    const { target = 'cafe::2', from = 'cafe::1' } = fields;
    const isProbe = from === '::';
    const packet = advertisement({
      from: target,
      to: isProbe ? ALL_NODES : from,
      mac: MACS.port,
      flags: { solicited: !isProbe },
    });
    const sent = responder().send('ndp_responder_tc', frameOf(fields, mac === undefined ? {} : { to: mac }));
    expect(sent).toMatchObject({ verdict: 'redirect', counted: { 'answer neighbour': 1 } });
    expect(sent.frame.toString('hex')).toBe(ethernet(packet, { to: MACS.vm, from: MACS.port }).toString('hex'));
  });

  it.each(LEFT)('leaves to the kernel unchanged: %s', (_what, frame) => {
    const sent = responder().send('ndp_responder_tc', frame);
    expect({ ...sent, frame: sent.frame.toString('hex') }).toEqual({
      verdict: 'next',
      counted: { 'pass host': 1 },
      frame: frame.toString('hex'),
    });
  });

  it('answers nothing at an interface that is no port or does not forward', () => {
    expect(responder({ forwarding: 0 }).send('ndp_responder_tc', frameOf({}))).toMatchObject({ verdict: 'next' });
    const bench = responder();
    bench.maps.sg_ports.delete(Buffer.from(new Uint32Array([bench.ifindex]).buffer));
    expect(bench.send('ndp_responder_tc', frameOf({}))).toMatchObject({ verdict: 'next' });
  });
});
