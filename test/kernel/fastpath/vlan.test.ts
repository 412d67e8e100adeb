/**
 * Frames with a VLAN tag: none is forwarded, whatever it contains. A test run leaves tags in the frame, where real
 * frames have their second tag; for those beside the frame see test/kernel/ebpf/vlan.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { PortFlags } from '../../../src/ebpf/generated/layouts.js';
import { Bench, MACS, SIDS } from './bench.js';
import { encapsulated, ethernet, IP, ip4, ip6, tagged, tcp } from './packets.js';

const TO_PORT = { to: MACS.port, from: MACS.vm };
const FROM_ROUTER = { to: MACS.uplink, from: MACS.router };
const TYPES = [0x8100, 0x88a8] as const;
const SENT = [ip4(), ip4({ protocol: IP.tcp, payload: tcp() }), ip6(), ip4({ protocol: IP.icmp })];
const ARRIVING = [ip4({ from: '10.0.0.2', to: '10.0.0.1' }), ip6({ from: 'cafe::2', to: 'cafe::1' })].map((inner) =>
  ethernet(encapsulated(inner, [SIDS.dt46], 'fd00:5e:2::1'), FROM_ROUTER),
);

describe.each([{ no_kernel_fallback: false }, { no_kernel_fallback: true }])(
  'no_kernel_fallback $no_kernel_fallback',
  (rodata) => {
    it.each(TYPES)('a tagged frame at a port is dropped: type %i', (type) => {
      for (const packet of SENT) {
        const frame = tagged(ethernet(packet, TO_PORT), 200, type);
        expect(new Bench({ rodata }).send('port_tc', frame)).toEqual({
          verdict: 'drop',
          counted: { 'drop vlan': 1 },
          frame,
        });
        // XDP leaves it to tcx.
        expect(new Bench({ rodata }).send('port_xdp', frame)).toEqual({ verdict: 'next', counted: {}, frame });
      }
    });

    it.each(TYPES)('a tagged frame below a VLAN device belongs to the device: type %i', (type) => {
      const bench = new Bench({ rodata });
      bench.setPort({ flags: PortFlags.PORT_VLANS | PortFlags.PORT_XDP_XMIT });
      const frame = tagged(ethernet(ip4(), TO_PORT), 200, type);
      expect(bench.send('port_tc', frame)).toEqual({ verdict: 'next', counted: { 'pass vlan': 1 }, frame });
      expect(bench.send('port_tc', ethernet(ip4(), TO_PORT))).toMatchObject({ verdict: 'redirect' });
      // Tags may be beside the frame there.
      expect(bench.send('port_xdp', ethernet(ip4(), TO_PORT))).toMatchObject({ verdict: 'next', counted: {} });
    });

    it.each(TYPES)('a tagged frame at an uplink is left to the host: type %i', (type) => {
      for (const arriving of ARRIVING) {
        const frame = tagged(arriving, 200, type);
        expect(new Bench({ rodata }).send('uplink_tc', frame)).toEqual({
          verdict: 'next',
          counted: { 'pass vlan': 1 },
          frame,
        });
        expect(new Bench({ rodata }).send('uplink_xdp', frame)).toEqual({ verdict: 'next', counted: {}, frame });
      }
    });
  },
);
