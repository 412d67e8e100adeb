/** Map entries a second, one by one and in batches. */
import { BpfMap, type MapOptions } from 'libbpf-ts';
import { type Effort, measure, perSecond, type Row, type Subject, times } from './rows.js';

const ENTRIES = 100_000;
const VALUE_BYTES = 64;

const KINDS = [
  { type: 'hash', keySize: 16 },
  { type: 'lpm_trie', keySize: 20, flags: 1 },
  { type: 'array', keySize: 4 },
] as const satisfies Partial<MapOptions>[];

function subjects(map: BpfMap, count: number): Subject[] {
  const { keySize, valueSize } = map;
  const keys = Buffer.alloc(count * keySize);
  const values = Buffer.alloc(count * valueSize);
  const lpm = map.info.type === 'lpm_trie';
  for (let index = 0; index < count; index++) {
    if (lpm) keys.writeUInt32LE(128, index * keySize);
    keys.writeUInt32LE(index, (index + 1) * keySize - 4);
  }
  const into = Buffer.alloc(valueSize);
  const key = Buffer.alloc(keySize);
  const value = Buffer.alloc(valueSize);
  const name = (what: string): string => `${map.info.type}: ${what}`;
  const oneByOne = (fn: () => void) => () => {
    for (let index = 0; index < count; index++) {
      keys.copy(key, 0, index * keySize, (index + 1) * keySize);
      fn();
    }
  };
  return [
    perSecond(
      name('update, one by one'),
      'entries',
      count,
      oneByOne(() => {
        map.update(key, value);
      }),
    ),
    perSecond(name('update, batches'), 'entries', count, () => {
      map.updateBatch(keys, values);
    }),
    perSecond(
      name('lookup, one by one'),
      'entries',
      count,
      oneByOne(() => {
        map.lookup(key, into);
      }),
    ),
    perSecond(name('read, batches'), 'entries', count, () => {
      let read = 0;
      for (const batch of map.readBatches()) read += batch.count;
      if (read !== count) throw new Error(`${map.label}: read ${read} entries, expected ${count}`);
    }),
  ];
}

export function measureMaps(effort: Effort): Row[] {
  const count = times(ENTRIES, effort);
  return KINDS.flatMap((kind) => {
    const map = BpfMap.create({ ...kind, valueSize: VALUE_BYTES, maxEntries: count, name: 'micro' });
    try {
      return measure(subjects(map, count), effort);
    } finally {
      map.close();
    }
  });
}
