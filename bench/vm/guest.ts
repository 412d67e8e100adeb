/** Packets, TCP and network nodes in the VM, with the paths that need VRF and with pktgen. Prints its results as JSON. */
import { busyProcessors } from '../lib/busy.js';
import { describeMachine } from '../lib/machine.js';
import { RowCollector } from '../lib/rows.js';
import { session } from '../lib/session.js';
import { measurePackets } from '../packets/measure.js';
import { measureSteer } from '../steer/measure.js';
import { VM_STEER_PATHS } from '../steer/paths.js';
import { measureTcp } from '../tcp/measure.js';
import { parseOptions } from './options.js';
import { describePaths } from '../paths/path.js';
import type { Claim } from '../lib/claim.js';
import type { VmResults } from './results.js';
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

/** By way of a network node: frames from XDP, which its programs are for, and from sk_buffs. */
function steerSettings(smoke: boolean): Traffic[] {
  const base: Traffic = { family: 4, frameBytes: 64, flows: 1, source: 'xdp' };
  if (smoke) return [base, { ...base, family: 6 }];
  return [base, { ...base, family: 6 }, { ...base, source: 'pktgen' }];
}

const options = parseOptions(process.argv.slice(2));
const { paths, rounds, milliseconds, smoke, parts } = options;

async function measureAll(names: Claim): Promise<VmResults> {
  const started = performance.now();
  const machine = describeMachine();
  const before = await busyProcessors(machine.processors);
  const rows = new RowCollector();
  // One CPU: nothing to search, the generator cannot offer more than the path carries.
  const packets = { fullRate: settings(smoke), search: [], searchRounds: 0, precision: 1, trialsMax: 0, cpus: 1 };
  if (parts.includes('packets')) await measurePackets(names, { paths, rounds, milliseconds, ...packets }, rows);
  const tcp = {
    paths: paths.filter((path) => path.tcp),
    rounds,
    seconds: Math.max(1, Math.round((2 * milliseconds) / 1000)),
    mtus: [1500],
    underlays: smoke ? (['super'] as const) : (['super', 'wire'] as const),
    flows: [1],
    families: [4] as const,
    tap: false,
  };
  if (parts.includes('tcp')) await measureTcp(names, tcp, rows);
  const steer = new RowCollector();
  const steerOptions = { paths: VM_STEER_PATHS, rounds, milliseconds, settings: steerSettings(smoke), cpus: 1 };
  if (parts.includes('steer')) await measureSteer(names, steerOptions, steer);
  const busy = { before, after: await busyProcessors(machine.processors) };
  const seconds = Math.round((performance.now() - started) / 1000);
  return {
    ...{ machine, busy, rounds, seconds, paths: describePaths(paths), rows: rows.rows },
    steer: { paths: describePaths(VM_STEER_PATHS), rows: steer.rows },
  };
}

await session(async (names) => {
  process.stdout.write(JSON.stringify(await measureAll(names), undefined, 1) + '\n');
});
