/** Frames with a VLAN tag at a network node: left to the host, and counted by the last program. */
import { expect, it } from 'vitest';
import { ethernet, ip4, tagged } from '../fastpath/packets.js';
import { arriving, MACS, NetworkNode } from './node.js';

const INNER = ip4({ from: '10.0.0.1', to: '10.1.0.2' });
const TYPES = [0x8100, 0x88a8] as const;

it.each(TYPES)('a tagged frame at an uplink is left to the host: type %i', (type) => {
  const frame = tagged(arriving('red', INNER), 200, type);
  expect(new NetworkNode({ is_hypervisor: false }, 'tc').send(frame)).toEqual({
    verdict: 'next',
    counted: { 'pass vlan': 1 },
    frame,
  });
  // The hypervisor's program comes next.
  expect(new NetworkNode({ is_hypervisor: true }, 'tc').send(frame)).toEqual({ verdict: 'next', counted: {}, frame });
  expect(new NetworkNode({ is_hypervisor: false }).send(frame)).toEqual({ verdict: 'next', counted: {}, frame });
});

it.each(TYPES)('a tagged frame at an external network is left to the host: type %i', (type) => {
  const node = new NetworkNode({ is_hypervisor: false }, 'external');
  node.addExternalSource('192.0.2.0/24');
  node.addRoute('dc', '10.0.0.0/24', 'red');
  const packet = ip4({ from: '192.0.2.9', to: '10.0.0.1' });
  const frame = tagged(ethernet(packet, { to: MACS.uplink, from: MACS.router }), 200, type);
  expect(node.send(frame)).toEqual({ verdict: 'next', counted: { 'pass vlan': 1 }, frame });
});
