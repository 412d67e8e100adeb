/**
 * The programs' maps filled without an agent: for benchmarks and tests of programs. Entries are written as the agent writes them, by the same
 * encoders; what is in them is the caller's.
 */
import { nextCacheGeneration } from '../../src/ebpf/epoch.js';
import {
  writeEncap,
  writeEndpointKey,
  writeNexthopGroup,
  writeNode,
  writePort,
  writePrefixKey,
  writeSourceKey,
  writeSourcePrefixKey,
  writeTrustedKey,
} from '../../src/ebpf/encoders.js';
import { putAddress } from '../../src/ebpf/bytes.js';
import { Encap, Endpoint, Sid } from '../../src/ebpf/generated/layouts.js';
import * as steering from '../../src/ebpf/generated/steering.js';
import { MAGLEV_SLOTS } from '../../src/gateway/maglev.js';
import { newSeeds } from '../../src/gateway/seeds.js';
import { setKeys, tablesOf, writeSetEntries } from '../../src/gateway/policy-resource.js';
import { externalSourceKey } from '../../src/gateway/zone-resources.js';
import { compilePolicySet } from '../../src/gateway/policy-set.js';
import type { BpfMap } from 'libbpf-ts';
import type { NexthopGroupText, NodeText, PortText } from '../../src/ebpf/encoders.js';
import type { ResolvedHop } from '../../src/ebpf/resolve.js';
import type { Policy } from '../../src/gateway/types.js';

interface StructCodec<T> {
  SIZE: number;
  encode(into: Buffer, at: number, value: T): void;
}

