/** What the benchmark of network nodes is asked to do. */
import { parseArgs } from 'node:util';
import { numberOption } from '../lib/options.js';
import { pathsNamed } from '../paths/all.js';
import { NATIVE_STEER_PATHS, steerAnySource } from './paths.js';
import type { Path } from '../paths/path.js';

export interface Options {
  paths: Path[];
  rounds: number;
  /** That packets are sent for a figure. */
  milliseconds: number;
  smoke: boolean;
  json: string | undefined;
}

export const USAGE = `usage: node build/bench/steer/main.js [options]      (make bench BENCH="--only steer")
  --paths A,B       paths (all)                       --rounds N   rounds, all paths in each (5)
  --milliseconds N  of sending for a figure (500)     --json FILE  where the results go
  --smoke           few settings once, as short as it goes
`;

/** @throws TypeError, RangeError for what is no option or no value of one */
export function parseOptions(args: string[]): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: { paths: text, rounds: text, milliseconds: text, json: text, smoke: { type: 'boolean' } },
  });
  const smoke = values.smoke === true;
  return {
    paths: pathsNamed(values.paths?.split(',') ?? NATIVE_STEER_PATHS.map(({ name }) => name), [
      ...NATIVE_STEER_PATHS,
      steerAnySource,
    ]),
    rounds: numberOption('rounds', values.rounds, smoke ? 1 : 5),
    milliseconds: numberOption('milliseconds', values.milliseconds, smoke ? 100 : 500),
    smoke,
    json: values.json,
  };
}
