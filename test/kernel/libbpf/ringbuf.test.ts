/** Ring buffers through the event loop, with real programs as producers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type BpfObject, RingBuffer, type RingBufferOptions } from '../../../src/libbpf/index.js';
import { Event, EventKind } from './generated/maps.js';
import { failure, load, ROOT } from './harness.js';

const RING_BYTES = 64 * 1024;
/** a record of struct event with its header */
const RECORD_BYTES = Event.SIZE + 8;

interface Ring {
  object: BpfObject;
  ring: RingBuffer;
  records: Event[];
  /** makes records, each with its frame's length; those the buffer has no room for are dropped */
  produce: (count: number, bytes?: number) => void;
}

function setUp(options: RingBufferOptions = {}, onRecord?: (event: Event) => void): Ring {
  const object = load('test/maps', { maps: { events: { maxEntries: RING_BYTES } } });
  const records: Event[] = [];
  const handler = onRecord ?? ((event: Event) => void records.push(event));
  const ring = new RingBuffer(
    object.map('events'),
    (record) => {
      handler(Event.decode(record, 0));
    },
    options,
  );
  onTestFinished(() => {
    ring.close();
  });
  const program = object.program('xdp_events');
  const produce = (count: number, bytes = 64): void => {
    program.testRun({ data: Buffer.alloc(bytes), repeat: count });
  };
  return { object, ring, records, produce };
}

test('records arrive on the event loop in order, and reading frees their space', async () => {
  const { ring, records, produce } = setUp();
  ring.start();
  for (let round = 0; round < 20; round++) {
    produce(1000, 100 + round);
    await expect.poll(() => records.length, { timeout: 60_000 }).toBe(1000 * (round + 1));
  }
  expect(records.map(({ bytes }) => bytes)).toEqual(
    Array.from({ length: 20_000 }, (_, n) => 100 + Math.floor(n / 1000)),
  );
  expect(records.every(({ kind }) => kind === EventKind.EVENT_TEST)).toBe(true);
  // 640 kB through a buffer of 64: it went round ten times.
  expect(ring.available).toBe(0);
});

test('a full buffer drops new records and retains old ones', () => {
  const { ring, records, produce } = setUp();
  produce(10_000);
  const fits = Math.floor((RING_BYTES - 1) / RECORD_BYTES);
  expect(ring.available).toBe(fits * RECORD_BYTES);
  expect(ring.consume()).toBe(fits);
  expect(records.length).toBe(fits);
  expect(ring.consume()).toBe(0);
  produce(5);
  expect(ring.consume()).toBe(5);
});

test('consume(n) stops after n records, and the next call continues', () => {
  const { ring, records, produce } = setUp();
  produce(100);
  expect(ring.consume(30)).toBe(30);
  expect(ring.available).toBe(70 * RECORD_BYTES);
  expect(ring.consume(0)).toBe(0);
  expect(ring.consume()).toBe(70);
  expect(records.length).toBe(100);
});

test('each record of another process arrives once and in order, without discarded ones', async () => {
  const { object, ring, records } = setUp();
  ring.start();
  const script = `
    import { BpfProgram } from 'libbpf-ts';
    const program = BpfProgram.openById(${object.program('xdp_sequence').info().id});
    const until = Date.now() + 1000;
    while (Date.now() < until) program.testRun({ data: Buffer.alloc(64), repeat: 500 });`;
  const child = spawn('node', ['--input-type=module', '-e', script], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
  await expect.poll(() => ring.available, { timeout: 60_000 }).toBe(0);
  // 0 1 3 4 6 7 …: what found no room was not numbered.
  const expected = Array.from(records, (_, index) => index + Math.floor(index / 2));
  expect(records.map(({ bytes }) => bytes)).toEqual(expected);
  expect(records.length).toBeGreaterThan(1000);
});

test('promises of a handler resolve at once, without another event', async () => {
  const order: string[] = [];
  let done: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    done = resolve;
  });
  const { ring, produce } = setUp({}, () => {
    void Promise.resolve().then(() => {
      order.push('then');
      done();
    });
  });
  ring.start();
  produce(1);
  await finished;
  expect(order).toEqual(['then']);
});

test("a handler's exception reaches onError, its record counts as read, and later ones still arrive", async () => {
  const errors: unknown[] = [];
  let calls = 0;
  const { ring, produce } = setUp({ onError: (error) => void errors.push(error) }, () => {
    if (++calls === 2) throw new Error('no');
  });
  ring.start();
  produce(5);
  await expect.poll(() => calls, { timeout: 60_000 }).toBe(5);
  expect(errors.map(String)).toEqual(['Error: no']);
  expect(() => {
    produce(1);
    calls = 1;
    ring.consume();
  }).toThrow('no');
  expect(ring.available).toBe(0);
});

test('stop() pauses at the current record, and calls after close() are refused', async () => {
  const { object, ring, records, produce } = setUp();
  ring.start();
  ring.stop();
  produce(3);
  await sleep(30);
  expect(records.length).toBe(0);
  ring.start();
  await expect.poll(() => records.length, { timeout: 60_000 }).toBe(3);
  ring.close();
  ring.close();
  expect(failure(() => ring.consume()).message).toBe('ring buffer of map events: consume: it was closed');
  expect(failure(() => ring.start()).code).toBe('LIBBPF_CLOSED');
  // Another reader goes on where this one ended.
  produce(2);
  const next = new RingBuffer(object.map('events'), () => undefined);
  onTestFinished(() => {
    next.close();
  });
  expect(next.consume()).toBe(2);
});

test('close() in the handler ends the read', () => {
  let calls = 0;
  const { object, ring, produce } = setUp({}, () => {
    calls++;
    ring.close();
  });
  produce(10);
  expect(ring.consume()).toBe(1);
  expect(calls).toBe(1);
  const next = new RingBuffer(object.map('events'), () => undefined);
  onTestFinished(() => {
    next.close();
  });
  expect(next.consume()).toBe(9);
});

test('a record kept by the handler stays unchanged and outlives the map', () => {
  const object = load('test/maps');
  const kept: Buffer[] = [];
  const ring = new RingBuffer(object.map('events'), (record) => kept.push(record));
  object.program('xdp_events').testRun({ data: Buffer.alloc(77) });
  ring.consume();
  ring.close();
  object.close();
  expect(kept[0]?.readUInt32LE(Event.OFFSETS.bytes)).toBe(77);
});

test('other map types are refused', () => {
  const object = load('test/maps');
  expect(failure(() => new RingBuffer(object.map('endpoints'), () => undefined)).message).toBe(
    'map endpoints: read as ring buffer: it is a hash',
  );
});
