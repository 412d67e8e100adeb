/** Request/response latency and connections a second, by native/rrping.c. */
import { nativeProgram } from '../lib/native.js';
import { run } from '../lib/processes.js';
import { onCpu, tethered } from '../lib/tethered.js';

/** What the server is started with, in the sink's namespace; it prints `listening`. */
export function exchangeServer(): string[] {
  return [nativeProgram('rrping'), 'serve'];
}

export interface ExchangeTest {
  /** Namespace of the client. */
  netns: string;
  address: string;
  seconds: number;
  /** A connection for each exchange (netperf's TCP_CRR), or one for all (TCP_RR). */
  connectEach: boolean;
  /** Of the client. */
  cpu: number;
}

/** Times of an exchange in microseconds. */
export interface Exchanges {
  exchanges: number;
  seconds: number;
  min_us: number;
  p50_us: number;
  p99_us: number;
  max_us: number;
}

/** One byte there and one back, one after the other. @throws Error with rrping's words */
export async function measureExchanges({
  netns,
  address,
  seconds,
  connectEach,
  cpu,
}: ExchangeTest): Promise<Exchanges> {
  const mode = connectEach ? 'crr' : 'rr';
  const argv = [nativeProgram('rrping'), mode, '-a', address, '-t', String(seconds)];
  const [command = '', ...args] = tethered(onCpu(cpu, argv));
  const { code, stdout, stderr } = await run(command, args, { netns });
  if (code !== 0) throw new Error(`rrping ${mode} from ${netns} to ${address}: ${stderr.trim() || `exit ${code}`}`);
  return JSON.parse(stdout) as Exchanges;
}
