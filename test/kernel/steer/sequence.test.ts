/**
 * Only a sender that knows the sequence numbers of a TCP connection can end it or keep it alive, and at once: also
 * after packets that a CPU forwarded from its cache.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as steering from '../../../src/ebpf/generated/steering.js';
import { IP, ip4, tcp } from '../fastpath/packets.js';
import { bpffs, ROOT } from '../libbpf/harness.js';
import { arriving, NetworkNode, ZONES } from './node.js';
import { everyPort } from './policies.js';
import { scaleOption, TcpEnds, WINDOW } from './tcp-ends.js';
import type { End } from './tcp-ends.js';

const [FIN, SYN, RST, PSH, ACK] = [0x01, 0x02, 0x04, 0x08, 0x10];
const { CT_SYN_SENT, CT_SYN_RECV, CT_ESTABLISHED, CT_CLOSING, CT_CLOSED } = steering.CtState;
const REFUSED = 'drop sequence';
const BEHIND_OUTER = 14 + 40 + 20;
const RANDOM = 1_000_000;
const SPACED = 65_536;
const ENDS = ['red', 'blue'] as const;

function openNode(remembers = false): NetworkNode {
  const node = new NetworkNode({ is_hypervisor: false }, 'xdp', remembers);
  node.policies.give(ZONES.red.id, ZONES.blue.id, { rules: [everyPort('tcp', 'allow')] });
  return node;
}

const only = (node: NetworkNode): steering.Connection => {
  const [connection, ...others] = node.connections('red');
  if (connection === undefined || others.length > 0) throw new Error(`${others.length + 1} connections, expected one`);
  return connection;
};
const stateOf = (node: NetworkNode): number => only(node).state;

/** An open connection. @param scale of both ends' windows */
function established(node: NetworkNode, scale?: number, family: 4 | 6 = 4): TcpEnds {
  const ends = new TcpEnds(4000, family);
  const options = scale === undefined ? {} : { options: scaleOption(scale) };
  node.sent('red', ends.segment('red', { flags: SYN, ...options }));
  node.sent('blue', ends.segment('blue', { flags: SYN | ACK, ...options }));
  node.sent('red', ends.segment('red', { flags: ACK }));
  expect(stateOf(node)).toBe(CT_ESTABLISHED);
  return ends;
}

const other = (end: End): End => (end === 'red' ? 'blue' : 'red');
const plus = (sequence: number, more: number): number => (sequence + more) >>> 0;

describe.each(ENDS)('forged resets from %s', (from) => {
  it.each([
    ['random', RANDOM, undefined],
    ['random', RANDOM, 7],
    ['spaced', SPACED, undefined],
    ['spaced', SPACED, 14],
  ] as const)('do not end an idle connection: %s, %i, window scale %s', (kind, count, scale) => {
    const node = openNode();
    const ends = established(node, scale);
    node.age('red', 1000);
    const before = only(node);
    const pins = bpffs();
    node.program.pin(`${pins}/xdp`);
    const frame = arriving(from, ends.packet(from, { flags: RST })).toString('hex');
    const args = [kind, String(count), '12345', `${pins}/xdp`, String(BEHIND_OUTER), frame];
    const { passed, refused } = JSON.parse(
      execFileSync(join(ROOT, 'build/native/steerflood'), args, { encoding: 'utf8' }),
    ) as { passed: number; refused: number };
    expect(passed + refused).toBe(count);
    // Of a window of so many bytes: three times what is to be expected, and some.
    const window = WINDOW * 2 ** (scale ?? 0);
    expect(passed).toBeLessThan((3 * count * window) / 2 ** 32 + 50);
    // Neither closed nor kept alive.
    expect(only(node)).toEqual(before);
    expect(node.sent(from, ends.segment(from, { flags: RST }))).toBe('passed');
    expect(stateOf(node)).toBe(CT_CLOSED);
  });

  it('pass in the window without effect, and are dropped beyond it', () => {
    const node = openNode();
    const ends = established(node);
    const at = ends.next[from];
    const before = only(node);
    for (const [more, expected] of [
      [1, 'passed'],
      [WINDOW, 'passed'],
      // What a CPU remembers may be a quarter of a window ahead of the connection's entry.
      [WINDOW * 1.25, 'passed'],
      [WINDOW * 1.25 + 1, REFUSED],
      [-1, REFUSED],
      [0x80000000, REFUSED],
    ] as const) {
      expect([more, node.sent(from, ends.packet(from, { flags: RST, sequence: plus(at, more) }))]).toEqual([
        more,
        expected,
      ]);
    }
    expect(only(node)).toEqual(before);
  });

  it('at the acknowledged sequence number close a connection, though more was sent since', () => {
    const node = openNode();
    const ends = established(node);
    const acked = ends.next[from];
    node.sent(from, ends.segment(from, { flags: ACK, size: 1000 }));
    expect(node.sent(from, ends.packet(from, { flags: RST, sequence: acked }))).toBe('passed');
    expect(stateOf(node)).toBe(CT_CLOSED);
  });
});

