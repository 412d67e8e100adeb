/** ARP and neighbour discovery at a port: requests with a reply, requests without one, and forged requests. */
import { describe, expect, it } from 'vitest';
import { Bench, GATEWAYS, MACS } from './bench.js';
import {
  advertisement,
  ALL_NODES,
  arp,
  linkAddress,
  multicastMac,
  solicitation,
  solicitedNode,
} from './control-packets.js';
import { ethernet } from './packets.js';
import type { Arp, Solicitation } from './control-packets.js';
import type { Verdict } from './bench.js';

const [GATEWAY4, GATEWAY6] = GATEWAYS;
const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const STRANGER = '02:00:00:00:00:ee';
const BACK = { to: MACS.vm, from: MACS.port };

interface Case {
  what: string;
  frame: Buffer;
  verdict: Verdict;
  reason: string;
  /** the frame that goes back; absent: as it came */
  out?: Buffer;
}

function arpFrame(fields: Partial<Arp>, to = BROADCAST, from: string = MACS.vm): Buffer {
  const packet = arp({ senderMac: MACS.vm, sender: '10.0.0.1', target: '10.0.0.2', ...fields });
  return ethernet(packet, { to, from, type: 0x0806 });
}

function arpAnswered(what: string, target: string, { sender = '10.0.0.1', to = BROADCAST, padding = 0 } = {}): Case {
  const reply = arp({ operation: 2, senderMac: MACS.port, sender: target, targetMac: MACS.vm, target: sender });
  const pad = Buffer.alloc(padding);
  return {
    what: `ARP for ${what}`,
    frame: Buffer.concat([arpFrame({ target, sender }, to), pad]),
    verdict: 'redirect',
    reason: 'answer arp',
    out: Buffer.concat([ethernet(reply, { ...BACK, type: 0x0806 }), pad]),
  };
}

const left = (what: string, frame: Buffer, reason = 'not routed'): Case => ({
  what,
  frame,
  verdict: 'next',
  reason: `punt ${reason}`,
});
const dropped = (what: string, frame: Buffer, reason = 'neighbour sender'): Case => ({
  what,
  frame,
  verdict: 'drop',
  reason: `drop ${reason}`,
});

const ARP_CASES: Case[] = [
  arpAnswered('the gateway', GATEWAY4),
  arpAnswered('a member of another node', '10.0.0.2'),
  arpAnswered('a member at another port of this node', '10.0.0.7'),
  arpAnswered('a member with an unresolved next hop', '10.0.0.8'),
  arpAnswered('an address in a prefix', '172.16.1.1'),
  arpAnswered('a member, asked at the gateway’s MAC address', '10.0.0.2', { to: MACS.port }),
  arpAnswered('a member, asked at the gateway’s former MAC address', '10.0.0.2', { to: MACS.formerPort }),
  arpAnswered('a member, asked at an unknown MAC address', '10.0.0.2', { to: STRANGER }),
  arpAnswered('a member, as a probe', '10.0.0.2', { sender: '0.0.0.0' }),
  arpAnswered('a member, from an address of a prefix of the VM', '10.0.0.2', { sender: '192.168.1.7' }),
  arpAnswered('a member, in a padded frame', '10.0.0.2', { padding: 18 }),
  left("an ARP probe for the VM's own address", arpFrame({ sender: '0.0.0.0', target: '10.0.0.1' })),
  left('an announcement', arpFrame({ target: '10.0.0.1' })),
  left('ARP for an unused address', arpFrame({ target: '10.0.0.99' }), 'no member'),
  left('ARP for a member of another tenant', arpFrame({ target: '10.0.0.66' }), 'no member'),
  left('a reply', arpFrame({ operation: 2, targetMac: MACS.port })),
  left('ARP of other hardware', arpFrame({ hardware: 6 })),
  left('a truncated ARP request', arpFrame({}).subarray(0, 40)),
  dropped('ARP with another VM’s MAC address', arpFrame({ senderMac: STRANGER })),
  dropped('ARP from another VM’s address', arpFrame({ sender: '10.0.0.7' })),
  dropped('a reply from another’s address', arpFrame({ operation: 2, sender: GATEWAY4 })),
  dropped('ARP in a frame of another MAC address', arpFrame({}, BROADCAST, STRANGER), 'source mac'),
];

const SLLA = linkAddress(1, MACS.vm);
/** RFC 7527: Linux sends one with each probe. */
const NONCE = Buffer.from('0e01a1b2c3d4e5f6', 'hex');

