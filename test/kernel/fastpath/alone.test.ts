/** `dataplane: ebpf`: what the programs would hand to the kernel ends in them, under the same reason. */
import { describe, expect, it } from 'vitest';
import { Bench, MACS, SIDS, SOURCE } from './bench.js';
import { encapsulated, ethernet, IP, ip4, ip6, srh } from './packets.js';

const TO_PORT = { to: MACS.port, from: MACS.vm };
const FROM_ROUTER = { to: MACS.uplink, from: MACS.router };
const REMOTE = 'fd00:5e:2::1';
const alone = (): Bench => new Bench({ rodata: { alone: true } });

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

describe('what a VM sends', () => {
  it.each([
    [
      'nobody has the address, and there is nobody to tell',
      ethernet(ip4({ to: '10.0.0.99', fragment: 100 }), TO_PORT),
      'punt no member',
    ],
    ['the way is not resolved', ethernet(ip6({ to: 'cafe::8' }), TO_PORT), 'punt unresolved'],
    ['multicast', ethernet(ip4({ to: '224.0.0.251' }), TO_PORT), 'punt not routed'],
    ['a frame for somebody else', ethernet(ip4(), { ...TO_PORT, to: 'ff:ff:ff:ff:ff:ff' }), 'punt not routed'],
    ['no IP at all', ethernet(Buffer.alloc(46), { ...TO_PORT, type: 0x88cc }), 'punt not ip'],
  ])('%s: dropped', (_what, packet, reason) => {
    const { verdict, counted } = alone().send('port_tc', packet);
    expect({ verdict, counted }).toEqual({ verdict: 'drop', counted: { [reason]: 1 } });
  });
});

describe('what arrives for a SID', () => {
  it.each([
    ['nobody has the address', arriving(ip4({ from: '10.0.0.2', to: '10.0.0.99' })), 'punt no member'],
    ['somebody on another node has it', arriving(ip4({ from: '10.0.0.2', to: '10.0.0.3' })), 'punt not local'],
    ['the last hop to nobody', arriving(ip6({ from: 'cafe::2', to: 'cafe::99', hopLimit: 1 })), 'punt hop limit'],
    ['segments left', withSegmentsLeft(ip4({ from: '10.0.0.2', to: '10.0.0.1' })), 'punt segments'],
  ])('%s: dropped', (_what, packet, reason) => {
    const { verdict, counted } = alone().send('uplink_tc', packet);
    expect({ verdict, counted }).toEqual({ verdict: 'drop', counted: { [reason]: 1 } });
    // XDP leaves it to tcx, which counts it.
    expect(alone().send('uplink_xdp', packet)).toMatchObject({ verdict: 'next', counted: {} });
  });

  it('what is for no SID is the host’s, as ever', () => {
    for (const packet of [ethernet(ip6({ from: REMOTE, to: SOURCE }), FROM_ROUTER), ethernet(ip4(), FROM_ROUTER)]) {
      expect(alone().send('uplink_tc', packet)).toMatchObject({ verdict: 'next', counted: { 'pass host': 1 } });
    }
  });
});
