/** Whether a path carries packets at all, before its speed means anything. */
import { runIn } from '../../lab/process.js';
import { INNER } from './names.js';
import type { Chain } from './chain.js';
import type { Family } from './names.js';

const PING_TIMEOUT_MS = 15_000;

/** Pings from gen to sink. @throws Error with ping's words when nothing comes back */
export async function checkReachable(chain: Chain, what: string, family: Family): Promise<void> {
  const argv = ['ping', '-n', '-c', '1', '-W', '10', INNER[family].sink];
  const { status, stdout, stderr } = await runIn(chain.netns('gen'), argv, { timeoutMs: PING_TIMEOUT_MS });
  if (status !== 0) throw new Error(`${what}: IPv${family} does not pass: ${stderr.trim() || stdout.trim()}`);
}