/** One struct's bytes. */
export function encode<T>(codec: StructCodec<T>, value: T): Buffer {
  const bytes = Buffer.alloc(codec.SIZE);
  codec.encode(bytes, 0, value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** 16 bytes of an address, IPv4 in the first four. */
export function address(text: string): Buffer {
  const bytes = Buffer.alloc(16);
  putAddress(text, bytes, 0);
  return bytes;
}

/** An encapsulation as the map has it. @param path in travel order */
export function encapOf(path: readonly string[], nexthopGroup: number): Encap {
  const bytes = Buffer.alloc(Encap.SIZE);
  writeEncap(path, nexthopGroup, bytes, 0);
  return Encap.decode(bytes, 0);
}

/** A next hop that takes frames, and has no other beside it. */
export function onlyHop(hop: Pick<ResolvedHop, 'ifindex' | 'mtu' | 'destMac' | 'sourceMac'>): ResolvedHop {
  return { ...hop, weight: 1, frames: true };
}

/** A policy between two tenants, by number. */
export interface Between {
  from: number;
  to: number;
  policy: Policy;
}

/** What is left out is zero. */
export type ZoneEntry = Partial<steering.Zone> & { id: number; slot: number };

export class MapFiller {
  readonly #map: (name: string) => BpfMap;
  #nextSet = 1;
  #nextPlace = 0;

  /** @param map a map by its name in bpf/maps, of whatever object has it */
  constructor(map: (name: string) => BpfMap) {
    this.#map = map;
  }

  /** The node's own entry. */
  node(node: NodeText): void {
    this.#put('sg_node', u32(0), (value) => {
      writeNode(node, value, 0);
    });
  }

  /** Another node of the SR domain, by its outer source. */
  domainSource(source: string): void {
    this.#put('sg_domain_src', address(source));
  }

  /** A prefix of the SR domain beyond the SID block. */
  trusted(prefix: string): void {
    this.#putAt('sg_trusted', (key) => {
      writeTrustedKey(prefix, key, 0);
    });
  }

  port(ifindex: number, port: PortText): void {
    this.#put('sg_ports', u32(ifindex), (value) => {
      writePort(port, value, 0);
    });
  }

  /** What the VM at an interface may send from: an address, or a prefix. */
  source(ifindex: number, from: string): void {
    if (from.includes('/')) {
      this.#putAt('sg_allowed_lpm', (key) => {
        writeSourcePrefixKey(ifindex, from, key, 0);
      });
    } else {
      this.#putAt('sg_allowed_src', (key) => {
        writeSourceKey(ifindex, from, key, 0);
      });
    }
  }

  /** Where a tenant's address is, or a prefix. */
  endpoint(tenant: number, to: string, target: Endpoint): void {
    const value = encode(Endpoint, target);
    if (to.includes('/')) this.#map('sg_endpoint_lpm').update(this.#prefixKey('sg_endpoint_lpm', tenant, to), value);
    else {
      const key = Buffer.alloc(this.#map('sg_endpoints').keySize);
      writeEndpointKey(tenant, to, key, 0);
      this.#map('sg_endpoints').update(key, value);
    }
  }

  /** @param path segments in travel order */
  encap(id: number, path: readonly string[], nexthopGroup: number): void {
    this.#put('sg_encaps', u32(id), (value) => {
      writeEncap(path, nexthopGroup, value, 0);
    });
  }

  nexthopGroup(id: number, group: NexthopGroupText): void {
    this.#put('sg_nh_groups', u32(id), (value) => {
      writeNexthopGroup(group, value, 0);
    });
  }

  /** @param behaviour enum behaviour */
  sid(sid: string, tenant: number, behaviour: number): void {
    this.#map('sg_sids').update(address(sid), encode(Sid, { tenant, behaviour }));
  }

  /** Has what CPUs remember of look-ups forgotten, as the agent does after a change. */
  forget(): void {
    nextCacheGeneration(this.#map('sg_cache_gen'));
  }

  /** The network node's own entry. */
  networkNodeConfig(self: number, { policyGeneration = 1n, nextSet = 100, seeds = newSeeds() } = {}): void {
    const config = { policyGeneration, nextSet, self, unused: 0, seeds };
    this.#map('sg_nn_config').update(u32(0), encode(steering.NnConfig, config));
  }

  gatewaySid(sid: string, zone: ZoneEntry): void {
    this.#map('sg_gw_sids').update(address(sid), zoneBytes(zone));
  }

  /** A zone's prefix as a tenant sees it. */
  zoneRoute(tenant: number, prefix: string, zone: ZoneEntry): void {
    this.#map('sg_zone_routes').update(this.#prefixKey('sg_zone_routes', tenant, prefix), zoneBytes(zone));
  }

  /** What may arrive from an external network by an interface. */
  externalSource(ifindex: number, prefix: string, zone: ZoneEntry): void {
    const key = externalSourceKey(ifindex, prefix);
    this.#map('sg_ext_src').update(key, zoneBytes(zone));
  }

  /** Which address tells a tenant's senders of errors. */
  icmpSource(tenant: number, prefix: string, from: string): void {
    const value = encode(steering.IcmpSrc, { address: address(from) });
    this.#map('sg_icmp_src_lpm').update(this.#prefixKey('sg_icmp_src_lpm', tenant, prefix), value);
  }

  /** Which network nodes flows get. @param active new flows' by the place of the hash; `all` those of flows that are known */
  maglev(gateway: number, active: (place: number) => number, all = active): void {
    const places = (nodeOf: (place: number) => number): number[] =>
      Array.from({ length: MAGLEV_SLOTS }, (_, place) => nodeOf(place));
    const table = { active: places(active), all: places(all), unused: [0, 0] };
    this.#map('sg_maglev').update(u32(gateway), encode(steering.Maglev, table));
  }

  /** Whether a network node can be reached. */
  networkNodeState(node: number, isUp: boolean): void {
    this.#map('sg_nn_state').update(u32(node), encode(steering.NetworkNode, { isUp: isUp ? 1 : 0, unused: 0 }));
  }

  networkNodeSource(source: string, node: number): void {
    this.#map('sg_nn_src').update(address(source), u32(node));
  }

  /** A tenant's encapsulation towards a network node. */
  gatewayEncap(tenant: number, node: number, encap: number): void {
    this.#map('sg_gw_encaps').update(encode(steering.GatewayEncapKey, { tenant, node }), u32(encap));
  }

  /** Of the hash by which a hypervisor knows flows. */
  flowSeeds(): void {
    this.#map('sg_gw_seeds').update(u32(0), encode(steering.GwSeeds, { seeds: newSeeds() }));
  }

  /** Policies, one set a pair. All are counted in the slot 0. */
  policies(all: readonly Between[]): void {
    const maps = {
      sg_pol_ports: this.#map('sg_pol_ports'),
      sg_pol_rules: this.#map('sg_pol_rules'),
      sg_pol_src: this.#map('sg_pol_src'),
      sg_pol_dst: this.#map('sg_pol_dst'),
    };
    const byPair = new Map<string, Between[]>();
    for (const between of all) {
      const key = `${between.from} ${between.to}`;
      const list = byPair.get(key);
      if (list === undefined) byPair.set(key, [between]);
      else list.push(between);
    }
    for (const list of byPair.values()) {
      const id = this.#nextSet++;
      const content = compilePolicySet(list.map(({ policy }) => policy));
      const runs = content.rules.map(({ ports }) => {
        const first = this.#nextPlace;
        this.#nextPlace += ports.length;
        return { first, count: ports.length };
      });
      writeSetEntries(maps, { set: id, content, keys: setKeys(id, content), runs, slotOf: () => 0 });
      const [{ from, to } = { from: 0, to: 0 }] = list;
      const value = encode(steering.PolicySet, { id, tables: tablesOf(content) });
      this.#map('sg_pol_pairs').update(encode(steering.ZonePair, { from, to }), value);
    }
  }

  #prefixKey(name: string, tenant: number, prefix: string): Buffer {
    const key = Buffer.alloc(this.#map(name).keySize);
    writePrefixKey(tenant, prefix, key, 0);
    return key;
  }

  #putAt(name: string, writeKey: (key: Buffer) => void): void {
    const key = Buffer.alloc(this.#map(name).keySize);
    writeKey(key);
    this.#put(name, key);
  }

  #put(name: string, key: Buffer, writeValue?: (value: Buffer) => void): void {
    const map = this.#map(name);
    const value = Buffer.alloc(map.valueSize);
    writeValue?.(value);
    map.update(key, value);
  }
}

function zoneBytes({ gateway = 0, mtu = 0, flags = 0, ...zone }: ZoneEntry): Buffer {
  return encode(steering.Zone, { ...zone, gateway, mtu, flags });
}
