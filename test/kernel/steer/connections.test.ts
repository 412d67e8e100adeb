/** Connections: packets after the first one, from both ends, over changes of policies and time. */
import { describe, expect, it } from 'vitest';
import * as steering from '../../../src/ebpf/generated/steering.js';
import { bytesOf, IP, ip4, ip6, udp } from '../fastpath/packets.js';
import { u32 } from '../libbpf/harness.js';
import { echo, ECHO4, ECHO6, errorAbout } from './icmp.js';
import { arriving, HYPERVISOR, NetworkNode, OTHER, OTHER_NODE, SELF, ZONES } from './node.js';
import { everyPort } from './policies.js';
import { TcpEnds } from './tcp-ends.js';
import { encode } from './values.js';
import type { End } from './tcp-ends.js';
import type { Rule } from './policies.js';

const RED = ZONES.red.id;
const BLUE = ZONES.blue.id;
const { CT_SYN_SENT, CT_SYN_RECV, CT_ESTABLISHED, CT_CLOSING, CT_CLOSED } = steering.CtState;
const FLAGS = {
  syn: 0x02,
  synAck: 0x12,
  ack: 0x10,
  data: 0x18,
  finAck: 0x11,
  rst: 0x04,
  rstAck: 0x14,
  none: 0x00,
} as const;
type Flag = keyof typeof FLAGS;
const ANY: readonly Rule[] = [
  everyPort('tcp', 'allow'),
  everyPort('udp', 'allow'),
  everyPort('icmp', 'allow'),
  everyPort('other', 'allow'),
];
const STRANGER = 'drop not established';

/** Red may open anything to blue, and nothing the other way. */
function openNode(): NetworkNode {
  const node = new NetworkNode({ is_hypervisor: false });
  node.policies.give(RED, BLUE, { rules: ANY });
  return node;
}

/** A packet of a connection of which nobody knows the numbers. */
function segment(from: End, flags: Flag, family: 4 | 6 = 4, port = 4000): Buffer {
  return new TcpEnds(port, family).segment(from, { flags: FLAGS[flags] });
}

/** Connections that are spoken of, by node, family and port. */
const spoken = new WeakMap<NetworkNode, Map<string, TcpEnds>>();

/** Sends a conversation, `red:syn blue:synAck …`, with the numbers that its ends write, and returns what became of each. */
function talk(node: NetworkNode, text: string, family: 4 | 6 = 4, port = 4000): string[] {
  const all = spoken.get(node) ?? new Map<string, TcpEnds>();
  spoken.set(node, all);
  const name = `${family} ${port}`;
  return text.split(' ').map((word) => {
    const [from, flags] = word.split(':') as [End, Flag];
    const isOver = state(node) === CT_CLOSED && flags === 'syn';
    const ends = (isOver ? undefined : all.get(name)) ?? new TcpEnds(port, family);
    all.set(name, ends);
    return node.sent(from, ends.segment(from, { flags: FLAGS[flags] }));
  });
}

const state = (node: NetworkNode): number | undefined => node.connections('red')[0]?.state;
const HANDSHAKE = 'red:syn blue:synAck red:ack';

