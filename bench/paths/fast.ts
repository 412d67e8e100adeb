/** segue's fast path: the programs of bpf/ with maps filled for the chain, without the agent. */
import { fileURLToPath } from 'node:url';
import { attachTcx, attachXdp, BpfObject, U32 } from '../../src/libbpf/index.js';
import type { Hop } from '../../src/ebpf/generated/layouts.js';
import {
  Behaviour,
  DscpPolicy,
  Encap,
  Family,
  MemberKey,
  Node,
  Permit,
  Port,
  PortFlags,
  PrefixKey,
  Sid,
  SourceKey,
  SourcePrefixKey,
  Target,
  TargetKind,
  Underlay,
} from '../../src/ebpf/generated/layouts.js';
import { writeAddress } from '../../src/net/address.js';
import { parseMac } from '../../src/net/mac.js';
import { INNER, MAC, PORT, TUNNEL_SOURCE, UNDERLAY_MTU, UPLINK, VM } from '../chain/names.js';
import { seg6EncapRed } from './seg6.js';
import type { BpfMap, Codec } from '../../src/libbpf/index.js';
import type { Chain } from '../chain/chain.js';
import type { Path, SetUp } from './path.js';

const TENANT = 100;
const OUTER_HEADER_BYTES = 40;
const SID = { hv1: 'fd00:5e:1:4600:64::', hv2: 'fd00:5e:2:4600:64::' } as const;
/** Bits of a prefix's key before the address: tenant and family. */
const KEY_BITS = 64;
const NO_HOP: Hop = { ifindex: 0, mtu: 0, destMac: new Uint8Array(6), sourceMac: new Uint8Array(6), unused: 0 };

const IN6: Codec<Uint8Array> = {
  NAME: 'struct in6_addr',
  SIZE: 16,
  encode(into, offset, value) {
    into.set(value, offset);
  },
  decode: (from, offset) => from.subarray(offset, offset + 16),
};

/** The hook that programs are attached to. */
type Hook = 'tcx' | 'xdp';

interface Side {
  node: 'hv1' | 'hv2';
  peer: 'hv1' | 'hv2';
  vmMac: string;
  portMac: string;
  uplinkMac: string;
  peerMac: string;
  /** Local VM's addresses and what is behind it; the same of the other side. */
  local: readonly string[];
  remote: readonly string[];
}

const HV1 = ['10.10.1.2/32', 'fd00:10:1::2/128'];
const HV2 = [`${INNER[4].sinkLink}/32`, `${INNER[6].sinkLink}/128`, INNER[4].sinkPrefix, INNER[6].sinkPrefix];
const SIDES: readonly Side[] = [
  {
    node: 'hv1',
    peer: 'hv2',
    vmMac: MAC.gen,
    portMac: MAC.hv1Port,
    uplinkMac: MAC.hv1Uplink,
    peerMac: MAC.hv2Uplink,
    local: HV1,
    remote: HV2,
  },
  {
    node: 'hv2',
    peer: 'hv1',
    vmMac: MAC.sink,
    portMac: MAC.hv2Port,
    uplinkMac: MAC.hv2Uplink,
    peerMac: MAC.hv1Uplink,
    local: HV2,
    remote: HV1,
  },
];

function objectFile(name: string): string {
  return fileURLToPath(new URL(`../../bpf/${name}.o`, import.meta.url));
}

function bytes16(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  writeAddress(address, bytes, 0);
  return bytes;
}

function mac(text: string): Uint8Array {
  return parseMac(text) ?? new Uint8Array(6);
}

function put<K, V>(map: BpfMap, keyCodec: Codec<K>, key: K, valueCodec: Codec<V>, value: V): void {
  const keyBytes = Buffer.alloc(map.keySize);
  const valueBytes = Buffer.alloc(map.valueSize);
  keyCodec.encode(keyBytes, 0, key);
  valueCodec.encode(valueBytes, 0, value);
  map.update(keyBytes, valueBytes);
}

function splitPrefix(text: string): { family: number; address: Uint8Array; length: number; host: boolean } {
  const [address = '', bits = ''] = text.split('/');
  const family = address.includes(':') ? Family.FAMILY_INET6 : Family.FAMILY_INET;
  const length = Number(bits);
  return { family, address: bytes16(address), length, host: length === (family === Family.FAMILY_INET ? 32 : 128) };
}

/** Puts an address or a prefix where it is looked up. */
function putTarget(objects: BpfObject, prefix: string, target: Target): void {
  const { family, address, length, host } = splitPrefix(prefix);
  const key = { tenant: TENANT, family, address };
  if (host) put(objects.map('members'), MemberKey, key, Target, target);
  else put(objects.map('prefixes'), PrefixKey, { length: KEY_BITS + length, ...key }, Target, target);
}