describe.each(ENDS)('forged segments from %s', (from) => {
  it('with SYN change nothing, and the exact reset that answers the challenge ends the connection', () => {
    const node = openNode();
    const ends = established(node);
    const before = only(node);
    for (const more of [0, 1, 1000, 0x70000000]) {
      for (const flags of [SYN, SYN | ACK]) {
        node.sent(from, ends.packet(from, { flags, sequence: plus(ends.next[from], more) }));
      }
    }
    expect(only(node)).toEqual({ ...before, original: only(node).original, reply: only(node).reply });
    for (const direction of ['original', 'reply'] as const) {
      expect({ ...only(node)[direction], seen: 0 }).toEqual({ ...before[direction], seen: 0 });
    }
    node.sent(from, ends.segment(from, { flags: RST }));
    expect(stateOf(node)).toBe(CT_CLOSED);
  });

  it.each([
    ['a FIN outside the window', FIN | ACK, WINDOW * 1.25 + 100, 0],
    ['a FIN far before the window', FIN | ACK, -70_000, 0],
    ['a FIN that acknowledges unsent data', FIN | ACK, 0, WINDOW * 1.25 + 100],
    ['a FIN without an ACK', FIN, 0, 0],
  ])('do not close a connection: %s', (_what, flags, more, moreAcked) => {
    const node = openNode();
    const ends = established(node);
    const acked = plus(ends.next[other(from)], moreAcked);
    expect(node.sent(from, ends.packet(from, { flags, sequence: plus(ends.next[from], more), acked }))).toBe('passed');
    expect(stateOf(node)).toBe(CT_ESTABLISHED);
    node.sent(from, ends.segment(from, { flags: FIN | ACK }));
    expect(stateOf(node)).toBe(CT_CLOSING);
  });

  it.each([
    ['outside the window', WINDOW * 1.25 + 1000, 0],
    ['with an ACK of unsent data', 100, WINDOW * 1.25 + 1000],
    ['with an old ACK', 100, -100_000],
  ])('with data %s do not move the window to a following reset', (_what, more, moreAcked) => {
    for (const remembers of [false, true]) {
      const node = openNode(remembers);
      const ends = established(node);
      // A CPU remembers the flow by these.
      for (let turn = 0; turn < 3; turn++) node.sent(from, ends.segment(from, { flags: ACK | PSH, size: 10 }));
      const sequence = plus(ends.next[from], more);
      const acked = plus(ends.next[other(from)], moreAcked);
      const forged = ends.packet(from, { flags: ACK | PSH, size: 10, sequence, acked });
      for (let turn = 0; turn < 3; turn++) node.sent(from, forged);
      node.sent(from, ends.packet(from, { flags: RST, sequence: plus(sequence, 10) }));
      node.sent(other(from), ends.packet(other(from), { flags: RST, sequence: acked + 1 }));
      expect(stateOf(node)).toBe(CT_ESTABLISHED);
    }
  });
});

describe('a handshake', () => {
  it('is completed only by an ACK of the SYN-ACK', () => {
    const node = openNode();
    const ends = new TcpEnds();
    node.sent('red', ends.segment('red', { flags: SYN }));
    node.sent('blue', ends.segment('blue', { flags: SYN | ACK }));
    const forged = { flags: ACK, acked: plus(ends.next.blue, 0x12345678) };
    expect(node.sent('red', ends.packet('red', { ...forged, sequence: ends.next.red }))).toBe('passed');
    expect(stateOf(node)).toBe(CT_SYN_RECV);
    node.sent('red', ends.segment('red', { flags: ACK }));
    expect(stateOf(node)).toBe(CT_ESTABLISHED);
  });

  it('is answered or refused only by a segment that acknowledges its SYN', () => {
    const node = openNode();
    const ends = new TcpEnds();
    node.sent('red', ends.segment('red', { flags: SYN }));
    const acked = plus(ends.next.red, 77);
    node.sent('blue', ends.packet('blue', { flags: SYN | ACK, sequence: 1, acked }));
    expect(stateOf(node)).toBe(CT_SYN_SENT);
    expect(node.sent('blue', ends.packet('blue', { flags: RST | ACK, sequence: 0, acked }))).toBe(REFUSED);
    expect(stateOf(node)).toBe(CT_SYN_SENT);
    const refusal = { flags: RST | ACK, sequence: 0, acked: ends.next.red };
    expect(node.sent('blue', ends.packet('blue', refusal))).toBe('passed');
    expect(stateOf(node)).toBe(CT_CLOSED);
  });

  it('continues with the new sequence numbers when red starts again', () => {
    const node = openNode();
    node.sent('red', new TcpEnds().segment('red', { flags: SYN }));
    const ends = new TcpEnds();
    node.sent('red', ends.segment('red', { flags: SYN }));
    node.sent('blue', ends.segment('blue', { flags: SYN | ACK }));
    node.sent('red', ends.segment('red', { flags: ACK }));
    expect(stateOf(node)).toBe(CT_ESTABLISHED);
  });

  it('with data in its SYN may be answered with or without an ACK of the data (RFC 7413)', () => {
    for (const data of [0, 500]) {
      const node = openNode();
      const ends = new TcpEnds();
      node.sent('red', ends.segment('red', { flags: SYN, size: 500 }));
      const acked = plus(ends.next.red, data - 500);
      node.sent('blue', ends.segment('blue', { flags: SYN | ACK, acked }));
      node.sent('red', ends.segment('red', { flags: ACK }));
      expect(stateOf(node)).toBe(CT_ESTABLISHED);
    }
  });
});

