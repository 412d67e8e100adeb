/** The micro benchmarks: `node build/bench/micro/main.js [--rounds N] [--scale F] [--json FILE]` (root; about 20 s). */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMain } from '../lib/is-main.js';
import { describeMachine } from '../lib/machine.js';
import { measureCalls } from './calls.js';
import { measureFastpath } from './fastpath.js';
import { measureMaps } from './maps.js';
import { measureSteps } from './programs.js';
import { measureRingBuffer } from './ringbuf.js';
import { measureFlood } from './flood.js';
import type { Effort, Row } from './rows.js';

/** Every row; objects are those `make build` compiled to build/bpf. */
export function measureAll(effort: Effort): Row[] {
  // This file runs as build/bench/micro/main.js.
  const objects = fileURLToPath(new URL('../../bpf/', import.meta.url));
  return [
    ...measureCalls(effort),
    ...measureMaps(effort),
    ...measureRingBuffer(join(objects, 'test/maps.o'), effort),
    ...measureSteps(join(objects, 'test/cost.o'), effort),
    ...measureFastpath(join(objects, 'bench'), effort),
    ...measureFlood(join(objects, 'bench/nn_uplink_xdp.o'), effort),
  ];
}

function show({ name, unit, median, spread }: Row): string {
  const text = (value: number): string => (value >= 1e5 ? `${(value / 1e6).toFixed(2)} M` : value.toFixed(1));
  return `${name.padEnd(52)} ${text(median).padStart(9)} ${unit.padEnd(10)} ${text(spread[0])} – ${text(spread[1])}`;
}

if (isMain(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      scale: { type: 'string', default: '1' },
      json: { type: 'string' },
    },
  });
  const rows = measureAll({ rounds: Number(values.rounds), scale: Number(values.scale) });
  for (const row of rows) console.log(show(row));
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ machine: describeMachine(), rows }, null, 2)}\n`);
  }
}
