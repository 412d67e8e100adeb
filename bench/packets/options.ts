/** What the packet benchmark is asked to do. */
import { parseArgs } from 'node:util';
import { numberOption } from '../lib/options.js';
import { NATIVE_PATHS, pathsNamed } from '../paths/all.js';
import type { Path } from '../paths/path.js';

export interface Options {
  paths: Path[];
  rounds: number;
  /** Rounds of the loss-aware search, which takes several trials each. */
  searchRounds: number;
  /** Milliseconds that packets are sent for each figure. */
  milliseconds: number;
  smoke: boolean;
  /** Of the search, as a fraction of the rate. */
  precision: number;
  trialsMax: number;
  json: string | undefined;
}

export const USAGE = `usage: node build/bench/packets/main.js [options]      (make bench BENCH="--only packets")
  --paths A,B         paths (all)                          --rounds N   rounds, all paths in each (3)
  --milliseconds N    of sending for a figure (500)        --json FILE  where the results go
  --search-rounds N   rounds of the loss-aware search (2)  --smoke      a few settings once, as short as it goes
`;

/** @throws TypeError, RangeError for what is no option or no value of one */
export function parseOptions(args: string[]): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      paths: text,
      rounds: text,
      'search-rounds': text,
      milliseconds: text,
      json: text,
      smoke: { type: 'boolean' },
    },
  });
  const smoke = values.smoke === true;
  return {
    paths: pathsNamed(values.paths?.split(',') ?? NATIVE_PATHS.map(({ name }) => name), NATIVE_PATHS),
    rounds: numberOption('rounds', values.rounds, smoke ? 1 : 3),
    searchRounds: numberOption('search-rounds', values['search-rounds'], smoke ? 1 : 2),
    milliseconds: numberOption('milliseconds', values.milliseconds, smoke ? 100 : 500),
    smoke,
    precision: smoke ? 0.3 : 0.06,
    trialsMax: smoke ? 2 : 24,
    json: values.json,
  };
}
