/** What the packet benchmark is asked to do. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { numberOption } from '../lib/options.js';
import { COMPARED_PATHS, NATIVE_PATHS, pathsNamed } from '../paths/all.js';
import { SPREADS } from './settings.js';
import type { Path } from '../paths/path.js';
import type { FlowOptions } from './settings.js';

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
  /** What is the same for all of these. */
  flowOptions: FlowOptions;
}

const FLOWS_MAX = 1 << 20;
/** What the maps of a hypervisor hold (sg_endpoints, bpf/maps/fastpath_maps.h) beside the chain's own. */
export const ENDPOINTS_MAX = (1 << 20) - 1024;

function countUpTo(name: string, given: string, most: number): number {
  const count = numberOption(name, given, 0);
  if (count > most) throw new RangeError(`--${name} ${given}: expected up to ${most}`);
  return count;
}

interface FlowTexts {
  flows?: string | undefined;
  spread?: string | undefined;
  endpoints?: string | undefined;
  cpus?: string | undefined;
}

/**
 * What `--flows`, `--spread`, `--endpoints` and `--cpus` ask for.
 *
 * @throws RangeError for a value out of its range, and for the three others without `--flows`
 */
export function flowOptionsOf({ flows, spread, endpoints, cpus }: FlowTexts): Pick<Options, 'flows' | 'flowOptions'> {
  if (flows === undefined) {
    const name = Object.entries({ spread, endpoints, cpus }).find(([, value]) => value !== undefined)?.[0];
    if (name !== undefined) throw new RangeError(`--${name}: expected with --flows`);
    return { flows: undefined, flowOptions: {} };
  }
  const known = SPREADS.find((one) => one === spread);
  if (spread !== undefined && known === undefined) {
    throw new RangeError(`--spread ${spread}: expected ${SPREADS.join(', ')}`);
  }
  return {
    flows: flows.split(',').map((one) => countUpTo('flows', one, FLOWS_MAX)),
    flowOptions: {
      ...(known !== undefined && { spread: known }),
      ...(endpoints !== undefined && { endpoints: countUpTo('endpoints', endpoints, ENDPOINTS_MAX) }),
      ...(cpus !== undefined && { cpus: countUpTo('cpus', cpus, availableParallelism()) }),
    },
  };
}

export const USAGE = `usage: node build/bench/packets/main.js [options]      (make bench BENCH="--only packets")
  --paths A,B         paths (all)                          --rounds N   rounds, all paths in each (3)
  --milliseconds N    duration of a measurement (500)      --json FILE  result file
  --search-rounds N   rounds of the loss-aware search (2)  --smoke      few settings once, as short as possible
  --flows A,B         64-byte frames with these numbers of flows instead of all settings; then also:
  --spread S          order of flows: sequential, uniform or zipf
  --endpoints N       destinations with a route or map entry each (up to ${ENDPOINTS_MAX})
  --cpus N            concurrent generators, each with a path on a CPU of its own
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
      spread: text,
      endpoints: text,
      cpus: text,
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
    ...flowOptionsOf(values),
  };
}