describe.each([4, 6] as const)('TCP over IPv%i', (family) => {
  it.each([
    ['red:syn', CT_SYN_SENT],
    ['red:syn blue:synAck', CT_SYN_RECV],
    ['red:syn blue:synAck red:syn blue:synAck', CT_SYN_RECV],
    [HANDSHAKE, CT_ESTABLISHED],
    [`${HANDSHAKE} red:data blue:data blue:ack`, CT_ESTABLISHED],
    [`${HANDSHAKE} red:finAck`, CT_CLOSING],
    [`${HANDSHAKE} red:finAck blue:data red:ack`, CT_CLOSING],
    [`${HANDSHAKE} blue:finAck red:data`, CT_CLOSING],
    [`${HANDSHAKE} red:finAck blue:finAck red:ack`, CT_CLOSED],
    [`${HANDSHAKE} blue:rst`, CT_CLOSED],
    [`${HANDSHAKE} red:rstAck`, CT_CLOSED],
    ['red:syn blue:rstAck', CT_CLOSED],
    ['red:syn blue:syn red:synAck blue:ack', CT_ESTABLISHED],
    ['red:syn blue:ack red:rst', CT_CLOSED],
    [`${HANDSHAKE} blue:rst red:syn`, CT_SYN_SENT],
    [`${HANDSHAKE} red:finAck blue:finAck red:ack red:syn blue:synAck red:ack`, CT_ESTABLISHED],
  ])('all segments pass: %s', (text, expected) => {
    const node = openNode();
    expect(talk(node, text, family)).toEqual(text.split(' ').map(() => 'passed'));
    expect(state(node)).toBe(expected);
    expect(node.connections('red')).toHaveLength(1);
    expect(node.connections('blue')).toEqual([]);
  });

  it.each([
    'red:ack',
    'red:data',
    'red:synAck',
    'red:finAck',
    'red:rst',
    'red:none',
    'blue:synAck',
    'blue:ack',
    'blue:rst',
  ])('no connection is opened by %s', (text) => {
    const node = openNode();
    expect(talk(node, text, family)).toEqual([STRANGER]);
    expect(node.connections('red')).toEqual([]);
  });

  it('no connection is opened by the other end', () => {
    expect(talk(openNode(), 'blue:syn', family)).toEqual(['drop no policy']);
    expect(talk(openNode(), `${HANDSHAKE} blue:rst blue:syn`, family).at(-1)).toBe('drop no policy');
  });

  it.each(['blue:rst', 'blue:none'])('%s is no reply to a SYN', (answer) => {
    expect(talk(openNode(), `red:syn ${answer}`, family)).toEqual(['passed', STRANGER]);
  });

  it('packets of another L4 port belong to another connection', () => {
    const node = openNode();
    talk(node, HANDSHAKE, family);
    expect(node.sent('blue', segment('blue', 'data', family, 4001))).toBe(STRANGER);
    expect(node.sent('red', segment('red', 'data', family, 4001))).toBe(STRANGER);
  });
});

describe('connection timeouts', () => {
  it.each([
    ['red:syn', 55, 70],
    [HANDSHAKE, 400_000, 440_000],
    [`${HANDSHAKE} red:finAck`, 110, 130],
    [`${HANDSHAKE} blue:rst`, 110, 130],
  ])('%s: the connection lasts %i s, and not another %i s', (text, seconds, tooLong) => {
    const node = openNode();
    talk(node, text);
    node.age('red', seconds);
    expect(talk(node, 'blue:ack')).toEqual(['passed']);
    // The answer counted as life where it was one.
    node.age('red', tooLong);
    expect(talk(node, 'blue:ack red:ack')).toEqual([STRANGER, STRANGER]);
  });

  it.each([
    ['udp', IP.udp, udp({ source: 1, destination: 2 }), udp({ source: 2, destination: 1 }), 170, 190],
    ['icmp', IP.icmp, echo(ECHO4.request), echo(ECHO4.reply), 25, 35],
    ['other', 47, Buffer.alloc(8), Buffer.alloc(8), 580, 620],
  ] as const)('replies of %s pass until the timeout', (_name, protocol, ask, answer, seconds, tooLong) => {
    const node = openNode();
    const red = ip4({ from: '10.0.0.1', to: '10.1.0.2', protocol, payload: ask });
    const blue = ip4({ from: '10.1.0.2', to: '10.0.0.1', protocol, payload: answer });
    const refused = protocol === IP.icmp ? STRANGER : 'drop no policy';
    expect(node.sent('blue', blue)).toBe(refused);
    expect([node.sent('red', red), node.sent('blue', blue)]).toEqual(['passed', 'passed']);
    node.age('red', seconds);
    expect(node.sent('blue', blue)).toBe('passed');
    node.age('red', tooLong);
    expect(node.sent('blue', blue)).toBe(refused);
  });

  it('ICMP echo replies match their requests in both families', () => {
    const node = openNode();
    const ends = { from: '10.1.0.2', to: '10.0.0.1', protocol: IP.icmp } as const;
    expect(
      node.sent('red', ip4({ from: ends.to, to: ends.from, protocol: IP.icmp, payload: echo(ECHO4.request, 5) })),
    ).toBe('passed');
    expect(node.sent('blue', ip4({ ...ends, payload: echo(ECHO4.reply, 5) }))).toBe('passed');
    expect(node.sent('blue', ip4({ ...ends, payload: echo(ECHO4.reply, 6) }))).toBe(STRANGER);
    const ends6 = { from: 'cafe:b::2', to: 'cafe:a::1', next: IP.icmp6 } as const;
    expect(
      node.sent('red', ip6({ from: ends6.to, to: ends6.from, next: IP.icmp6, payload: echo(ECHO6.request, 5) })),
    ).toBe('passed');
    expect(node.sent('blue', ip6({ ...ends6, payload: echo(ECHO6.reply, 5) }))).toBe('passed');
    expect(node.sent('blue', ip6({ ...ends6, payload: echo(ECHO6.reply, 6) }))).toBe(STRANGER);
  });
});

