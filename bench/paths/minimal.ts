/** The minimum that a tunnel must do (bpf/bench/minimal.bpf.c): the reference for the cost of segue's checks, caches and counters. */
import { attachXdp, BpfObject } from 'libbpf-ts';
import { INNER, LOCATOR, MAC, PORT, TUNNEL_SOURCE, UPLINK, VM } from '../chain/names.js';
import { macPair } from '../packets/programs.js';
import { objectFile } from './fast.js';
import { address as addressOf } from '../lib/map-filler.js';
import { LARGE } from './fast-maps.js';
import type { Chain } from '../chain/chain.js';
import type { Path } from './path.js';

const OUTER_HEADER_BYTES = 40;
/** Of the sink's network that is known without `--endpoints`: as many flows as the settings have. */
const ENDPOINTS_DEFAULT = 4096;

const V4_BYTES = 4;
const V6_BYTES = 16;

interface End {
  node: 'hv1' | 'hv2';
  peer: 'hv1' | 'hv2';
  vmMac: string;
  portMac: string;
  uplinkMac: string;
  peerMac: string;
}

const ENDS: readonly End[] = [
  {
    ...{ node: 'hv1', peer: 'hv2', vmMac: MAC.gen, portMac: MAC.hv1Port },
    ...{ uplinkMac: MAC.hv1Uplink, peerMac: MAC.hv2Uplink },
  },
  {
    ...{ node: 'hv2', peer: 'hv1', vmMac: MAC.sink, portMac: MAC.hv2Port },
    ...{ uplinkMac: MAC.hv2Uplink, peerMac: MAC.hv1Uplink },
  },
];

/** A SID of a node; many of them, all of which are the node's. */
function sidOf(node: 'hv1' | 'hv2', index: number): Uint8Array {
  const sid = Buffer.from(locatorOf(node));
  sid.writeUInt16BE(index, 14);
  return sid;
}

function locatorOf(node: 'hv1' | 'hv2'): Uint8Array {
  return addressOf(LOCATOR[node].split('/')[0] ?? '');
}

/** Both ends know all endpoints of both; an entry of an endpoint that is here says nothing. */
function fill(object: BpfObject, peer: 'hv1' | 'hv2', endpoints: number): void {
  const firstBytes = addressOf(INNER[4].sink);
  const first = firstBytes.readUInt32BE(0);
  const others = [INNER[4].gen, INNER[4].sinkLink].map((text) => addressOf(text).readUInt32BE(0));
  const addresses = [...others, ...Array.from({ length: endpoints }, (_, index) => first + index)];
  const keys = Buffer.alloc(addresses.length * V4_BYTES);
  const values = Buffer.alloc(addresses.length * V6_BYTES);
  addresses.forEach((address, index) => {
    keys.writeUInt32BE(address, index * V4_BYTES);
    values.set(sidOf(peer, index % LARGE.nodes), index * V6_BYTES);
  });
  object.map('endpoints4').updateBatch(keys, values);
  const v6 = [INNER[6].gen, INNER[6].sinkLink, ...sink6(ENDPOINTS_DEFAULT)];
  for (const [index, address] of v6.map((one) => (typeof one === 'string' ? addressOf(one) : one)).entries()) {
    object.map('endpoints6').update(address, sidOf(peer, index % LARGE.nodes));
  }
}

function sink6(count: number): Uint8Array[] {
  const first = addressOf(INNER[6].sink);
  return Array.from({ length: count }, (_, index) => {
    const address = Buffer.from(first);
    address.writeUInt32BE(address.readUInt32BE(12) + index, 12);
    return address;
  });
}

/** @returns what is closed in this order */
function startEnd(chain: Chain, end: End): { close(): void }[] {
  const netns = chain.netns(end.node);
  const [port, uplink] = [chain.ifindex(end.node, PORT), chain.ifindex(end.node, UPLINK)];
  const object = BpfObject.load(objectFile('bench/minimal'), {
    rodata: {
      ...{ port, uplink },
      uplink_macs: macPair(end.peerMac, end.uplinkMac),
      port_macs: macPair(end.vmMac, end.portMac),
      outer_source: addressOf(TUNNEL_SOURCE[end.node]),
      locator: Buffer.from(locatorOf(end.node)).readBigUInt64LE(0),
    },
  });
  fill(object, end.peer, chain.options.endpoints ?? ENDPOINTS_DEFAULT);
  const where = { netns, mode: 'native' } as const;
  return [
    attachXdp(object.program('encapsulate'), { ...where, interface: port }),
    attachXdp(object.program('decapsulate'), { ...where, interface: uplink }),
    object,
  ];
}

export const minimal: Path = {
  name: 'minimal',
  describe:
    'a minimal tunnel at XDP of ports and uplinks: one lookup per hop, hop limit, checksum, flow label, ECN, one counter; no tenants, no checks',
  tcp: false,
  overhead: OUTER_HEADER_BYTES,
  async setUp(chain) {
    for (const end of ['gen', 'sink'] as const) await chain.offload(end, VM, ['gro', 'on']);
    const held = ENDS.flatMap((end) => startEnd(chain, end));
    return {
      tearDown() {
        for (const one of held) one.close();
      },
    };
  },
};
