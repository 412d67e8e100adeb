/** The packet measurements: every path's chain stands, and paths take turns in each round. */
import { tell } from '../lib/tell.js';
import { loss, searchRate } from './search.js';
import { describeTraffic } from './settings.js';
import { offer } from './offer.js';
import { Stand } from './stand.js';
import type { Claim } from '../lib/claim.js';
import type { RowCollector, Setting } from '../lib/rows.js';
import type { Path } from '../paths/path.js';
import type { Offered } from './offer.js';
import type { Trial } from './search.js';
import type { Traffic } from './settings.js';

export interface PacketOptions {
  paths: readonly Path[];
  rounds: number;
  searchRounds: number;
  milliseconds: number;
  fullRate: readonly Traffic[];
  /** Measured where there are two CPUs at least. */
  search: readonly Traffic[];
  /** Of the search, as a fraction. */
  precision: number;
  trialsMax: number;
  cpus: number;
  /** Of the lines that tell how far it is. */
  title?: string;
  /** A network node between the hypervisors. */
  networkNode?: boolean;
  /** Addresses behind the sink that every path knows one by one. */
  endpoints?: number | undefined;
  /** Before a path is measured in a setting. */
  before?: (stand: Stand, traffic: Traffic) => Promise<void>;
  /** After each of its measurements: whether it was what it was to be. */
  after?: (stand: Stand, traffic: Traffic, trial: Trial) => Promise<void>;
}

/** SRPerf's partial drop rate; RFC 2544's throughput allows none, which one stall of a CPU would decide here. */
const LOSS_MAX = 0.005;
/** The search begins this many times above what one CPU does with the generator on it. */
const TOP = 1.8;

/** On one CPU next to nothing is lost: more means that the path drops for a reason of its own. */
const ONE_CPU_LOSS_MAX = 0.1;
/**
 * A packet of another CPU (a neighbour's probe, a router solicitation) schedules the device's NAPI there, which stays there for as long as
 * frames keep coming (net/core/dev.c, __napi_schedule): then the path is on that CPU, and a generator that has this one to itself overruns it.
 * Such a trial is none of one CPU, whatever was lost, and is made again so often. What is lost on the generator's CPU alone fails at once.
 */
const TRIES = 4;

const MPPS = 1e6;

function asSetting(traffic: Traffic): Setting {
  return Object.fromEntries(Object.entries(traffic).filter(([, value]) => value !== undefined));
}

/** @param cpu of the generator; with `cpus` of the traffic this one and those below it */
async function measureFullRate(stand: Stand, options: PacketOptions, traffic: Traffic, cpu: number): Promise<number> {
  const { chain, sink } = stand;
  const { title = 'packets' } = options;
  await options.before?.(stand, traffic);
  const cpus = Array.from({ length: traffic.cpus ?? 1 }, (_, below) => cpu - below);
  const once = (): Promise<Offered> => offer({ chain, sink, traffic, cpus, seconds: options.milliseconds / 1000 });
  let trial = await once();
  for (let tries = 1; loss(trial) > ONE_CPU_LOSS_MAX && trial.elsewhere > 0 && tries < TRIES; tries++) {
    const { elsewhere, arrived } = trial;
    const where = `${elsewhere} of ${arrived} packets by another CPU than the generator's, expected none`;
    tell(`${title}, ${describeTraffic(traffic)}, ${stand.name}: ${where}: once more`);
    trial = await once();
  }
  await options.after?.(stand, traffic, trial);
  // The path runs where the generator runs: while others have the CPU, neither does.
  const rate = trial.arrived / trial.busySeconds;
  tell(
    `${title}, ${describeTraffic(traffic)}, ${stand.name}: ${(rate / MPPS).toFixed(3)} Mpps, ` +
      `${(loss(trial) * 100).toFixed(2)} % lost`,
  );
  if (loss(trial) > ONE_CPU_LOSS_MAX) {
    throw new Error(
      `${stand.name}, ${describeTraffic(traffic)}: ${trial.arrived} of ${trial.offered} packets arrived (${trial.elsewhere} by another CPU), expected nearly all`,
    );
  }
  return rate;
}

async function measureSearch(
  stand: Stand,
  options: PacketOptions,
  traffic: Traffic,
  cpu: number,
  rows: RowCollector,
): Promise<void> {
  const { chain, sink } = stand;
  const seconds = options.milliseconds / 1000;
  const oneCpu = await offer({ chain, sink, traffic, cpus: [cpu], seconds: seconds / 2 });
  await stand.napi.enable();
  try {
    const full = await offer({ chain, sink, traffic, cpus: [cpu], seconds });
    const top = TOP * (oneCpu.arrived / oneCpu.busySeconds);
    const trial = (rate: number): Promise<typeof full> => offer({ chain, sink, traffic, cpus: [cpu], seconds, rate });
    const found = await searchRate(trial, {
      top,
      lossMax: LOSS_MAX,
      precision: options.precision,
      trialsMax: options.trialsMax,
    });
    const setting = asSetting(traffic);
    rows.add(stand.name, 'pdr', 'packet/s', setting, found.rate);
    rows.add(stand.name, 'overload', 'packet/s', setting, full.arrived / full.seconds);
    rows.add(stand.name, 'overload_offered', 'packet/s', setting, full.offered / full.seconds);
    tell(
      `packets, ${describeTraffic(traffic)}, ${stand.name}: ${(found.rate / MPPS).toFixed(3)} Mpps with ` +
        `${(found.loss * 100).toFixed(2)} % lost (${found.trials} trials); of ${(full.offered / full.seconds / MPPS).toFixed(2)} ` +
        `Mpps ${(full.arrived / full.seconds / MPPS).toFixed(3)} arrive`,
    );
  } finally {
    await stand.napi.disable();
  }
}

/** Adds rows `one_cpu`, and where there are two CPUs `pdr`, `overload` and `overload_offered`, all in packets a second. */
export async function measurePackets(names: Claim, options: PacketOptions, rows: RowCollector): Promise<void> {
  const generatorCpu = options.cpus - 1;
  const stands: Stand[] = [];
  let alone: Stand | undefined;
  try {
    const { networkNode, endpoints } = options;
    for (const path of options.paths)
      stands.push(await Stand.create(path, names.next(), 0, { networkNode, endpoints }));
    alone = await Stand.createGeneratorOnly(names.next(), 0);
    for (let round = 1; round <= options.rounds; round++) {
      tell(`${options.title ?? 'packets'}: round ${round} of ${options.rounds}`);
      for (const traffic of options.fullRate) {
        for (const stand of stands) {
          const rate = await measureFullRate(stand, options, traffic, generatorCpu);
          rows.add(stand.name, 'one_cpu', 'packet/s', asSetting(traffic), rate);
        }
      }
      const [base] = options.fullRate;
      if (base === undefined) continue;
      rows.add(
        'generator',
        'generator',
        'packet/s',
        asSetting(base),
        await measureFullRate(alone, options, base, generatorCpu),
      );
    }
    for (let round = 1; options.cpus > 1 && round <= options.searchRounds; round++) {
      tell(`packets: search, round ${round} of ${options.searchRounds}`);
      for (const traffic of options.search) {
        for (const stand of stands) await measureSearch(stand, options, traffic, generatorCpu, rows);
      }
    }
  } finally {
    for (const stand of [...stands, ...(alone === undefined ? [] : [alone])]) await stand.remove();
  }
}
