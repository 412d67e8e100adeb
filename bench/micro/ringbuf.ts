/** Ring buffer records a second: read here, and through the callback of libbpf's own reader. */
import { BpfObject, RingBuffer } from 'libbpf-ts';
import { readByCallback } from './libbpf-reader.js';
import { type Effort, elapsed, measure, type Row, times } from './rows.js';

const RING_BYTES = 1 << 21;
/** of 32 bytes with their header: they fit */
const RECORDS = 50_000;

export function measureRingBuffer(objectPath: string, effort: Effort): Row[] {
  const count = times(RECORDS, effort);
  // counting: false is BPF_RB_NO_WAKEUP here, so that reading alone is measured.
  const object = BpfObject.load(objectPath, {
    rodata: { counting: false },
    maps: { events: { maxEntries: RING_BYTES } },
  });
  const map = object.map('events');
  const program = object.program('xdp_events');
  let read = 0;
  let bytes = 0;
  const onRecord = (record: Buffer): void => {
    read++;
    bytes += record.readUInt32LE(4);
  };
  const ring = new RingBuffer(map, onRecord, { reuse: true });
  const rate = (fn: () => void) => () => {
    program.testRun({ data: Buffer.alloc(64), repeat: count });
    read = bytes = 0;
    const time = elapsed(fn);
    if (read !== count || bytes !== 64 * count)
      throw new Error(`read ${read} records of ${bytes} bytes, expected ${count}`);
    return (count * 1e9) / time;
  };
  const callback = readByCallback(map, (record) => {
    read++;
    bytes += record.readUInt32LE(4);
  });
  try {
    // A reader of each kind takes the position from the map: they must not share it in one round.
    const own = {
      name: 'ring buffer: mapped and read in TypeScript',
      unit: 'events/s',
      run: rate(() => ring.consume()),
    };
    const libbpf = {
      name: "ring buffer: libbpf's reader, a callback each",
      unit: 'events/s',
      run: rate(() => callback.consume()),
    };
    return [...measure([own], effort), ...measure([libbpf], effort)];
  } finally {
    callback.close();
    ring.close();
    object.close();
  }
}