describe('windows', () => {
  it.each([undefined, 0, 7, 14])('take scale %s from both SYNs', (scale) => {
    const node = openNode();
    established(node, scale);
    node.forget();
    const { original, reply } = only(node);
    expect([original.scale, reply.scale]).toEqual([scale ?? 0, scale ?? 0]);
  });

  it('are not scaled if one end does not offer it', () => {
    const node = openNode();
    const ends = new TcpEnds();
    node.sent('red', ends.segment('red', { flags: SYN, options: scaleOption(7) }));
    node.sent('blue', ends.segment('blue', { flags: SYN | ACK }));
    node.sent('red', ends.segment('red', { flags: ACK }));
    expect([only(node).original.scale, only(node).reply.scale]).toEqual([0, 0]);
  });
});

describe.each([
  ['without a flow cache', false],
  ['with a flow cache', true],
] as const)('after a burst through a node %s', (_what, remembers) => {
  it.each([
    ['red', 4],
    ['blue', 4],
    ['red', 6],
    ['blue', 6],
  ] as const)("%s's own reset and FIN take effect over IPv%i", (from, family) => {
    for (const [flags, expected] of [
      [RST, CT_CLOSED],
      [FIN | ACK, CT_CLOSING],
    ] as const) {
      const node = openNode(remembers);
      const ends = established(node, 7, family);
      // More than a window without a scale, around the end of the numbers, of both ends.
      for (let turn = 0; turn < 200; turn++) {
        expect(node.sent(from, ends.segment(from, { flags: ACK | PSH, size: 1400 }))).toBe('passed');
        if (turn % 4 === 3) node.sent(other(from), ends.segment(other(from), { flags: ACK }));
      }
      if (remembers) expect(node.remembered()).toBeGreaterThan(0);
      const { original, reply } = only(node);
      // What a CPU remembers is ahead of the connection's entry, until a packet needs that.
      const known = [original.next, reply.next];
      if (remembers) expect(known).not.toEqual([ends.next.red, ends.next.blue]);
      else expect(known).toEqual([ends.next.red, ends.next.blue]);
      node.sent(from, ends.segment(from, { flags }));
      expect(stateOf(node)).toBe(expected);
    }
  });
});

it('a super-packet at tcx advances the sequence by its whole payload', () => {
  const node = new NetworkNode({ is_hypervisor: false }, 'tc');
  node.policies.give(ZONES.red.id, ZONES.blue.id, { rules: [everyPort('tcp', 'allow')] });
  const ends = established(node);
  const size = 2800;
  const packet = ends.segment('red', { flags: ACK | PSH, size });
  expect(node.send(arriving('red', packet), { size: 1400, segments: 2 }).verdict).toBe('redirect');
  expect(only(node).original.next).toBe(ends.next.red);
  node.sent('red', ends.segment('red', { flags: RST }));
  expect(stateOf(node)).toBe(CT_CLOSED);
});

it('a first fragment of TCP passes with its connection', () => {
  const node = openNode();
  const ends = established(node);
  const payload = tcp({ source: 4000, destination: 80, sequence: ends.next.red, acked: ends.next.blue, size: 24 });
  const first = ip4({ from: '10.0.0.1', to: '10.1.0.2', protocol: IP.tcp, fragment: 0x2000, payload });
  expect(node.sent('red', first)).toBe('passed');
  expect(node.connections('red').find(({ key }) => key.type === 0)?.state).toBe(CT_ESTABLISHED);
});
