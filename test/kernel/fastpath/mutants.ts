/**
 * Faulty variants of the fast path, compiled from sources with one alteration each: the tests of the fast path must
 * detect them.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { arch } from 'node:os';
import { join } from 'node:path';

export interface Mutant {
  name: string;
  /** Path below bpf/. */
  file: string;
  from: string;
  to: string;
}

/** Tenants 100 and 200 change places: 172 is what tells them apart. */
export const MUTANTS = [
  { name: "another tenant's table", file: 'fib/endpoint.h', from: '.tenant = tenant', to: '.tenant = tenant ^ 172' },
  { name: 'the TTL off by one', file: 'net/ttl.h', from: 'ip->ttl--', to: 'ip->ttl -= 2' },
  { name: 'the hop limit untouched', file: 'net/ttl.h', from: '->hop_limit--', to: '->hop_limit -= 0' },
  { name: 'the checksum off', file: 'net/ttl.h', from: 'check += bpf_htons(0x0100)', to: 'check += bpf_htons(0x0200)' },
  {
    name: 'any source',
    file: 'port/antispoof.h',
    from: '!src_allowed(ifindex, inner)',
    to: '!src_allowed(ifindex, inner) && !ifindex',
  },
  { name: 'any destination', file: 'port/antispoof.h', from: 'touches_domain(inner)', to: '!port' },
  {
    name: 'the SID block alone',
    file: 'srv6/domain.h',
    from: 'return bpf_map_lookup_elem(&sg_trusted, &key) != NULL',
    to: 'return 0',
  },
  { name: 'no domain check of unread headers', file: 'port/exception.h', from: 'is_domain_frame(skb))', to: '!port)' },
  { name: 'VLAN frames accepted', file: 'port/tcx.h', from: 'PASS_VLAN : DROP_VLAN', to: 'PASS_VLAN : PUNT_NOT_IP' },
  {
    name: 'wrong lengths accepted',
    file: 'port/pipeline.h',
    from: 'frame.inner.length > frame.length ?',
    to: '!node ?',
  },
  { name: 'traffic class not copied out', file: 'srv6/encap.h', from: 'return inner->traffic_class;', to: 'return 0;' },
] as const satisfies readonly Mutant[];

/** The same of the uplink's program. */
export const UPLINK_MUTANTS = [
  { name: 'any outer source', file: 'srv6/outer_source.h', from: 'if (!check_sources ||', to: 'if (true ||' },
  {
    name: 'martians accepted',
    file: 'srv6/inner_source.h',
    from: 'return first == 0 || first == 127 || first >= 224;',
    to: 'return first == 0 || first >= 224;',
  },
  {
    name: 'IPv4-mapped sources accepted',
    file: 'srv6/inner_source.h',
    from: '(!word[2] || word[2] == bpf_htonl(0xffff))',
    to: '!word[2]',
  },
  {
    name: "the receiver's own address as source",
    file: 'srv6/inner_source.h',
    from: ' || same_address(&inner->source, &inner->dest)',
    to: '',
  },
  {
    name: "the gateway's address as source",
    file: 'srv6/inner_source.h',
    from: 'return carries_error(inner) ? REASON_FORWARDED : DROP_INNER_SOURCE;',
    to: 'return REASON_FORWARDED;',
  },
  { name: 'errors of any type', file: 'net/icmp.h', from: 'type >= ICMP6_ERROR_MIN && type', to: 'type' },
  { name: "frames for others' MACs", file: 'uplink/tcx.h', from: ' && skb->pkt_type == PACKET_HOST', to: '' },
] as const satisfies readonly Mutant[];

/**
 * Compiles object files of altered sources.
 *
 * @param directory where they go, as `<name>.o`
 * @throws Error when the text to be altered is not there, or clang refuses it
 */
export function compileAltered(
  directory: string,
  names: readonly string[],
  alterations: readonly Omit<Mutant, 'name'>[],
): void {
  const source = join(directory, 'bpf');
  cpSync('bpf', source, { recursive: true });
  for (const { file, from, to } of alterations) {
    const text = readFileSync(join(source, file), 'utf8');
    if (!text.includes(from)) throw new Error(`bpf/${file} has no "${from}"`);
    writeFileSync(join(source, file), text.replace(from, to));
  }
  const include = arch() === 'x64' ? 'x86_64-linux-gnu' : 'aarch64-linux-gnu';
  for (const name of names) {
    const argv = `-O2 -g -target bpf -mcpu=v3 -std=gnu17 -I${source} -idirafter /usr/include/${include} -c -o ${directory}/${name}.o`;
    const { status, stderr } = spawnSync('clang', [...argv.split(' '), join(source, 'prog', `${name}.bpf.c`)], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`clang ${name}: ${stderr}`);
  }
}
