/** What the packet benchmark is asked to do. */
import { parseArgs } from 'node:util';
import { numberOption } from '../lib/options.js';
import { COMPARED_PATHS, NATIVE_PATHS, pathsNamed } from '../paths/all.js';
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
  /** Numbers of flows, of 64-byte frames over IPv4, instead of all settings; undefined: all. */
  flows: number[] | undefined;
}

const FLOWS_MAX = 32_768;

function flowsOf(text: string): number[] {
  return text.split(',').map((one) => {
    const flows = Number(one);
    if (Number.isInteger(Math.log2(flows)) && flows <= FLOWS_MAX) return flows;
    throw new RangeError(`--flows ${one}: expected powers of two up to ${FLOWS_MAX}`);
  });
}

export const USAGE = `usage: node build/bench/packets/main.js [options]      (make bench BENCH="--only packets")
  --paths A,B         paths (all)                          --rounds N   rounds, all paths in each (3)
  --milliseconds N    of sending for a figure (500)        --json FILE  where the results go
  --search-rounds N   rounds of the loss-aware search (2)  --smoke      a few settings once, as short as it goes
  --flows A,B         64-byte frames of so many flows, powers of two, instead of all settings
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
      flows: text,
      smoke: { type: 'boolean' },
    },
  });
  const smoke = values.smoke === true;
  return {
    paths: pathsNamed(values.paths?.split(',') ?? NATIVE_PATHS.map(({ name }) => name), [
      ...NATIVE_PATHS,
      ...COMPARED_PATHS,
    ]),
    rounds: numberOption('rounds', values.rounds, smoke ? 1 : 3),
    searchRounds: numberOption('search-rounds', values['search-rounds'], smoke ? 1 : 2),
    milliseconds: numberOption('milliseconds', values.milliseconds, smoke ? 100 : 500),
    smoke,
    precision: smoke ? 0.3 : 0.06,
    trialsMax: smoke ? 2 : 24,
    json: values.json,
    flows: values.flows === undefined ? undefined : flowsOf(values.flows),
  };
}
