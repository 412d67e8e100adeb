/** What the control-plane benchmark is asked to do. */
import { parseArgs } from 'node:util';

export interface Options {
  /** Remote ports of the largest intent. */
  ports: number;
  tenants: number;
  nodes: number;
  /** Rounds of each series, all contenders in each. */
  rounds: number;
  /** Moves timed a round. */
  moves: number;
  /** Moves whose effect on the kernel is compared in full, in the first round. */
  checked: number;
  /** Where the results go as JSON; absent: nowhere. */
  json: string | undefined;
}

export const USAGE = `usage: node build/bench/control/main.js [options]      (make bench)
  --ports N    remote ports (100000)        --rounds N   rounds of each series (3)
  --tenants N  tenants (256)                --moves N    measured moves per round (1000)
  --nodes N    nodes (1000)                 --checked N  moves after which all routes are compared (10)
  --json FILE  result file
`;

/** @throws TypeError for what is no option, RangeError for what is no count */
export function parseOptions(args: string[]): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: { ports: text, tenants: text, nodes: text, rounds: text, moves: text, checked: text, json: text },
  });
  const count = (name: Exclude<keyof typeof values, 'json'>, otherwise: number): number => {
    const given = values[name];
    const value = given === undefined ? otherwise : Number(given);
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`--${name} ${given}: expected a count`);
    return value;
  };
  return {
    ports: count('ports', 100_000),
    tenants: count('tenants', 256),
    nodes: count('nodes', 1000),
    rounds: count('rounds', 3),
    moves: count('moves', 1000),
    checked: count('checked', 10),
    json: values.json,
  };
}
