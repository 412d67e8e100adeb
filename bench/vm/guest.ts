/** Packets and TCP in the VM, with the paths that need VRF and with pktgen. Prints its results as JSON. */
import { busyProcessors } from '../lib/busy.js';
import { describeMachine } from '../lib/machine.js';
import { RowCollector } from '../lib/rows.js';
import { session } from '../lib/session.js';
import { measurePackets } from '../packets/measure.js';
import { measureTcp } from '../tcp/measure.js';
import { parseOptions } from './options.js';
import { describePaths } from '../paths/path.js';
import type { Results } from '../lib/rows.js';
import type { Traffic } from '../packets/settings.js';

/** pktgen's own header of 16 bytes stands behind the UDP header, whatever size is asked for (net/core/pktgen.c). */
const PKTGEN_IPV6_MIN_BYTES = 78;

function settings(smoke: boolean): Traffic[] {
  const base: Traffic = { family: 4, frameBytes: 64, flows: 1, source: 'pktgen' };
  if (smoke) return [base, { ...base, source: 'xdp' }];
  return [
    base,
    { ...base, family: 6, frameBytes: PKTGEN_IPV6_MIN_BYTES },
    { ...base, frameBytes: 1400 },
    { ...base, source: 'xdp' },
  ];
}

const options = parseOptions(process.argv.slice(2));
const { paths, rounds, milliseconds, smoke } = options;
await session(async (names) => {
  const started = performance.now();
  const machine = describeMachine();
  const before = await busyProcessors(machine.processors);
  const rows = new RowCollector();
  // One CPU: nothing to search, the generator cannot offer more than the path carries.
  const packets = { fullRate: settings(smoke), search: [], searchRounds: 0, precision: 1, trialsMax: 0, cpus: 1 };
  await measurePackets(names, { paths, rounds, milliseconds, ...packets }, rows);
  const tcp = {
    paths: paths.filter((path) => path.tcp),
    rounds,
    seconds: Math.max(1, Math.round((2 * milliseconds) / 1000)),
    mtus: [1500],
    underlays: smoke ? (['super'] as const) : (['super', 'wire'] as const),
    flows: [1],
    families: [4] as const,
  };
  await measureTcp(names, tcp, rows);
  const busy = { before, after: await busyProcessors(machine.processors) };
  const results: Results = {
    machine,
    busy,
    rounds,
    seconds: Math.round((performance.now() - started) / 1000),
    paths: describePaths(paths),
    rows: rows.rows,
  };
  process.stdout.write(JSON.stringify(results, undefined, 1) + '\n');
});
