import { Background, runIn } from './process.js';

/** iperf3's measurement at the receiver. */
export interface Throughput {
  bitsPerSecond: number;
  bytes: number;
  seconds: number;
  retransmits: number;
}

/** iperf3(1) with one TCP flow. */
export interface ThroughputTest {
  /** namespaces */
  from: string;
  to: string;
  address: string;
  seconds: number;
  /** default PORT */
  port?: number;
  /** Limit of the sending rate in bits per second; default: unlimited. */
  rate?: number;
}

const PORT = 5201;
const START_TIMEOUT_MS = 300_000;
/** Time-out in addition to the measurement, in milliseconds. */
const GRACE_MS = 30_000;

interface IperfReport {
  error?: string;
  end?: {
    sum_sent?: { retransmits?: number };
    sum_received?: { bits_per_second: number; bytes: number; seconds: number };
  };
}

/** Runs iperf3 between two namespaces. @throws Error with iperf3's message */
export async function measureThroughput({
  from,
  to,
  address,
  seconds,
  port = PORT,
  rate,
}: ThroughputTest): Promise<Throughput> {
  const server = new Background(to, ['iperf3', '-s', '-1', '-p', String(port), '--forceflush']);
  try {
    await server.waitFor(/Server listening/, START_TIMEOUT_MS);
    const argv = [
      'iperf3',
      '-c',
      address,
      '-p',
      String(port),
      '-t',
      String(seconds),
      '--connect-timeout',
      '5000',
      '-J',
    ];
    if (rate !== undefined) argv.push('-b', String(rate));
    const { stdout, stderr } = await runIn(from, argv, { timeoutMs: seconds * 1000 + GRACE_MS });
    const report = parseReport(stdout);
    const received = report?.end?.sum_received;
    if (received === undefined || report?.error !== undefined) {
      const words = report?.error ?? (stderr.trim() || 'ended without a report');
      throw new Error(`iperf3 from ${from} to ${address} in ${to}: ${words}`);
    }
    return {
      bitsPerSecond: received.bits_per_second,
      bytes: received.bytes,
      seconds: received.seconds,
      retransmits: report?.end?.sum_sent?.retransmits ?? 0,
    };
  } finally {
    await server.stop();
  }
}

function parseReport(text: string): IperfReport | undefined {
  try {
    return JSON.parse(text) as IperfReport;
  } catch {
    return undefined;
  }
}
