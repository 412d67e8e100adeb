import { familyOf } from 'netlink-ts/inet';
import { runIn } from './process.js';

/** Time-out of an expected answer in seconds: a busy emulated machine pauses for a second or two. */
const ANSWER_TIMEOUT_S = 3;
/** Time-out if no answer is expected; control probes show that one would have arrived. */
export const SILENCE_TIMEOUT_S = 1;
const INTERVAL_S = 0.2;

export interface PingOptions {
  /** echo requests, default 1 */
  count?: number;
  /** source address */
  source?: string;
  /** bytes of data */
  size?: number;
  /** traffic class or TOS byte */
  trafficClass?: number;
  /** hop limit or TTL */
  ttl?: number;
  timeoutS?: number;
  /** further arguments of ping(8) */
  args?: readonly string[];
}

/** Result of ping(8). */
export interface PingResult {
  sent: number;
  received: number;
  /** round trip times of the answers, milliseconds */
  rttMs: number[];
  /** ICMP errors: `From 10.0.0.1 icmp_seq=1 Destination Host Unreachable` */
  errors: string[];
}

/** Sends echo requests from a namespace; a missing answer is a result, not an error. */
export async function ping(netns: string, address: string, options: PingOptions = {}): Promise<PingResult> {
  const { count = 1, source, size, trafficClass, ttl, timeoutS = ANSWER_TIMEOUT_S, args = [] } = options;
  const given = (flag: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [flag, String(value)];
  const argv = ['ping', familyOf(address) === 4 ? '-4' : '-6', '-n', '-c', String(count), '-i', String(INTERVAL_S)];
  argv.push('-W', String(timeoutS), ...given('-I', source), ...given('-s', size), ...given('-Q', trafficClass));
  argv.push(...given('-t', ttl), ...args, address);
  const { status, stdout, stderr } = await runIn(netns, argv);
  const summary = /(\d+) packets transmitted, (\d+) received/.exec(stdout);
  // Errors such as "connect: Network is unreachable": nothing was sent, and the caller decides about it.
  const refused = summary === null;
  if (refused && status !== 2) throw new Error(`ping in ${netns}: ${stderr.trim() || stdout.trim()}`);
  return {
    sent: Number(summary?.[1] ?? 0),
    received: Number(summary?.[2] ?? 0),
    rttMs: [...stdout.matchAll(/bytes from .* time[=<]([\d.]+) ms/g)].map((match) => Number(match[1])),
    errors: [...stdout.matchAll(/^From .*$/gm)].map((match) => match[0]).concat(refused ? [stderr.trim()] : []),
  };
}
