/** Generated codecs agree with the C compiler's layout and work on a live map. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TypedMap, U32 } from '../../../src/libbpf/index.js';
import {
  LINK_CREATE_OPTS,
  LINK_UPDATE_OPTS,
  MAP_CREATE_OPTS,
  OPEN_OPTS,
  PROG_LOAD_OPTS,
  PROG_QUERY_OPTS,
  TEST_RUN_OPTS,
} from '../../../src/libbpf/structs.js';
import { Counters, Endpoint, EndpointKey, Event, NextHop, PrefixKey } from './generated/maps.js';
import { failure, load, ROOT } from './harness.js';

const ENDPOINT: Endpoint = {
  sid: Buffer.from('fd00005e00014600006400000000000a', 'hex'),
  paths: [
    { sourceMac: Buffer.from('020000000001', 'hex'), destMac: Buffer.from('020000000002', 'hex'), ifindex: 3 },
    {
      sourceMac: Buffer.from('020000000003', 'hex'),
      destMac: Buffer.from('020000000004', 'hex'),
      ifindex: 4_000_000_000,
    },
  ],
  port: 0x1234,
  pathCount: 2,
  local: true,
  last: 2,
  weight: -5,
  flowLabel: 0x000abcde,
  packets: 2n ** 63n + 1n,
  gateway6: Buffer.alloc(16, 9),
  level: -128,
};

/** native/layouts.c prints sizes, offsets and one filled struct, as gcc sees them. */
const c = JSON.parse(execFileSync(join(ROOT, 'build/native/layouts'), { encoding: 'utf8' })) as Record<
  string,
  { size: number; offsets: Record<string, number> }
> & { filled: { hex: string } };

test.each([EndpointKey, NextHop, Endpoint, Counters, PrefixKey, Event])('$NAME has C’s size and offsets', (codec) => {
  const name = codec.NAME.slice('struct '.length);
  expect({ size: codec.SIZE, offsets: codec.OFFSETS }).toEqual(c[name]);
});

test("encode() writes C's bytes over the whole struct, whatever the buffer held", () => {
  const bytes = Buffer.alloc(Endpoint.SIZE, 0xff);
  Endpoint.encode(bytes, 0, ENDPOINT);
  expect(bytes.toString('hex')).toBe(c.filled.hex);
  expect(Endpoint.decode(Buffer.from(c.filled.hex, 'hex'), 0)).toEqual(ENDPOINT);
});

test('values survive a round trip through a live map', () => {
  const object = load('test/maps');
  const endpoints = new TypedMap(object.map('endpoints'), EndpointKey, Endpoint);
  const key = (tenant: number): EndpointKey => ({ tenant, address: Buffer.alloc(16, 1) });
  endpoints.set(key(1), ENDPOINT);
  expect(endpoints.get(key(1))).toEqual(ENDPOINT);
  expect(endpoints.get(key(2))).toBeUndefined();
  expect(endpoints.setMany([10, 11, 12].map((tenant) => [key(tenant), { ...ENDPOINT, weight: tenant }]))).toBe(3);
  expect([...endpoints.entries()].map(([{ tenant }, { weight }]) => [tenant, weight]).sort()).toEqual([
    [1, -5],
    [10, 10],
    [11, 11],
    [12, 12],
  ]);
  expect(endpoints.deleteMany([key(10), key(99), key(12)])).toBe(2);
  expect(endpoints.delete(key(11))).toBe(true);
  expect(endpoints.delete(key(11))).toBe(false);
});

test("codecs with another layout than the live map's are refused before the first entry", () => {
  const object = load('test/maps');
  expect(failure(() => new TypedMap(object.map('endpoints'), EndpointKey, Counters)).message).toBe(
    'map endpoints: use with codecs: it has keys of 20 and values of 96 bytes, struct endpoint_key is 20, struct counters 16',
  );
  expect(failure(() => new TypedMap(object.map('totals'), U32, Counters)).message).toBe(
    'map totals: use with codecs: it is a percpu_array: expected a PerCpuMap',
  );
});

test.each([
  ['bpf_object_open_opts', OPEN_OPTS],
  ['bpf_map_create_opts', MAP_CREATE_OPTS],
  ['bpf_prog_load_opts', PROG_LOAD_OPTS],
  ['bpf_test_run_opts', TEST_RUN_OPTS],
  ['bpf_link_create_opts', LINK_CREATE_OPTS],
  ['bpf_link_update_opts', LINK_UPDATE_OPTS],
  ['bpf_prog_query_opts', PROG_QUERY_OPTS],
] as const)("%s has the offsets of libbpf's headers", (name, { size, ...offsets }) => {
  expect(offsets).toEqual(c[name]?.offsets);
  // libbpf takes a shorter struct than its own, and a longer one when the rest is zero.
  expect(size).toBeGreaterThan(Math.max(...Object.values(offsets)));
});
