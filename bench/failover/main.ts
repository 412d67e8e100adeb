/** How long is lost when an uplink or a neighbour fails, or a port moves: `node build/bench/failover/main.js --help`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { claim } from '../lib/claim.js';
import { describeMachine } from '../lib/machine.js';
import { nativeProgram } from '../lib/native.js';
import { numberOption } from '../lib/options.js';
import { tell } from '../lib/tell.js';
import { FAILURES } from './events.js';
import { measureAll, MOVE } from './measure.js';
import { FailoverNetwork } from './network.js';
import type { Measured } from './measure.js';

const USAGE = `usage: node build/bench/failover/main.js [options]      (root; natively: dataplane ebpf needs no VRF)
  --rounds N     rounds, all events in each (3)
  --rate N       packets a second of all flows (10000)
  --flows N      flows (64)         --seconds N   duration of a measurement (6)
  --json FILE    result file
`;

/** Worst and middle of one event's measurements. */
function line(event: string, all: readonly Measured[]): string {
  const of = all.filter((one) => one.event === event);
  const silences = of.map(({ silenceMs }) => silenceMs).sort((a, b) => a - b);
  const lost = of.map((one) => one.lost).sort((a, b) => a - b);
  const middle = (values: readonly number[]): number => values[Math.floor(values.length / 2)] ?? NaN;
  const reordered = of.reduce((total, one) => total + one.reordered, 0);
  return (
    `${event.padEnd(14)} longest silence of a flow: median ${middle(silences).toFixed(1)} ms, worst ${(silences.at(-1) ?? NaN).toFixed(1)} ms; ` +
    `lost: median ${middle(lost)}, worst ${lost.at(-1) ?? NaN} of ${of[0]?.sent ?? 0} packets; reordered ${reordered}`
  );
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    rate: { type: 'string' },
    flows: { type: 'string' },
    seconds: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean' },
  },
});
if (values.help === true) {
  process.stdout.write(USAGE);
} else {
  const rounds = numberOption('rounds', values.rounds, 3);
  const load = {
    program: nativeProgram('seqflow'),
    flows: numberOption('flows', values.flows, 64),
    packetsPerSecond: numberOption('rate', values.rate, 10_000),
    seconds: numberOption('seconds', values.seconds, 6),
  };
  const claimed = await claim();
  const network = new FailoverNetwork(claimed.next(), fileURLToPath(new URL('../../../bin/segue', import.meta.url)));
  try {
    await network.build();
    const all: Measured[] = [];
    for (let round = 1; round <= rounds; round++) {
      tell(`failover: round ${round} of ${rounds}`);
      all.push(...(await measureAll(network, load, tell)));
    }
    const { flows, packetsPerSecond, seconds } = load;
    const results = { machine: describeMachine(), rounds, load: { flows, packetsPerSecond, seconds }, measured: all };
    if (values.json !== undefined) {
      mkdirSync(dirname(values.json), { recursive: true });
      writeFileSync(values.json, `${JSON.stringify(results, undefined, 2)}\n`);
    }
    process.stdout.write(
      `${[MOVE, ...FAILURES.map(({ name }) => name)].map((event) => line(event, all)).join('\n')}\n`,
    );
  } finally {
    await network.remove();
    await claimed.release();
  }
}
