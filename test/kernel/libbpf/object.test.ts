/** Objects: opening, constants, configuration before load, and error messages. */
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { BpfMap, BpfObject, listIds, RingBuffer, XDP_ACTIONS } from '../../../src/libbpf/index.js';
import { Counters, EndpointKey, Event, EventKind } from './generated/maps.js';
import { failure, load, objectPath, u32 } from './harness.js';

const FRAME = Buffer.from(`ffffffffffff0200000000aa86dd${'00'.repeat(50)}`, 'hex');

test('a file and a buffer give the same maps and programs', () => {
  const [file, memory] = [objectPath('test/maps'), readFileSync(objectPath('test/maps'))].map((source) => {
    const object = BpfObject.open(source, { name: 'same' });
    onTestFinished(() => {
      object.close();
    });
    return object;
  });
  expect(file?.programNames).toContain('xdp_count');
  expect(file?.mapNames).toEqual(
    expect.arrayContaining(['endpoints', 'totals', 'prefixes', 'events', 'calls', 'ports', 'tables']),
  );
  expect(memory?.programNames).toEqual(file?.programNames);
  expect(memory?.mapNames).toEqual(file?.mapNames);
  expect(memory?.name).toBe('same');
  expect(file?.sectionOf('tc_count')).toBe('tc');
});

test('programs see the constants set before load', () => {
  const object = load('test/maps', {
    rodata: {
      verdict: XDP_ACTIONS.tx,
      increment: 2n ** 40n,
      counting: true,
      offset_bytes: -7,
      only: (() => {
        const key = Buffer.alloc(EndpointKey.SIZE);
        EndpointKey.encode(key, 0, { tenant: 0xabcdef, address: Buffer.alloc(16) });
        return key;
      })(),
    },
  });
  expect(object.program('xdp_count').testRun({ data: FRAME }).verdict).toBe(XDP_ACTIONS.tx);
  const totals = object.map('totals');
  const value = totals.lookup(u32(0));
  const sum = totals.cpuValues(value ?? Buffer.alloc(0)).map((bytes) => Counters.decode(bytes, 0));
  expect(sum.reduce((all, { packets }) => all + packets, 0n)).toBe(2n ** 40n);
  expect(sum.reduce((all, { bytes }) => all + bytes, 0n)).toBe(BigInt(FRAME.length));
  const events: Event[] = [];
  const ring = new RingBuffer(object.map('events'), (record) => events.push(Event.decode(record, 0)));
  onTestFinished(() => {
    ring.close();
  });
  ring.consume();
  expect(events).toEqual([
    {
      kind: EventKind.EVENT_FRAME,
      bytes: FRAME.length,
      ethertype: 0x86dd,
      source: Buffer.from('0200000000aa', 'hex'),
      tenant: 0xabcdef,
      padding: 0xfffffff9,
    },
  ]);
});

test('a missing constant, or one of the wrong type, is refused by name', () => {
  const object = BpfObject.open(objectPath('test/maps'));
  onTestFinished(() => {
    object.close();
  });
  const refused = (values: Parameters<BpfObject['setRodata']>[0]): string => {
    const error = failure(() => {
      object.setRodata(values);
    });
    return `${error.code} ${error.message}`;
  };
  expect(refused({ nothing: 1 })).toMatch(
    /^LIBBPF_NAME object maps: set nothing: no such variable; there are: .*verdict.*increment/,
  );
  expect(refused({ verdict: -1 })).toBe('LIBBPF_ARGUMENT object maps: set verdict: -1: expected 0 to 4294967295');
  expect(refused({ verdict: 1.5 })).toContain('1.5: expected an integer');
  expect(refused({ increment: 2n ** 64n })).toContain('expected 0 to 18446744073709551615');
  expect(refused({ offset_bytes: -40000 })).toContain('expected -32768 to 32767');
  expect(refused({ counting: 2 })).toContain('2: expected a boolean');
  expect(refused({ only: 1 })).toContain('number for a struct endpoint_key: expected 20 bytes');
  expect(refused({ only: Buffer.alloc(19) })).toBe('LIBBPF_SIZE object maps: set only: 19 bytes, expected 20');
});

