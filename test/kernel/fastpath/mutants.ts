/** The fast path with one mistake each, compiled from altered sources: what tests of it must find. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { arch } from 'node:os';
import { join } from 'node:path';

export interface Mutant {
  name: string;
  /** of bpf/ */
  file: string;
  from: string;
  to: string;
}

/** Tenants 100 and 200 change places: 172 is what tells them apart. */
export const MUTANTS = [
  { name: "another tenant's table", file: 'lookup.h', from: '.tenant = tenant', to: '.tenant = tenant ^ 172' },
  { name: 'the TTL off by one', file: 'inner.h', from: 'ip->ttl--', to: 'ip->ttl -= 2' },
  { name: 'the hop limit untouched', file: 'guard.h', from: '->hop_limit--', to: '->hop_limit -= 0' },
  { name: 'the checksum off', file: 'inner.h', from: 'check += bpf_htons(0x0100)', to: 'check += bpf_htons(0x0200)' },
  {
    name: 'any source',
    file: 'guard.h',
    from: '!may_send(ifindex, inner)',
    to: '!may_send(ifindex, inner) && !ifindex',
  },
  { name: 'any destination', file: 'guard.h', from: 'in_sid_block(&inner->dest, node)', to: '!node' },
  { name: 'lengths that lie', file: 'port.bpf.c', from: 'inner.length > whole_bytes(skb) - ETH_HLEN', to: '!node' },
  { name: 'no class outside', file: 'encap.h', from: 'return inner->traffic_class;', to: 'return 0;' },
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
    const { status, stderr } = spawnSync('clang', [...argv.split(' '), join(source, `${name}.bpf.c`)], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`clang ${name}: ${stderr}`);
  }
}
