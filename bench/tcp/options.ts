/** What the TCP benchmark is asked to do. */
import { parseArgs } from 'node:util';
import { listOption, numberOption, numbersOption } from '../lib/options.js';
import { NATIVE_PATHS, pathsNamed } from '../paths/all.js';
import type { Underlay } from '../chain/chain.js';
import type { Family } from '../chain/names.js';
import type { Path } from '../paths/path.js';

export interface TcpOptions {
  paths: readonly Path[];
  rounds: number;
  /** Of each bulk measurement; exchanges take half. */
  seconds: number;
  mtus: readonly number[];
  underlays: readonly Underlay[];
  flows: readonly number[];
  families: readonly Family[];
  /** Bulk to a VM's TAP, too. */
  tap: boolean;
}

export interface Options extends TcpOptions {
  json: string | undefined;
}

export const USAGE = `usage: node build/bench/tcp/main.js [options]      (make bench BENCH="--only tcp")
  --paths A,B       paths (all that carry TCP)         --rounds N    rounds, all paths in each (5)
  --seconds N       duration of a bulk run (1)        --json FILE   result file
  --mtus N,N        tenant MTUs (1500,8900)            --flows N,N   concurrent connections (1,4)
  --underlays A,B   super, wire (both)                 --families N  inner families: 4, 6 (4)
  --no-tap          no measurement to a VM's TAP
  --smoke           everything once, as short as possible
`;

/** @throws TypeError, RangeError for what is no option or no value of one */
export function parseOptions(args: string[]): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      paths: text,
      rounds: text,
      seconds: text,
      mtus: text,
      underlays: text,
      flows: text,
      families: text,
      json: text,
      'no-tap': { type: 'boolean' },
      smoke: { type: 'boolean' },
    },
  });
  const smoke = values.smoke === true;
  const carriers = NATIVE_PATHS.filter(({ tcp }) => tcp);
  return {
    paths: pathsNamed(values.paths?.split(',') ?? carriers.map(({ name }) => name), carriers),
    rounds: numberOption('rounds', values.rounds, smoke ? 1 : 5),
    seconds: numberOption('seconds', values.seconds, 1),
    mtus: numbersOption('mtus', values.mtus, smoke ? [1500] : [1500, 8900]),
    underlays: listOption('underlays', values.underlays, ['super', 'wire'], smoke ? ['super'] : ['super', 'wire']),
    flows: numbersOption('flows', values.flows, smoke ? [1] : [1, 4]),
    families: listOption('families', values.families, [4, 6], [4]),
    tap: values['no-tap'] !== true,
    json: values.json,
  };
}
