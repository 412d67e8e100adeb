import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MapSnapshot, wordsOf } from '../../../src/ebpf/snapshot.js';
import { BpfMap } from 'libbpf-ts';

/** Few different words, so that keys are alike and absent ones are nearly there. */
const word = fc.constantFrom(0, 1, 2, 3, 0x100, 0xffff_ffff);
const pair = fc.tuple(fc.tuple(word, word), fc.nat(0xffff_ffff));

function keyOf([first, second]: readonly [number, number]): Buffer {
  const key = Buffer.alloc(8);
  key.writeUInt32LE(first);
  key.writeUInt32LE(second, 4);
  return key;
}

function valueOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

test('finds present and missing keys, differing values and unplanned keys', async () => {
  const check = async (entries: [[number, number], number][], asked: [number, number][]): Promise<void> => {
    const map = BpfMap.create({ type: 'hash', keySize: 8, valueSize: 4, maxEntries: 64 });
    try {
      const model = new Map(entries.map(([key, value]) => [keyOf(key).toString('hex'), value]));
      for (const [key, value] of entries) map.update(keyOf(key), valueOf(value));
      const snapshot = await MapSnapshot.of(map);
      expect(snapshot.size).toBe(model.size);
      const left = new Set(model.keys());
      for (const key of asked.map(keyOf)) {
        const text = key.toString('hex');
        const value = model.get(text);
        const entry = snapshot.find(wordsOf(key));
        expect(entry >= 0).toBe(value !== undefined);
        left.delete(text);
        if (value === undefined) continue;
        expect(snapshot.hasValue(entry, wordsOf(valueOf(value)))).toBe(true);
        expect(snapshot.hasValue(entry, wordsOf(valueOf((value + 1) >>> 0)))).toBe(false);
      }
      const unasked = [...snapshot.unasked()].map((entry) => {
        const { keys, keyAt, values, valueAt } = snapshot.bytes(entry);
        const text = keys.toString('hex', keyAt, keyAt + 8);
        expect(values.readUInt32LE(valueAt)).toBe(model.get(text));
        return text;
      });
      expect(unasked.sort()).toEqual([...left].sort());
    } finally {
      map.close();
    }
  };
  const entries = fc.array(pair, { maxLength: 36 });
  const asked = fc.array(fc.tuple(word, word), { maxLength: 40 });
  await fc.assert(fc.asyncProperty(entries, asked, check), { numRuns: 200 });
});

test('grows with the map', async () => {
  const entries = 150_000;
  const map = BpfMap.create({ type: 'hash', keySize: 8, valueSize: 4, maxEntries: entries });
  try {
    const keys = Buffer.alloc(entries * 8);
    const values = Buffer.alloc(entries * 4);
    for (let entry = 0; entry < entries; entry++) {
      keys.writeUInt32LE(entry, entry * 8);
      values.writeUInt32LE(entry ^ 0x5555, entry * 4);
    }
    map.updateBatch(keys, values);
    const snapshot = await MapSnapshot.of(map);
    expect(snapshot.size).toBe(entries);
    let right = 0;
    for (let entry = 0; entry < entries; entry++) {
      const found = snapshot.find(wordsOf(keyOf([entry, 0])));
      if (found >= 0 && snapshot.hasValue(found, wordsOf(valueOf(entry ^ 0x5555)))) right += 1;
    }
    expect(right).toBe(entries);
    expect([...snapshot.unasked()]).toEqual([]);
  } finally {
    map.close();
  }
});

test('refuses keys that are not whole words', async () => {
  const map = BpfMap.create({ type: 'hash', keySize: 6, valueSize: 4, maxEntries: 1, name: 'odd' });
  await expect(MapSnapshot.of(map)).rejects.toThrow('keys of 6 bytes, values of 4: expected whole words');
  map.close();
});
