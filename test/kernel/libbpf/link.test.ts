/** Attachments on real interfaces: order, atomic updates, pins and adoption. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  attachTcx,
  attachXdp,
  BpfLink,
  BpfMap,
  BpfProgram,
  checkBpffs,
  queryTcx,
  queryXdp,
  unpin,
} from '../../../src/libbpf/index.js';
import { bpffs, failure, ifindex, load, namespace, run, u32 } from './harness.js';

function closing<T extends { close(): void }>(handle: T): T {
  onTestFinished(() => {
    handle.close();
  });
  return handle;
}

test('an XDP program attaches in a named namespace, and closing its link detaches it', () => {
  const netns = namespace();
  const object = load('test/maps');
  const where = { interface: 'v0', netns };
  for (const mode of ['native', 'skb', 'auto'] as const) {
    const link = closing(attachXdp(object.program('xdp_count'), { ...where, mode }));
    const { id } = object.program('xdp_count').info();
    expect(link.info()).toMatchObject({ type: 'xdp', programId: id, ifindex: ifindex(netns, 'v0') });
    expect(queryXdp(where)).toBe(id);
    const shown = run(netns, 'ip', 'link', 'show', 'v0');
    expect(shown).toMatch(mode === 'skb' ? /xdpgeneric/ : /\bxdp\b/);
    expect(failure(() => attachXdp(object.program('xdp_lookup'), { ...where, mode })).message).toBe(
      `program xdp_lookup: attach to xdp of v0 in ${netns}: EBUSY`,
    );
    link.close();
    expect(queryXdp(where)).toBe(0);
  }
});

test('a missing interface or namespace is refused by name', () => {
  const netns = namespace();
  const object = load('test/maps');
  expect(failure(() => attachXdp(object.program('xdp_count'), { interface: 'nope', netns })).message).toBe(
    `program xdp_count: attach to xdp of nope in ${netns}: no interface of that name`,
  );
  expect(failure(() => attachXdp(object.program('xdp_count'), { interface: -1, netns })).code).toBe('LIBBPF_ARGUMENT');
  expect(() => attachXdp(object.program('xdp_count'), { interface: 'v0', netns: 'absent-netns' })).toThrow(
    'absent-netns',
  );
  expect(failure(() => attachXdp(object.program('tc_count'), { interface: 'v0', netns })).errnoName).toBe('EINVAL');
});

test('tcx programs are ordered by their anchors, and a stale revision is refused', () => {
  const netns = namespace();
  const object = load('test/maps');
  const other = load('test/maps');
  const hook = { interface: 'v0', netns, direction: 'ingress' } as const;
  const program = object.program('tc_count');
  const first = closing(attachTcx(program, hook));
  const before = closing(attachTcx(object.program('tc_mark'), { ...hook, position: { before: first } }));
  const last = closing(attachTcx(other.program('tc_count'), { ...hook, position: 'last' }));
  const head = closing(attachTcx(other.program('tc_mark'), { ...hook, position: 'first' }));
  const { programs, revision } = queryTcx(hook);
  expect(programs.map(({ linkId }) => linkId)).toEqual([head, before, first, last].map((link) => link.info().id));
  expect(programs[2]?.programId).toBe(program.info().id);
  const third = load('test/maps');
  const stale = { ...hook, expectedRevision: revision - 1n };
  expect(failure(() => attachTcx(third.program('tc_count'), stale)).errnoName).toBe('ESTALE');
  const after = closing(
    attachTcx(third.program('tc_count'), { ...hook, position: { after: before }, expectedRevision: revision }),
  );
  expect(queryTcx(hook).programs.map(({ linkId }) => linkId)[2]).toBe(after.info().id);
  expect(queryTcx({ ...hook, direction: 'egress' })).toEqual({ revision: 1n, programs: [] });
  const elsewhere = closing(attachTcx(program, { ...hook, direction: 'egress' }));
  expect(
    failure(() => attachTcx(third.program('tc_mark'), { ...hook, position: { before: elsewhere } })).errnoName,
  ).toBe('ENOENT');
});

test('tcx programs receive packets', () => {
  const netns = namespace();
  const object = load('test/maps');
  closing(attachTcx(object.program('tc_count'), { interface: 'v1', netns, direction: 'ingress' }));
  run(netns, 'ip', 'address', 'add', '10.99.0.1/24', 'dev', 'v0');
  run(netns, 'ip', 'neigh', 'add', '10.99.0.2', 'lladdr', '02:00:00:00:00:02', 'dev', 'v0');
  const count = (): bigint => {
    const totals = object.map('totals');
    return totals
      .cpuValues(totals.lookup(u32(1)) ?? Buffer.alloc(0))
      .reduce((sum, value) => sum + value.readBigUInt64LE(0), 0n);
  };
  const before = count();
  run(netns, 'bash', '-c', 'for i in 1 2 3; do echo x >/dev/udp/10.99.0.2/9; done');
  expect(count() - before).toBeGreaterThanOrEqual(3n);
});

test('update() swaps the program atomically, and only the expected one', () => {
  const netns = namespace();
  const object = load('test/maps');
  const [count, lookup] = [object.program('xdp_count'), object.program('xdp_lookup')];
  const link = closing(attachXdp(count, { interface: 'v0', netns }));
  link.update(lookup, count);
  expect(link.info().programId).toBe(lookup.info().id);
  const error = failure(() => {
    link.update(count, count);
  });
  expect(error.message).toBe(
    `link xdp of v0 in ${netns}: update to program xdp_count: EPERM: expected program xdp_count to be attached`,
  );
  link.update(count);
  expect(link.info().programId).toBe(count.info().id);
  link.detach();
  expect(queryXdp({ interface: 'v0', netns })).toBe(0);
  expect(link.info().ifindex).toBe(0);
});

test('pinned links, programs and maps outlive their handles and can be adopted', () => {
  const netns = namespace();
  const directory = bpffs();
  const path = (name: string): string => join(directory, 'node/hv1', name);
  const object = load('test/maps');
  const link = attachXdp(object.program('xdp_count'), { interface: 'v0', netns });
  link.pin(path('link'));
  object.program('xdp_count').pin(path('program'));
  object.map('totals').pin(path('totals'));
  const { id } = object.program('xdp_count').info();
  const mapId = object.map('totals').info.id;
  expect(
    failure(() => {
      link.pin(path('link'));
    }).errnoName,
  ).toBe('EEXIST');
  link.close();
  object.close();
  expect(queryXdp({ interface: 'v0', netns })).toBe(id);
  const adopted = closing(BpfLink.openPinned(path('link')));
  expect(adopted.info()).toMatchObject({ type: 'xdp', programId: id });
  expect(closing(BpfProgram.openPinned(path('program'))).info().id).toBe(id);
  expect(closing(BpfMap.openPinned(path('totals'))).info.id).toBe(mapId);
  expect(failure(() => BpfLink.openPinned(path('totals'))).errnoName).toBe('EINVAL');
  expect(failure(() => BpfMap.openPinned(path('link'))).errnoName).toBe('EINVAL');
  expect(failure(() => BpfMap.openPinned(path('nothing'))).message).toBe(
    `map pinned at ${path('nothing')}: open: ENOENT`,
  );
  unpin(path('link'));
  unpin(path('link'));
  expect(queryXdp({ interface: 'v0', netns })).toBe(id);
  adopted.close();
  expect(queryXdp({ interface: 'v0', netns })).toBe(0);
});

test('a load adopts the map pinned under its name', () => {
  const directory = bpffs();
  const pin = join(directory, 'totals');
  const first = load('test/maps', { maps: { totals: { pin } } });
  const second = load('test/maps', { maps: { totals: { pin } } });
  expect(second.map('totals').info.id).toBe(first.map('totals').info.id);
  // Another layout under the same pin is refused, with libbpf's reason.
  const error = failure(() => load('test/maps', { maps: { totals: { pin, maxEntries: 99 } } }));
  expect(error.errnoName).toBe('EINVAL');
  expect(error.log).toContain('parameter mismatch');
});

test('a directory outside a bpffs, or on one private to this mount namespace, is refused', () => {
  const object = load('test/maps');
  expect(
    failure(() => {
      object.map('totals').pin('/tmp/not-a-bpffs/x');
    }).message,
  ).toMatch(/^pin \/tmp\/not-a-bpffs: \/tmp is not on a bpffs \(mount -t bpf bpf \/sys\/fs\/bpf\)$/);
  const directory = bpffs();
  mkdirSync(join(directory, 'deep'));
  checkBpffs(join(directory, 'deep/er/still'));
  // As `ip netns exec` does: a mount namespace of its own, and a bpffs mounted in it.
  const script = `
    import { BpfMap } from '${new URL('../../../src/libbpf/dist/index.js', import.meta.url).href}';
    const map = BpfMap.create({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 1, name: 'm' });
    try { map.pin('/mnt/m'); console.log('pinned'); } catch (error) { console.log(error.code, error.message); }`;
  const said = run(
    undefined,
    'unshare',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    'mount -t bpf bpf /mnt && node --input-type=module -e "$0"',
    script,
  );
  expect(said.trim()).toBe(
    'LIBBPF_PIN pin /mnt: the bpffs /mnt is private to this mount namespace and would vanish with it (ip netns exec?)',
  );
});

test('an lwt program is loaded, pinned, and attached by iproute2', () => {
  const netns = namespace();
  const directory = bpffs();
  const object = load('test/maps');
  object.program('lwt_pass').pin(join(directory, 'lwt'));
  expect(object.program('lwt_pass').info().type).toBe('lwt_xmit');
  run(netns, 'ip', 'address', 'add', '10.98.0.1/24', 'dev', 'v0');
  run(
    netns,
    'ip',
    'route',
    'add',
    '10.97.0.0/24',
    'encap',
    'bpf',
    'xmit',
    'pinned',
    join(directory, 'lwt'),
    'dev',
    'v0',
  );
  run(netns, 'bash', '-c', 'echo x >/dev/udp/10.97.0.2/9');
  const totals = object.map('totals');
  const packets = totals
    .cpuValues(totals.lookup(u32(2)) ?? Buffer.alloc(0))
    .reduce((sum, value) => sum + value.readBigUInt64LE(0), 0n);
  expect(packets).toBeGreaterThanOrEqual(1n);
});
