/** What the VM's benchmark is asked to do: the same for its host's side and the guest's. */
import { parseArgs } from 'node:util';
import { listOption, numberOption } from '../lib/options.js';
import { pathsNamed, VM_PATHS } from '../paths/all.js';
import type { Path } from '../paths/path.js';

const PARTS = ['packets', 'tcp', 'steer'] as const;

export interface Options {
  parts: readonly (typeof PARTS)[number][];
  paths: Path[];
  rounds: number;
  /** That packets are sent for a figure, and half of what bulk TCP is. */
  milliseconds: number;
  smoke: boolean;
  json: string | undefined;
}

export const USAGE = `usage: node build/bench/vm/main.js [options]      (make bench BENCH="--only vm")
  --paths A,B       paths (all, with VRF)                --rounds N   rounds, all paths in each (2)
  --milliseconds N  duration of a measurement (1000)     --json FILE  result file
  --parts A,B       parts: ${PARTS.join(', ')} (all)
  --smoke           few settings once, as short as possible
`;

/** @throws TypeError, RangeError for what is no option or no value of one */
export function parseOptions(args: string[]): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: { paths: text, parts: text, rounds: text, milliseconds: text, json: text, smoke: { type: 'boolean' } },
  });
  const smoke = values.smoke === true;
  return {
    parts: listOption('parts', values.parts, PARTS, PARTS),
    paths: pathsNamed(values.paths?.split(',') ?? VM_PATHS.map(({ name }) => name), VM_PATHS),
    rounds: numberOption('rounds', values.rounds, smoke ? 1 : 2),
    milliseconds: numberOption('milliseconds', values.milliseconds, smoke ? 300 : 1000),
    smoke,
    json: values.json,
  };
}
