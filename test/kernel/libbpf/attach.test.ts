/** Attachments without an interface, and test runs of programs that take no packet. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, closeSync, rmdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { attachCgroup, attachNetns, BpfLink, BpfProgram, listIds, probe, unpin } from '../../../src/libbpf/index.js';
import { bpffs, failure, load, namespace, run } from './harness.js';

/** A cgroup of the test's own in the machine's cgroup2. */
function cgroup(): string {
  const root = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) => existsSync(join(path, 'cgroup.procs')));
  if (root === undefined) throw new Error('expected a cgroup2 file system');
  const path = join(root, `libbpf-test-${process.pid}`);
  mkdirSync(path);
  onTestFinished(() => {
    rmdirSync(path);
  });
  return path;
}

test('attach() follows the section: a raw tracepoint sees system calls until its link is closed', () => {
  const object = load('test/attach', { variables: { step: 3 } });
  const runs = (): bigint => object.variables.get('runs') as bigint;
  expect(runs()).toBe(0n);
  const link = object.program('on_syscall').attach();
  expect(link.info().type).toBe('raw_tracepoint');
  spawnSync('true');
  const seen = runs();
  expect(seen).toBeGreaterThan(0n);
  expect(seen % 3n).toBe(0n);
  const { id } = link.info();
  link.close();
  expect(listIds('link')).not.toContain(id);
  const after = runs();
  spawnSync('true');
  expect(runs()).toBe(after);
});

test('a pinned attachment outlives its handle', async () => {
  const object = load('test/attach');
  const path = join(bpffs(), 'links', 'sys_enter');
  const link = object.program('on_syscall').attach();
  link.pin(path);
  const { id } = link.info();
  link.close();
  const again = BpfLink.openPinned(path);
  expect(again.info().id).toBe(id);
  again.close();
  expect(listIds('link')).toContain(id);
  unpin(path);
  // The kernel evicts the inode, and the link with it, after a grace period of RCU.
  await expect.poll(() => listIds('link'), { timeout: 60_000 }).not.toContain(id);
});

test('attach() refuses a section without a target, and a program without an object', () => {
  const object = load('test/attach');
  const unspecific = failure(() => object.program('pass').attach());
  expect(unspecific.message).toMatch(/^object attach: program pass: attach: (EOPNOTSUPP|ESRCH|EINVAL)/);
  const byId = BpfProgram.openById(object.program('pass').info().id);
  onTestFinished(() => {
    byId.close();
  });
  expect(failure(() => byId.attach()).message).toBe(
    'program pass: attach: it did not come from an object: its section is not known',
  );
  const program = object.program('on_syscall').clone();
  onTestFinished(() => {
    program.close();
  });
  object.close();
  expect(failure(() => program.attach()).code).toBe('LIBBPF_CLOSED');
});

test('cgroup programs count packets and refuse connections of its processes', async () => {
  const object = load('test/attach');
  const path = cgroup();
  const server = createServer((socket) => socket.end());
  onTestFinished(() => {
    server.close();
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  /** Exit code of a shell in the cgroup that opens a connection. */
  const inside = (): number | null =>
    spawnSync('bash', ['-c', `echo $$ > ${path}/cgroup.procs && exec 3<>/dev/tcp/127.0.0.1/${port}`]).status;
  const egress = attachCgroup(object.program('cgroup_egress'), { cgroup: path });
  expect(egress.info().type).toBe('cgroup');
  expect(inside()).toBe(0);
  expect(object.variables.get('runs')).toBeGreaterThan(0n);
  const refusing = attachCgroup(object.program('cgroup_connect'), { cgroup: path, type: 'cgroup_inet4_connect' });
  expect(inside()).not.toBe(0);
  // Others are not in it.
  await new Promise<void>((resolve, reject) => {
    connect(port, '127.0.0.1').on('connect', resolve).on('error', reject).resume();
  });
  refusing.close();
  expect(inside()).toBe(0);
  egress.close();
  const absent = failure(() => attachCgroup(object.program('cgroup_egress'), { cgroup: '/sys/fs/cgroup/absent' }));
  expect(absent.message).toContain('program cgroup_egress: attach to cgroup /sys/fs/cgroup/absent: open');
  expect(absent.errnoName).toBe('ENOENT');
  expect(
    failure(() => attachCgroup(object.program('cgroup_egress'), { cgroup: path, type: 'ingress' as never })).code,
  ).toBe('LIBBPF_ARGUMENT');
});

test('sk_lookup attaches to a namespace by name and by descriptor', () => {
  const netns = namespace();
  const object = load('test/attach');
  const program = object.program('lookup_socket');
  const connectInside = (): void => {
    run(netns, 'bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/9 || true');
  };
  const byName = attachNetns(program, { netns });
  expect(byName.info().type).toBe('netns');
  connectInside();
  const seen = object.variables.get('runs') as bigint;
  expect(seen).toBeGreaterThan(0n);
  byName.close();
  const fd = openSync(`/run/netns/${netns}`, 'r');
  const byDescriptor = attachNetns(program, { netns: fd });
  closeSync(fd);
  connectInside();
  expect(object.variables.get('runs')).toBeGreaterThan(seen);
  byDescriptor.close();
});

test('test runs of raw_tp and syscall programs need no repeat', () => {
  const object = load('test/attach', { variables: { preset: 100 } });
  const args = Buffer.alloc(16);
  args.writeBigUInt64LE(59n, 8);
  expect(object.program('on_syscall').testRun({ context: args }).verdict).toBe(0);
  expect(object.variables.get('last')).toEqual({ first: 59, second: 2n });
  const request = Buffer.alloc(16);
  request.writeBigUInt64LE(21n);
  object.program('answer').testRun({ context: request });
  // 21 * 2 + preset + deltas[0]
  expect(request.readBigUInt64LE(8)).toBe(141n);
  expect(failure(() => object.program('answer').testRun({ context: request, repeat: 2 })).errnoName).toBe('EINVAL');
});

test('probes know cgroup_sock_addr, cgroup_sockopt and reuseport_sockarray', () => {
  expect(probe.programType('cgroup_sock_addr')).toBe(true);
  expect(probe.programType('cgroup_sockopt')).toBe(true);
  expect(probe.mapType('reuseport_sockarray')).toBe(true);
});
