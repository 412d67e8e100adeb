/** What the benchmark of network nodes is asked to do. */
import { parseArgs } from 'node:util';
import { numberOption } from '../lib/options.js';
import { flowOptionsOf } from '../packets/options.js';
import { pathsNamed } from '../paths/all.js';
import { NATIVE_STEER_PATHS, plainConntrack, steerAnySource } from './paths.js';
import type { FlowOptions } from '../packets/settings.js';
import type { Path } from '../paths/path.js';

export interface Options {
  paths: Path[];
  rounds: number;
  /** That packets are sent for a figure. */
  milliseconds: number;
  smoke: boolean;
  /** Numbers of flows, of 64-byte frames over IPv4, instead of all settings; undefined: all. */
  flows: number[] | undefined;
  flowOptions: FlowOptions;
  json: string | undefined;
}

export const USAGE = `usage: node build/bench/steer/main.js [options]      (make bench BENCH="--only steer")
  --paths A,B       paths (all)                       --rounds N   rounds, all paths in each (5)
  --milliseconds N  duration of a measurement (500)   --json FILE  result file
  --smoke           few settings once, as short as possible
  --flows, --spread, --endpoints, --cpus: as for packets
`;

/** @throws TypeError, RangeError for what is no option or no value of one */
export function parseOptions(args: string[]): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      ...{ paths: text, rounds: text, milliseconds: text, json: text, smoke: { type: 'boolean' } },
      ...{ flows: text, spread: text, endpoints: text, cpus: text },
    },
  });
  const smoke = values.smoke === true;
  return {
    paths: pathsNamed(values.paths?.split(',') ?? NATIVE_STEER_PATHS.map(({ name }) => name), [
      ...NATIVE_STEER_PATHS,
      steerAnySource,
      plainConntrack,
    ]),
    rounds: numberOption('rounds', values.rounds, smoke ? 1 : 5),
    milliseconds: numberOption('milliseconds', values.milliseconds, smoke ? 100 : 500),
    smoke,
    json: values.json,
    ...flowOptionsOf(values),
  };
}
