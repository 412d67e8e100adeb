/** `dataplane: ebpf`: packets that the programs would punt to the kernel are dropped, with the same reason. */
import { describe, expect, it } from 'vitest';
import { Bench, MACS, SIDS, SOURCE } from './bench.js';
import { encapsulated, ethernet, IP, ip4, ip6, srh } from './packets.js';

const TO_PORT = { to: MACS.port, from: MACS.vm };
const FROM_ROUTER = { to: MACS.uplink, from: MACS.router };
const REMOTE = 'fd00:5e:2::1';
const alone = (): Bench => new Bench({ rodata: { no_kernel_fallback: true } });

const arriving = (inner: Buffer): Buffer => ethernet(encapsulated(inner, [SIDS.dt46], REMOTE), FROM_ROUTER);
const withSegmentsLeft = (inner: Buffer): Buffer =>
  ethernet(
    ip6({
      from: REMOTE,
      to: SIDS.dt46,
      next: IP.routing,
      payload: Buffer.concat([srh(IP.ipip, [SIDS.dt46], 1), inner]),
    }),
    FROM_ROUTER,
  );

describe('a frame of a VM', () => {
  it.each([
    [
      'with a fragment to an unused address',
      ethernet(ip4({ to: '10.0.0.99', fragment: 100 }), TO_PORT),
      'punt no member',
    ],
    ['to an unresolved next hop', ethernet(ip6({ to: 'cafe::8' }), TO_PORT), 'punt unresolved'],
    ['to a multicast group', ethernet(ip4({ to: '224.0.0.251' }), TO_PORT), 'punt not routed'],
    ['for another MAC address', ethernet(ip4(), { ...TO_PORT, to: 'ff:ff:ff:ff:ff:ff' }), 'punt not routed'],
    ['without IP', ethernet(Buffer.alloc(46), { ...TO_PORT, type: 0x88cc }), 'punt not ip'],
  ])('is dropped: %s', (_what, packet, reason) => {
    const { verdict, counted } = alone().send('port_tc', packet);
    expect({ verdict, counted }).toEqual({ verdict: 'drop', counted: { [reason]: 1 } });
  });
});

describe('a packet for a SID', () => {
  it.each([
    ['to an unused address', arriving(ip4({ from: '10.0.0.2', to: '10.0.0.99' })), 'punt no member'],
    ['to a member of another node', arriving(ip4({ from: '10.0.0.2', to: '10.0.0.3' })), 'punt not local'],
    [
      'with hop limit 1 to an unused address',
      arriving(ip6({ from: 'cafe::2', to: 'cafe::99', hopLimit: 1 })),
      'punt hop limit',
    ],
    ['with segments left', withSegmentsLeft(ip4({ from: '10.0.0.2', to: '10.0.0.1' })), 'punt segments'],
  ])('is dropped: %s', (_what, packet, reason) => {
    const { verdict, counted } = alone().send('uplink_tc', packet);
    expect({ verdict, counted }).toEqual({ verdict: 'drop', counted: { [reason]: 1 } });
    // XDP leaves it to tcx, which counts it.
    expect(alone().send('uplink_xdp', packet)).toMatchObject({ verdict: 'next', counted: {} });
  });

  it('a packet for no SID is left to the host', () => {
    for (const packet of [ethernet(ip6({ from: REMOTE, to: SOURCE }), FROM_ROUTER), ethernet(ip4(), FROM_ROUTER)]) {
      expect(alone().send('uplink_tc', packet)).toMatchObject({ verdict: 'next', counted: { 'pass host': 1 } });
    }
  });
});
