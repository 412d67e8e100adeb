/** Nanoseconds a packet that a program costs, by BPF_PROG_TEST_RUN, with the run of an empty program in the same round subtracted. */
import { BpfObject, type BpfProgram, TestRun } from 'libbpf-ts';
import { EndpointKey, PrefixKey } from '../../test/kernel/libbpf/generated/maps.js';
import { type Effort, type Row, row, times } from './rows.js';

const REPEAT = 200_000;
const FRAME_BYTES = 64;

export interface ProgramSubject {
  name: string;
  program: BpfProgram;
  data: Uint8Array;
  /** what it must return: a program that takes another way measures that */
  verdict: number;
}

/**
 * Cost of programs beyond that of an empty one, ns a packet. A program must leave the packet as it found it (undo in a wrapper): each run of a
 * test run starts with what the last one left.
 */
function measurePrograms(empty: BpfProgram, subjects: readonly ProgramSubject[], effort: Effort): Row[] {
  const repeat = times(REPEAT, effort);
  const blank = new TestRun(empty, { data: Buffer.alloc(FRAME_BYTES), repeat });
  const runs = subjects.map((subject) => ({
    ...subject,
    run: new TestRun(subject.program, { data: subject.data, repeat }),
  }));
  const costs = subjects.map((): number[] => []);
  const blanks: number[] = [];
  for (let round = -1; round < effort.rounds; round++) {
    const base = blank.run().duration;
    if (round >= 0) blanks.push(base);
    for (const [index, { name, run, verdict }] of runs.entries()) {
      const result = run.run();
      if (result.verdict !== verdict) throw new Error(`${name}: verdict ${result.verdict}, expected ${verdict}`);
      if (round >= 0) costs[index]?.push(result.duration - base);
    }
  }
  return [
    row('an empty program (subtracted below)', 'ns/packet', blanks),
    ...subjects.map(({ name }, index) => row(name, 'ns/packet', costs[index] ?? [])),
  ];
}

const XDP_PASS = 2;

/** Steps of a fast path, each for itself. */
export function measureSteps(objectPath: string, effort: Effort): Row[] {
  const entries = times(100_000, effort);
  const object = BpfObject.load(objectPath);
  try {
    const key = Buffer.alloc(FRAME_BYTES);
    const prefix = Buffer.alloc(FRAME_BYTES);
    fill(object, entries, key, prefix);
    const any = Buffer.alloc(FRAME_BYTES);
    const subject = (name: string, program: string, data: Buffer): ProgramSubject => ({
      name,
      program: object.program(program),
      data,
      verdict: XDP_PASS,
    });
    return measurePrograms(
      object.program('xdp_empty'),
      [
        subject('a counter in a per-CPU array', 'xdp_counter', any),
        subject(`a hash lookup of 20 bytes among ${entries}`, 'xdp_hash', key),
        subject(`an LPM lookup of /128 among ${entries}`, 'xdp_lpm', prefix),
        subject('40 bytes pushed and popped', 'xdp_push_pop', any),
      ],
      effort,
    );
  } finally {
    object.close();
  }
}

/** Fills both maps; leaves the key in the middle in the frames. */
function fill(object: BpfObject, entries: number, key: Buffer, prefix: Buffer): void {
  const [endpoints, prefixes] = [object.map('endpoints'), object.map('prefixes')];
  const [keys, trie] = [Buffer.alloc(entries * EndpointKey.SIZE), Buffer.alloc(entries * PrefixKey.SIZE)];
  const address = Buffer.alloc(16, 0xfd);
  for (let index = 0; index < entries; index++) {
    // Spread as addresses of many tenants are, not one after the other.
    address.writeUInt32BE(Math.imul(index, 2_654_435_761) >>> 0, 12);
    EndpointKey.encode(keys, index * EndpointKey.SIZE, { tenant: index % 100, address });
    PrefixKey.encode(trie, index * PrefixKey.SIZE, { prefixLen: 32 + 128, tenant: index % 100, address });
  }
  endpoints.updateBatch(keys, Buffer.alloc(entries * endpoints.valueSize));
  prefixes.updateBatch(trie, Buffer.alloc(entries * prefixes.valueSize));
  const middle = entries >> 1;
  keys.copy(key, 0, middle * EndpointKey.SIZE, (middle + 1) * EndpointKey.SIZE);
  trie.copy(prefix, 0, middle * PrefixKey.SIZE, (middle + 1) * PrefixKey.SIZE);
}
