/** What trace sessions report of a network node's decisions: zones, policy and endpoint. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { REASONS } from '../../../src/ebpf/counters.js';
import { EndpointType, TraceFlags } from '../../../src/ebpf/generated/layouts.js';
import { TraceSession } from '../../../src/ebpf/trace-session.js';
import { NO_SLOT } from '../../../src/gateway/steering-maps.js';
import { ethernet, IP, ip4, tcp, udp } from '../fastpath/packets.js';
import { arriving, MACS, NetworkNode, OTHER, ZONES } from './node.js';
import { everyPort } from './policies.js';
import { traceMapsOf } from './trace-maps.js';
import type { TraceEvent, WatchFilter } from '../../../src/ebpf/trace-session.js';
import type { Hook } from './node.js';

const SYN = 0x02;
const SYN_ACK = 0x12;
const { TRACE_LOGGED, TRACE_OPENED, TRACE_RELAYED, TRACE_REPLY } = TraceFlags;
const RED_TO_BLUE = { from: '10.0.0.1', to: '10.1.0.2', protocol: IP.tcp } as const;
const BLUE_TO_RED = { from: '10.1.0.2', to: '10.0.0.1', protocol: IP.tcp } as const;
const WEB = 2;
const BLOCKED = 7;
const OUT = 9;

/** Of red and blue: TCP to port 80 by one policy, to what is above denied by another, which is logged. */
function policiesOf(node: NetworkNode): void {
  node.policies.give(ZONES.red.id, ZONES.blue.id, {
    rules: [
      {
        protocol: 'tcp',
        ports: [
          { first: 0, action: 'none' },
          { first: 80, action: 'allow', policy: WEB, rank: 1 },
          { first: 81, action: 'deny', policy: BLOCKED, rank: 0, log: true },
        ],
      },
    ],
  });
}

function watched(
  hook: Hook,
  filter: Partial<WatchFilter> = {},
): { node: NetworkNode; tell: (frame: Buffer) => TraceEvent[] } {
  const node = new NetworkNode({ is_hypervisor: false }, hook);
  policiesOf(node);
  const seen: TraceEvent[] = [];
  const session = new TraceSession(traceMapsOf(node), { snap: 256, ringBytes: 1 << 16, ...filter }, (event) => {
    seen.push(event);
  });
  onTestFinished(() => {
    session.close();
  });
  return {
    node,
    tell: (frame) => {
      node.send(frame);
      session.consume();
      return seen.splice(0);
    },
  };
}

const reasonOf = ({ reason }: TraceEvent): string =>
  `${REASONS[reason]?.verdict ?? ''} ${REASONS[reason]?.reason ?? ''}`;
const toBlue = (destination: number, flags = SYN): Buffer =>
  arriving('red', ip4({ ...RED_TO_BLUE, payload: tcp({ destination, flags }) }));

describe.each(['xdp', 'tc'] as const)('events at %s', (hook) => {
  it('name the policy that allows or denies a connection, or none', () => {
    const { tell } = watched(hook);
    const ends = { tenant: ZONES.red.id, peer: ZONES.blue.id };
    expect(tell(toBlue(80))).toMatchObject([
      { ...ends, policy: WEB, flags: TRACE_OPENED, endpoint: EndpointType.EP_REMOTE, endpointId: 2 },
    ]);
    expect(tell(toBlue(81))).toMatchObject([
      { ...ends, policy: BLOCKED, flags: TRACE_OPENED | TRACE_LOGGED, endpoint: 0, endpointId: 0 },
    ]);
    const [none] = tell(toBlue(79));
    expect(none).toMatchObject({ ...ends, policy: NO_SLOT, endpoint: 0 });
    expect(none && reasonOf(none)).toBe('drop no policy match');
  });

  it('name a connection’s policy for its replies', () => {
    const { tell } = watched(hook);
    tell(toBlue(80));
    const reply = ip4({ ...BLUE_TO_RED, payload: tcp({ source: 80, destination: 4000, flags: SYN_ACK, acked: 2 }) });
    expect(tell(arriving('blue', reply))).toMatchObject([
      { tenant: ZONES.blue.id, peer: ZONES.red.id, policy: WEB, flags: TRACE_REPLY, endpointId: 1 },
    ]);
  });

  it('mark a packet that is relayed', () => {
    const { node, tell } = watched(hook);
    node.setMaglev(OTHER);
    const [event] = tell(toBlue(80, 0x10));
    expect(event).toMatchObject({ policy: NO_SLOT, flags: TRACE_RELAYED });
  });

  it('of one tenant are those from it, and those to it if requested', () => {
    expect(watched(hook, { tenant: ZONES.blue.id, peer: ZONES.blue.id }).tell(toBlue(80))).toHaveLength(1);
    expect(watched(hook, { tenant: ZONES.blue.id }).tell(toBlue(80))).toEqual([]);
    const green = watched(hook, { tenant: ZONES.green.id });
    expect(green.tell(toBlue(80))).toEqual([]);
  });

  it('name no decision for a packet that is dropped before one', () => {
    const { tell } = watched(hook);
    tell(toBlue(80));
    // XDP leaves it to tcx: nobody of blue has the address.
    tell(arriving('red', ip4({ ...RED_TO_BLUE, to: '10.1.0.99', payload: tcp({ destination: 80, flags: SYN }) })));
    const broken = arriving('red', ip4({ ...RED_TO_BLUE, payload: Buffer.alloc(4) }));
    const [event, ...rest] = tell(broken);
    expect(rest).toEqual([]);
    expect(event).toMatchObject({ peer: 0, policy: NO_SLOT, flags: 0, endpoint: 0, length: broken.length });
    expect(event?.before.toString('hex')).toBe(broken.toString('hex'));
  });
});

it('events name an external network as a zone', () => {
  const { node, tell } = watched('external');
  node.policies.give(ZONES.dc.id, ZONES.red.id, { rules: [everyPort('udp', 'deny', OUT)] });
  node.addExternalSource('192.0.2.0/24');
  node.addRoute('dc', '10.0.0.0/24', 'red', 1400);
  node.addRoute('red', '192.0.2.0/24', 'dc');
  const frame = ethernet(ip4({ from: '192.0.2.9', to: '10.0.0.1', payload: udp() }), {
    to: MACS.uplink,
    from: MACS.router,
  });
  expect(tell(frame)).toMatchObject([{ tenant: ZONES.dc.id, peer: ZONES.red.id, policy: OUT }]);
});