function solicitationFrame(fields: Partial<Solicitation>, to?: string): Buffer {
  const target = fields.target ?? 'cafe::2';
  const packet = solicitation({ from: 'cafe::1', options: SLLA, ...fields, target });
  return ethernet(packet, { to: to ?? multicastMac(fields.to ?? solicitedNode(target)), from: MACS.vm });
}

function answered(what: string, fields: Partial<Solicitation>, flags: { router?: boolean } = {}, mac?: string): Case {
  const { target = 'cafe::2', from = 'cafe::1' } = fields;
  const isProbe = from === '::';
  const packet = advertisement({
    from: target,
    to: isProbe ? ALL_NODES : from,
    mac: MACS.port,
    flags: { ...flags, solicited: !isProbe },
  });
  return {
    what: `a solicitation for ${what}`,
    frame: solicitationFrame(fields, mac),
    verdict: 'redirect',
    reason: 'answer neighbour',
    out: ethernet(packet, BACK),
  };
}

const ND_CASES: Case[] = [
  answered('the gateway', { target: GATEWAY6 }, { router: true }),
  answered('a member of another node', {}),
  answered('a member at another port of this node', { target: 'cafe::7' }),
  answered('an address in a prefix', { target: 'cafe:2::5' }),
  answered('a member, from a link-local address', { from: 'fe80::1' }),
  answered('a member, without an option', { options: Buffer.alloc(0) }),
  answered('a member, with two options', { options: Buffer.concat([NONCE, SLLA]) }),
  answered('a member, with eight options', { options: Buffer.concat([...Array<Buffer>(7).fill(NONCE), SLLA]) }),
  answered('a member, asked at its own address', { to: 'cafe::2' }, {}, MACS.port),
  answered('a member, asked at the gateway’s former MAC address', { to: 'cafe::2' }, {}, MACS.formerPort),
  answered('a member, asked at an unknown MAC address', { to: 'cafe::2' }, {}, STRANGER),
  answered('a member, as a probe', { from: '::', options: Buffer.alloc(0) }),
  answered('a member, as a probe with a nonce', { from: '::', options: NONCE }),
  left("a probe for the VM's own address", solicitationFrame({ from: '::', target: 'cafe::1', options: NONCE })),
  left('a solicitation for an unused address', solicitationFrame({ target: 'cafe::99' }), 'no member'),
  left('a solicitation for a link-local address', solicitationFrame({ target: 'fe80::2' })),
  left('a solicitation that was forwarded', solicitationFrame({ hopLimit: 254 })),
  left('a solicitation of another code', solicitationFrame({ code: 1 })),
  left(
    'a truncated solicitation',
    solicitationFrame({ options: Buffer.alloc(0) }).subarray(0, 14 + 40 + 20),
    'not routed',
  ),
  dropped('a solicitation from another VM’s address', solicitationFrame({ from: 'cafe::7' })),
  dropped('a solicitation with another VM’s MAC address', solicitationFrame({ options: linkAddress(1, STRANGER) })),
  dropped(
    'a solicitation with two MAC addresses, one of another VM',
    solicitationFrame({ options: Buffer.concat([SLLA, linkAddress(1, STRANGER)]) }),
  ),
  dropped('a probe with an address', solicitationFrame({ from: '::' })),
  dropped('an option of length zero', solicitationFrame({ options: Buffer.from([1, 0, 2, 0, 0, 0, 0, 1]) })),
  dropped('an option longer than the message', solicitationFrame({ options: Buffer.from([14, 2, 0, 0, 0, 0, 0, 1]) })),
  dropped('an incomplete last option', solicitationFrame({ options: Buffer.concat([SLLA, Buffer.alloc(4)]) })),
];

describe('a neighbour request at a port', () => {
  it.each([...ARP_CASES, ...ND_CASES].map((one) => [one.what, one.reason, one] as const))(
    '%s: %s',
    (_what, reason, { frame, verdict, out }) => {
      const bench = new Bench();
      bench.addRemotePrefix('cafe:2::', 32, 2);
      bench.addMember('10.0.0.66', 2, 2, 101);
      const sent = bench.send('port_tc', frame);
      expect({ verdict: sent.verdict, counted: sent.counted }).toEqual({ verdict, counted: { [reason]: 1 } });
      expect(sent.frame.toString('hex')).toBe((out ?? frame).toString('hex'));
    },
  );

  it("for the VM's own prefix gets no reply", () => {
    const bench = new Bench();
    bench.addMember('192.168.1.9', 1, bench.ifindex);
    expect(bench.send('port_tc', arpFrame({ target: '192.168.1.9' }))).toMatchObject({ verdict: 'next' });
  });
});
