/** Test runs, live frames, and the kernel's information about a program. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import {
  attachXdp,
  Btf,
  BpfProgram,
  enableRunTimeStatistics,
  TCX_ACTIONS,
  TestRun,
  XDP_ACTIONS,
} from '../../../src/libbpf/index.js';
import { LINK_INFO, MAP_INFO, PROG_INFO } from '../../../src/libbpf/structs.js';
import { inNetns } from '../../../src/netlink/netns.js';
import { failure, ifindex, load, namespace, u32 } from './harness.js';

const FRAME = Buffer.alloc(64, 7);

test('a test run returns the verdict, the packet and the time of one run', () => {
  const object = load('test/maps', { rodata: { verdict: XDP_ACTIONS.tx } });
  const result = object.program('xdp_count').testRun({ data: FRAME, repeat: 1000 });
  expect(result.verdict).toBe(XDP_ACTIONS.tx);
  expect(result.data).toEqual(FRAME);
  expect(result.duration).toBeGreaterThan(0);
  expect(object.program('tc_count').testRun({ data: FRAME }).verdict).toBe(TCX_ACTIONS.next);
});

test('a test run takes a context and returns it', () => {
  const object = load('test/maps', { rodata: { verdict: 0x1234 } });
  // struct __sk_buff: mark is its third field
  const context = Buffer.alloc(192);
  const { context: after } = object.program('tc_mark').testRun({ data: FRAME, context, contextOut: Buffer.alloc(192) });
  expect(after.readUInt32LE(8)).toBe(0x1234);
});

test('a prepared run can be repeated', () => {
  const object = load('test/maps');
  const run = new TestRun(object.program('xdp_count'), { data: FRAME });
  for (let times = 0; times < 100; times++) expect(run.run().verdict).toBe(XDP_ACTIONS.pass);
  const totals = object.map('totals');
  const packets = totals.cpuValues(totals.lookup(u32(0)) ?? Buffer.alloc(0)).map((value) => value.readBigUInt64LE(0));
  expect(packets.reduce((a, b) => a + b)).toBe(100n);
});

test('a test run refuses wrong sizes and invalid arguments', () => {
  const program = load('test/maps').program('xdp_count');
  expect(failure(() => program.testRun({ data: FRAME, dataOut: Buffer.alloc(10) })).message).toBe(
    'program xdp_count: test run: ENOSPC: the packet afterwards is 64 bytes, dataOut 10',
  );
  expect(failure(() => program.testRun({ data: Buffer.alloc(3) })).errnoName).toBe('EINVAL');
  expect(failure(() => program.testRun({ data: FRAME, repeat: -1 })).code).toBe('LIBBPF_ARGUMENT');
  expect(failure(() => program.testRun({ data: FRAME, repeat: 2 ** 31 })).code).toBe('LIBBPF_ARGUMENT');
});

test('live frames are transmitted: the peer counts each', async () => {
  const netns = namespace();
  const [sender, receiver] = [load('test/maps'), load('test/maps', { rodata: { verdict: XDP_ACTIONS.drop } })];
  // An XDP program at the peer turns NAPI on: without it the frames would be dropped.
  const link = attachXdp(receiver.program('xdp_count'), { interface: 'v1', netns, mode: 'native' });
  onTestFinished(() => {
    link.close();
  });
  inNetns(netns, () => {
    sender.map('ports').update(u32(0), u32(ifindex(netns, 'v0'), 0));
  });
  const frames = 1000;
  // The default batch; the context's ingress interface counts in the namespace.
  const context = Buffer.alloc(24);
  context.writeUInt32LE(64, 4);
  context.writeUInt32LE(ifindex(netns, 'v0'), 12);
  const totals = receiver.map('totals');
  const received = (): bigint =>
    totals
      .cpuValues(totals.lookup(u32(0)) ?? Buffer.alloc(0))
      .reduce((sum, value) => sum + value.readBigUInt64LE(0), 0n);
  // Of a run that was cut short some frames have left: another one is counted then.
  let [before, isCut] = [0n, true];
  while (isCut) {
    isCut = false;
    before = await settled(received);
    const reset = (): void => {
      isCut = true;
    };
    sender
      .program('xdp_redirect')
      .testRun({ data: FRAME, context, repeat: frames, liveFrames: true, batchSize: 32, netns, reset });
  }
  return expect.poll(() => received() - before, { timeout: 60_000 }).toBe(BigInt(frames));
});

/** A counter once it stands still. */
async function settled(read: () => bigint): Promise<bigint> {
  for (let last = read(); ;) {
    await sleep(50);
    const now = read();
    if (now === last) return now;
    last = now;
  }
}