function fill(object: BpfObject, side: Side, port: number, uplink: number, tenantMtu: number): void {
  put(object.map('nodes'), U32, 0, Node, {
    source: bytes16(TUNNEL_SOURCE[side.node]),
    sidBlock: bytes16('fd00:5e::'),
    sidMask: bytes16('ffff:ffff::'),
  });
  put(object.map('ports'), U32, port, Port, {
    tenant: TENANT,
    slot: 0,
    vmMac: mac(side.vmMac),
    mtu: tenantMtu,
    ownMac: mac(side.portMac),
    gateway4: 0,
    gateway6: new Uint8Array(16),
    dscp: DscpPolicy.DSCP_COPY,
    flags: PortFlags.PORT_TUNNEL_SEGMENTATION | PortFlags.PORT_FRAMES,
  });
  put(object.map('sids'), IN6, bytes16(SID[side.node]), Sid, { tenant: TENANT, behaviour: Behaviour.END_DT46 });
  const hop = {
    ifindex: uplink,
    mtu: UNDERLAY_MTU,
    destMac: mac(side.peerMac),
    sourceMac: mac(side.uplinkMac),
    unused: 0,
  };
  const hops = [hop, NO_HOP, NO_HOP, NO_HOP];
  put(object.map('underlays'), U32, 1, Underlay, { count: 1, length: 128, dest: bytes16(SID[side.peer]), hops });
  const encap = { first: bytes16(SID[side.peer]), underlay: 1, srhBytes: 0, lastEntry: 0, srh: new Uint8Array(56) };
  put(object.map('encaps'), U32, 1, Encap, encap);
  for (const prefix of side.remote) putTarget(object, prefix, { kind: TargetKind.TARGET_REMOTE, id: 1 });
  for (const prefix of side.local) {
    putTarget(object, prefix, { kind: TargetKind.TARGET_LOCAL, id: port });
    const { family, address, length, host } = splitPrefix(prefix);
    const source = { ifindex: port, family, address };
    if (host) put(object.map('sources'), SourceKey, source, Permit, { unused: 0n });
    else {
      const key = { length: KEY_BITS + length, ...source };
      put(object.map('source_prefixes'), SourcePrefixKey, key, Permit, { unused: 0n });
    }
  }
}

/** Programs and maps of one hypervisor. */
function start(chain: Chain, side: Side, hook: Hook): { close(): void }[] {
  const netns = chain.netns(side.node);
  const port = chain.ifindex(side.node, PORT);
  const uplink = chain.ifindex(side.node, UPLINK);
  const first = BpfObject.load(objectFile(hook === 'xdp' ? 'port_xdp' : 'port'));
  fill(first, side, port, uplink, chain.options.tenantMtu);
  const second = BpfObject.open(objectFile(hook === 'xdp' ? 'uplink_xdp' : 'uplink_tc'));
  for (const name of second.mapNames) {
    if (first.mapNames.includes(name) && !name.includes('.')) second.configureMap(name, { reuse: first.map(name) });
  }
  second.load();
  const attach = (object: BpfObject, program: string, ifindex: number) =>
    hook === 'xdp'
      ? attachXdp(object.program(program), { interface: ifindex, netns, mode: 'native' })
      : attachTcx(object.program(program), { interface: ifindex, netns, direction: 'ingress' });
  const links = [
    attach(first, hook === 'xdp' ? 'segue_port_xdp' : 'segue_port', port),
    attach(second, hook === 'xdp' ? 'segue_uplink_xdp' : 'segue_uplink_tc', uplink),
  ];
  return [...links, second, first];
}

function fast(name: string, hook: Hook, describe: string): Path {
  return {
    name,
    describe,
    // Frames that XDP redirects have lost the checksum that a veth left to be made.
    tcp: hook === 'tcx',
    overhead: OUTER_HEADER_BYTES,
    async setUp(chain): Promise<SetUp> {
      // A frame can only be redirected out of a device that has NAPI at its other end.
      if (hook === 'xdp') await chain.offload('sink', VM, ['gro', 'on']);
      // What the programs hand on goes by the kernel: the SYNs of TCP do.
      await seg6EncapRed.setUp(chain);
      const held = SIDES.flatMap((side) => start(chain, side, hook));
      return {
        tearDown() {
          for (const one of held) one.close();
        },
      };
    },
  };
}

export const fastTcx = fast('segue-tcx', 'tcx', "segue's fast path at tcx of ports and uplinks, with counters");
export const fastXdp = fast('segue-xdp', 'xdp', "segue's fast path at XDP of ports and uplinks, with counters");