describe('a change of policies', () => {
  it('that still allows a connection does not affect it', () => {
    const node = openNode();
    talk(node, HANDSHAKE);
    const set = node.policies.give(RED, BLUE, { rules: [everyPort('tcp', 'allow', 5)] });
    node.nextEpoch();
    expect(talk(node, 'blue:data red:data')).toEqual(['passed', 'passed']);
    expect(node.connections('red')).toMatchObject([{ state: CT_ESTABLISHED, set, policy: 5 }]);
    expect(node.hits(5)).toMatchObject({ connections: 0, packets: 2 });
  });

  it.each(['red', 'blue'] as const)('that denies a connection ends it, with the first packet from %s', (first) => {
    const node = openNode();
    talk(node, HANDSHAKE);
    node.policies.give(RED, BLUE, { rules: [everyPort('tcp', 'deny', 5), everyPort('udp', 'allow', 6)] });
    expect(talk(node, `${first}:data`)).toEqual(['passed']);
    node.nextEpoch();
    expect(talk(node, `${first}:data`)).toEqual(['drop policy']);
    expect(talk(node, 'red:data blue:data')).toEqual([STRANGER, STRANGER]);
    expect(node.connections('red')).toEqual([]);
  });

  it('of another pair causes one check and does not affect the connection', () => {
    const node = openNode();
    talk(node, HANDSHAKE);
    node.policies.give(BLUE, RED, { rules: ANY });
    node.nextEpoch();
    expect(talk(node, 'blue:data red:data')).toEqual(['passed', 'passed']);
    expect(node.connections('red')).toMatchObject([{ policyGeneration: 2n }]);
  });

  it('that removes the pair ends the connection', () => {
    const node = openNode();
    talk(node, HANDSHAKE);
    node.map('sg_pol_pairs').delete(encode(steering.ZonePair, { from: RED, to: BLUE }));
    node.nextEpoch();
    expect(talk(node, 'blue:data')).toEqual(['drop no policy']);
  });
});

describe('ICMP errors', () => {
  const sent4 = segment('red', 'data');
  const about = (quoted: Buffer, ends = { from: '10.1.0.254', to: '10.0.0.1' }, type = 3, bytes?: number): Buffer =>
    ip4({ ...ends, protocol: IP.icmp, payload: errorAbout(quoted, type, 4, bytes) });

  it.each([3, 11, 12])('of type %i about a connection pass in both directions', (type) => {
    const node = openNode();
    talk(node, HANDSHAKE);
    expect(node.sent('blue', about(sent4, undefined, type))).toBe('passed');
    expect(node.sent('blue', about(sent4, undefined, type, 28))).toBe('passed');
    const ends = { from: '10.0.0.254', to: '10.1.0.2' };
    expect(node.sent('red', about(segment('blue', 'data'), ends, type))).toBe('passed');
  });

  it('about IPv6, UDP and echo requests pass', () => {
    const node = openNode();
    talk(node, HANDSHAKE, 6);
    const ends = { from: 'cafe:b::fe', to: 'cafe:a::1', next: IP.icmp6 } as const;
    expect(node.sent('blue', ip6({ ...ends, payload: errorAbout(segment('red', 'data', 6), 2) }))).toBe('passed');
    expect(node.sent('blue', ip6({ ...ends, payload: errorAbout(segment('red', 'data', 6, 4001), 2) }))).toBe(STRANGER);
    for (const [protocol, payload] of [
      [IP.udp, udp()],
      [IP.icmp, echo(ECHO4.request)],
    ] as const) {
      const ask = ip4({ from: '10.0.0.1', to: '10.1.0.2', protocol, payload });
      expect(node.sent('blue', about(ask))).toBe(STRANGER);
      node.sent('red', ask);
      expect(node.sent('blue', about(ask))).toBe('passed');
    }
  });

  it('about no connection, from another sender, of other types or truncated are refused', () => {
    const node = openNode();
    talk(node, HANDSHAKE);
    expect(node.sent('blue', about(segment('red', 'data', 4, 4001)))).toBe(STRANGER);
    expect(node.sent('blue', about(sent4, { from: '10.1.0.2', to: '10.0.0.9' }))).toBe(STRANGER);
    expect(node.sent('blue', about(sent4, undefined, 5))).toBe(STRANGER);
    expect(node.sent('blue', about(sent4, undefined, 3, 24 - 1))).toBe('drop malformed');
    expect(node.sent('green', about(sent4))).toBe('drop no policy');
  });

  it('do not keep a connection alive', () => {
    const node = openNode();
    talk(node, 'red:syn');
    node.age('red', 40);
    expect(node.sent('blue', about(sent4))).toBe('passed');
    node.age('red', 40);
    expect(node.sent('blue', about(sent4))).toBe(STRANGER);
  });
});