test('a run that a signal interrupts is reset and repeated', () => {
  const ignore = (): void => undefined;
  process.on('SIGWINCH', ignore);
  const script = `while kill -WINCH ${process.pid}; do sleep 0.005; done`;
  const signals = spawn('bash', ['-c', script], { stdio: 'ignore' });
  onTestFinished(() => {
    signals.kill();
    process.off('SIGWINCH', ignore);
  });
  const program = load('test/maps').program('xdp_count');
  let resets = 0;
  const reset = (): void => {
    resets++;
    signals.kill();
  };
  while (resets === 0) program.testRun({ data: FRAME, repeat: 1_000_000, reset });
  expect(program.testRun({ data: FRAME }).verdict).toBe(XDP_ACTIONS.pass);
});

test("info() returns the kernel's data on a program, with run statistics", () => {
  const object = load('test/maps');
  const program = object.program('xdp_count');
  const info = program.info();
  expect(info).toMatchObject({ type: 'xdp', name: 'xdp_count', runCount: 0n, runTime: 0n });
  expect(info.tag).toMatch(/^[0-9a-f]{16}$/);
  expect(info.verifiedInstructions).toBeGreaterThan(10);
  expect(info.xlatedBytes % 8).toBe(0);
  expect(info.mapIds).toContain(object.map('totals').info.id);
  const statistics = enableRunTimeStatistics();
  program.testRun({ data: FRAME, repeat: 10 });
  statistics[Symbol.dispose]();
  const { runCount, runTime } = program.info();
  expect(runTime).toBeGreaterThanOrEqual(0n);
  expect(runCount).toBeGreaterThanOrEqual(0n);
  const byId = BpfProgram.openById(info.id);
  onTestFinished(() => {
    byId.close();
  });
  expect(byId.info().tag).toBe(info.tag);
});

test('run statistics count packets', () => {
  const netns = namespace();
  const object = load('test/maps', { rodata: { verdict: XDP_ACTIONS.drop } });
  const [program, sender] = [object.program('xdp_count'), load('test/maps')];
  const link = attachXdp(program, { interface: 'v1', netns, mode: 'native' });
  onTestFinished(() => {
    link.close();
  });
  inNetns(netns, () => {
    sender.map('ports').update(u32(0), u32(ifindex(netns, 'v0'), 0));
  });
  const statistics = enableRunTimeStatistics();
  onTestFinished(() => {
    statistics[Symbol.dispose]();
  });
  sender.program('xdp_redirect').testRun({ data: FRAME, repeat: 100, liveFrames: true, netns });
  return expect.poll(() => program.info().runCount, { timeout: 60_000 }).toBeGreaterThanOrEqual(100n);
});

test('info structs have the offsets of the running kernel', () => {
  const btf = new Btf(readFileSync('/sys/kernel/btf/vmlinux'));
  const offsets = (struct: string): Map<string, number> => {
    const type = btf.type(btf.find('struct', struct) ?? 0);
    if (type.kind !== 'struct') throw new Error(`struct ${struct} is not in the kernel's BTF`);
    return new Map(type.members.map((member) => [member.name, member.bitOffset / 8]));
  };
  for (const [struct, ours] of [
    ['bpf_map_info', MAP_INFO],
    ['bpf_prog_info', PROG_INFO],
  ] as const) {
    const kernel = offsets(struct);
    const { size, ...fields } = ours;
    expect(Object.fromEntries(Object.keys(fields).map((name) => [name, kernel.get(name)]))).toEqual(fields);
    expect(size).toBeGreaterThanOrEqual(Math.max(...Object.values(fields)) + 4);
  }
  const link = offsets('bpf_link_info');
  expect([link.get('type'), link.get('id'), link.get('prog_id'), link.get('')]).toEqual([
    LINK_INFO.type,
    LINK_INFO.id,
    LINK_INFO.prog_id,
    LINK_INFO.ifindex,
  ]);
});