test('maps are resized or replaced by an existing map before load', () => {
  const counted = BpfMap.create({ type: 'percpu_array', keySize: 4, valueSize: 16, maxEntries: 4, name: 'shared' });
  onTestFinished(() => {
    counted.close();
  });
  const object = load('test/maps', {
    maps: { endpoints: { maxEntries: 77 }, totals: { reuse: counted }, prefixes: { maxEntries: 5 } },
  });
  expect(object.map('endpoints').info.maxEntries).toBe(77);
  expect(object.map('prefixes').info.maxEntries).toBe(5);
  expect(object.map('totals').info.id).toBe(counted.info.id);
  object.program('xdp_count').testRun({ data: FRAME });
  const packets = counted.cpuValues(counted.lookup(u32(0)) ?? Buffer.alloc(0)).map((value) => value.readBigUInt64LE(0));
  expect(packets.reduce((a, b) => a + b)).toBe(1n);
});

test('a program excluded from loading is not loaded', () => {
  const object = load('test/maps', { programs: { xdp_call: { load: false } } });
  expect(object.program('xdp_count').info().name).toBe('xdp_count');
  const error = failure(() => object.program('xdp_call'));
  expect(error.message).toContain('program xdp_call');
  expect(error.message).toContain('it was not loaded');
});

test('an unknown name lists the known ones', () => {
  const object = load('test/maps');
  expect(failure(() => object.map('endpoint')).message).toMatch(
    /^object maps: map endpoint: use: no such map; there are: .*endpoints/,
  );
  expect(failure(() => object.program('nothing')).code).toBe('LIBBPF_NAME');
});

test('calls in the wrong state, before or after load, are refused', () => {
  const object = BpfObject.open(objectPath('test/maps'));
  onTestFinished(() => {
    object.close();
  });
  expect(failure(() => object.map('endpoints')).message).toBe(
    'object maps: map endpoints: it is not loaded: call load() first',
  );
  object.load();
  const late = [
    () => {
      object.setRodata({ verdict: 1 });
    },
    () => {
      object.configureMap('endpoints', { maxEntries: 1 });
    },
    () => {
      object.load();
    },
  ];
  for (const fn of late) expect(failure(fn).code).toBe('LIBBPF_STATE');
  object.close();
  for (const fn of [...late, () => object.map('endpoints'), () => object.btf]) {
    expect(failure(fn).code).toBe('LIBBPF_CLOSED');
  }
  object.close();
});

test('a verifier error is one line, and the whole log is available', () => {
  const error = failure(() => BpfObject.load(objectPath('test/bad')));
  expect(error.code).toBe('LIBBPF_VERIFIER');
  expect(error.errnoName).toBe('EACCES');
  // The kernel names the register's state in between, each version its own way.
  expect(error.message).toMatch(
    /^object bad: program xdp_out_of_bounds: load: EACCES: invalid access to packet, off=12 size=2, R1\(.*\); R1 offset is outside of the packet \(return \*\(__u16 \*\)\(data \+ 12\) \? XDP_PASS : XDP_DROP;.*\)$/,
  );
  expect(error.message).not.toContain('\n');
  expect(error.log.split('\n').length).toBeGreaterThan(8);
  expect(error.log).toContain('BEGIN PROG LOAD LOG');
  expect(error.log).toContain('processed 2 insns');
});

test("a file that is not an object is refused with libbpf's message", () => {
  expect(failure(() => BpfObject.open('/nonexistent.o')).message).toBe(
    'object /nonexistent.o: open: ENOENT: elf: failed to open /nonexistent.o: No such file or directory',
  );
  expect(failure(() => BpfObject.open(Buffer.from('no ELF at all'), { name: 'junk' })).message).toBe(
    "object junk: open: FORMAT: elf: 'junk' is not a proper ELF object",
  );
  expect(failure(() => BpfObject.open(Buffer.alloc(0), { name: 'empty' })).code).toBe('LIBBPF_SIZE');
});

test("close() releases an object's maps and programs", async () => {
  const object = BpfObject.load(objectPath('test/maps'));
  const map = object.map('endpoints').info.id;
  const program = object.program('xdp_count').info().id;
  expect(listIds('map')).toContain(map);
  expect(listIds('program')).toContain(program);
  object.close();
  // Programs, and the maps they hold, go after a grace period.
  await expect.poll(() => listIds('program'), { timeout: 60_000 }).not.toContain(program);
  await expect.poll(() => listIds('map'), { timeout: 60_000 }).not.toContain(map);
  const links = listIds('link');
  expect(links).toEqual([...links].sort((a, b) => a - b));
});
