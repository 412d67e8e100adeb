/** Sends packets for a while from the generator's end of a chain, and says how many arrived at the sink. */
import { fileURLToPath } from 'node:url';
import { INNER, VM } from '../chain/names.js';
import { nativeProgram } from '../lib/native.js';
import { run } from '../lib/processes.js';
import { onCpu, tethered } from '../lib/tethered.js';
import { payloadBytes, UDP_PORT } from './frame.js';
import { runPktgen } from './pktgen.js';
import { describeTraffic } from './settings.js';
import type { Chain } from '../chain/chain.js';
import type { GenerateOptions } from './generate.js';
import type { Trial } from './search.js';
import type { Traffic } from './settings.js';
import type { Sink } from './sink.js';

export interface Offer {
  chain: Chain;
  sink: Sink;
  traffic: Traffic;
  /** One generator on each. */
  cpus: readonly number[];
  seconds: number;
  /** Packets a second; absent: as fast as it goes. */
  rate?: number;
}

export interface Offered extends Trial {
  /** Of the packets that arrived, those that a CPU without a generator carried at the end. */
  elsewhere: number;
}

/** What either generator prints. */
interface Sent {
  sent: number;
  seconds: number;
  /** Of `seconds` what the generator had the CPU; as far as it knows. */
  busySeconds?: number;
}

/** Generators that are to begin at once have so long to start, milliseconds. */
const START_MS = 3000;

function command({ chain, traffic, seconds, rate }: Offer, startAtMs: number): string[] {
  const { family, frameBytes, flows, source, spread = 'sequential', endpoints = 0 } = traffic;
  if (source === 'xdp') {
    const ifindex = chain.ifindex('gen', VM);
    const options: GenerateOptions = {
      ...{ family, frameBytes, flows, spread, endpoints, ifindex, seconds, rate: rate ?? 0, startAtMs },
    };
    const program = fileURLToPath(new URL('generate.js', import.meta.url));
    return [process.execPath, program, JSON.stringify(options)];
  }
  const payload = payloadBytes(family, frameBytes);
  const flags = { a: INNER[family].sink, p: UDP_PORT, n: flows, s: payload, r: rate ?? 0, t: seconds };
  return [nativeProgram('udpblast'), ...Object.entries(flags).flatMap(([name, value]) => [`-${name}`, String(value)])];
}

async function runProgram(what: Offer, cpu: number, startAtMs: number): Promise<Sent> {
  const { chain, traffic } = what;
  const [program = '', ...args] = tethered(onCpu(cpu, command(what, startAtMs)));
  const { code, stdout, stderr } = await run(program, args, { netns: chain.netns('gen') });
  if (code !== 0) throw new Error(`generator (${describeTraffic(traffic)}): ${stderr.trim() || `exit code ${code}`}`);
  return JSON.parse(stdout) as Sent;
}

/** One generator on each CPU, at the same time: what all of them sent, and the seconds of one. */
async function runPrograms(what: Offer): Promise<Sent> {
  const { cpus } = what;
  const startAtMs = cpus.length === 1 ? 0 : Date.now() + START_MS;
  const all = await Promise.all(cpus.map((cpu) => runProgram(what, cpu, startAtMs)));
  const mean = (of: (one: Sent) => number): number => all.reduce((sum, one) => sum + of(one), 0) / all.length;
  return {
    sent: all.reduce((sum, { sent }) => sum + sent, 0),
    seconds: mean(({ seconds }) => seconds),
    busySeconds: mean(({ seconds, busySeconds }) => busySeconds ?? seconds),
  };
}

/** @throws Error when a generator fails, nothing arrives, or what arrives has another length than what was sent */
export async function offer(what: Offer): Promise<Offered> {
  const { chain, sink, traffic, cpus } = what;
  sink.expect(traffic.source);
  const before = sink.read();
  const generated: Sent =
    traffic.source === 'pktgen' ? await runPktgen(chain, traffic, what.seconds) : await runPrograms(what);
  const { sent, seconds, busySeconds } = generated;
  const after = await sink.settled();
  const packets = after.packets - before.packets;
  const bytes = after.bytes - before.bytes;
  if (packets === 0) throw new Error(`${describeTraffic(traffic)}: of ${sent} packets none arrived`);
  if (bytes !== packets * traffic.frameBytes) {
    throw new Error(`${describeTraffic(traffic)}: ${packets} packets of ${bytes} bytes arrived, not what was sent`);
  }
  const here = cpus.reduce((sum, cpu) => sum + (after.packetsByCpu[cpu] ?? 0) - (before.packetsByCpu[cpu] ?? 0), 0);
  const elsewhere = packets - here;
  return { offered: sent, arrived: packets, seconds, busySeconds: busySeconds ?? seconds, elsewhere };
}
