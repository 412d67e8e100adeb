/** Bulk TCP by iperf3(1). */
import { run } from '../lib/processes.js';
import { onCpu, tethered } from '../lib/tethered.js';

const PORT = 5201;
const CONNECT_TIMEOUT_MS = 5000;

export interface BulkTest {
  /** Namespace of the client, which sends. */
  netns: string;
  address: string;
  /** Connections at once. */
  flows: number;
  seconds: number;
  /** Of the client; the packets' whole way is walked there too, up to the server's socket. */
  cpu: number;
}

export interface Bulk {
  /** At the receiver. */
  bitsPerSecond: number;
  retransmits: number;
}

interface Report {
  error?: string;
  end?: { sum_sent?: { retransmits?: number }; sum_received?: { bits_per_second: number } };
}

/** What the server is started with, in the sink's namespace; it prints `Server listening`. */
export const BULK_SERVER = ['iperf3', '-s', '-p', String(PORT), '--forceflush'];

/** @throws Error with iperf3's words */
export async function measureBulk({ netns, address, flows, seconds, cpu }: BulkTest): Promise<Bulk> {
  const options = ['-P', String(flows), '-t', String(seconds), '--connect-timeout', String(CONNECT_TIMEOUT_MS), '-J'];
  const [command = '', ...args] = tethered(onCpu(cpu, ['iperf3', '-c', address, '-p', String(PORT), ...options]));
  const { stdout, stderr } = await run(command, args, { netns });
  const report = JSON.parse(stdout || '{}') as Report;
  const received = report.end?.sum_received;
  if (received === undefined || report.error !== undefined) {
    throw new Error(
      `iperf3 from ${netns} to ${address}: ${report.error ?? (stderr.trim() || 'ended without a report')}`,
    );
  }
  return { bitsPerSecond: received.bits_per_second, retransmits: report.end?.sum_sent?.retransmits ?? 0 };
}