describe('another network node', () => {
  /** Flows are the other node's, as far as the tables say. */
  function secondNode(active: number, all = active): NetworkNode {
    const node = openNode();
    node.setMaglev(active, all);
    return node;
  }

  it('gets packets without a connection, their inner packet unaltered', () => {
    const node = secondNode(OTHER);
    expect(talk(node, 'blue:synAck red:data blue:rst')).toEqual(['relayed', 'relayed', 'relayed']);
    expect(talk(node, HANDSHAKE)).toEqual(['passed', 'passed', 'passed']);
    const answer = ip4({ from: '10.1.0.2', to: '10.0.0.1', payload: udp() });
    expect(node.sent('blue', answer)).toBe('relayed');
    expect(
      node.sent(
        'blue',
        ip4({
          from: '10.1.0.2',
          to: '10.0.0.1',
          protocol: IP.icmp,
          payload: errorAbout(segment('red', 'data', 4, 9), 3),
        }),
      ),
    ).toBe('relayed');
  });

  it('gets no packet that it sent, no SYN, and nothing while it is down', () => {
    const node = secondNode(OTHER);
    expect(node.sent('blue', segment('blue', 'synAck'), OTHER_NODE)).toBe(STRANGER);
    expect(node.sent('blue', segment('blue', 'synAck'), HYPERVISOR)).toBe('relayed');
    expect(node.sent('blue', segment('blue', 'syn'))).toBe('drop no policy');
    node.setUp(OTHER, false);
    expect(node.sent('blue', segment('blue', 'synAck'))).toBe(STRANGER);
  });

  it('is taken from the Maglev table where the hash selects this node', () => {
    const node = openNode();
    node.setMaglevPlaces((place) => (place % 3 === 0 ? OTHER : SELF));
    for (let source = 5000; source < 5100; source++) {
      const answer = ip4({ from: '10.1.0.2', to: '10.0.0.1', payload: udp({ source: 53, destination: source }) });
      expect(node.sent('blue', answer)).toBe('relayed');
    }
  });

  it('gets a packet twice at most when nodes do not know each other', () => {
    const node = secondNode(OTHER);
    // Neither node counts the other among those that may have sent it to this one.
    node.map('sg_nn_src').delete(bytesOf(OTHER_NODE));
    node.map('sg_nn_src').update(bytesOf(OTHER_NODE), u32(3));
    let hopLimit = 64;
    const hopLimits: number[] = [];
    for (let turn = 0; turn < 5; turn++) {
      const frame = arriving('blue', segment('blue', 'synAck'), turn === 0 ? HYPERVISOR : OTHER_NODE);
      // Some hops of the underlay.
      frame.writeUInt8(hopLimit - 5, 21);
      const sent = node.send(frame);
      if (sent.verdict !== 'redirect') break;
      hopLimit = sent.frame.readUInt8(21);
      hopLimits.push(hopLimit);
    }
    expect(hopLimits).toEqual([32, 16]);
  });

  it('gets packets for this node while it drains', () => {
    expect(talk(secondNode(SELF, OTHER), 'blue:synAck')).toEqual(['relayed']);
    expect(talk(secondNode(SELF, SELF), 'blue:synAck')).toEqual([STRANGER]);
  });
});
