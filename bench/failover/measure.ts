/** One event under load, as often as asked for. */
import { FAILURES } from './events.js';
import { sendThrough } from './flows.js';
import { RECEIVER } from './network.js';
import type { FailureEvent } from './events.js';
import type { FlowsOptions, Outcome } from './flows.js';
import type { FailoverNetwork } from './network.js';

export interface Measured extends Outcome {
  event: string;
  family: 'IPv4' | 'IPv6';
}

export type Load = Omit<FlowsOptions, 'address'>;

/** Of both families in turn. */
async function measureFailure(
  network: FailoverNetwork,
  event: FailureEvent,
  load: Load,
  family: 'v4' | 'v6',
): Promise<Measured> {
  await event.prepare?.(network);
  await network.waysAre('hv1', 2);
  const outcome = await sendThrough(
    network.netns('sender'),
    [network.netns('receiver')],
    { ...load, address: RECEIVER[family] },
    () => event.strike(network),
  );
  await network.waysAre('hv1', 1);
  await event.mend(network);
  await network.waysAre('hv1', 2);
  return { event: event.name, family: family === 'v4' ? 'IPv4' : 'IPv6', ...outcome };
}

export const MOVE = 'port moved';

/** The receiver moves to the other hypervisor, and back for the next time. */
async function measureMove(network: FailoverNetwork, load: Load, family: 'v4' | 'v6'): Promise<Measured> {
  const to = ['receiver', 'moved'].map((name) => network.netns(name));
  const outcome = await sendThrough(network.netns('sender'), to, { ...load, address: RECEIVER[family] }, async () => {
    network.move('hv3');
    await Promise.resolve();
  });
  network.move('hv2');
  await network.receives('receiver', RECEIVER[family]);
  return { event: MOVE, family: family === 'v4' ? 'IPv4' : 'IPv6', ...outcome };
}

/** Every event, in both families. */
export async function measureAll(
  network: FailoverNetwork,
  load: Load,
  tell: (text: string) => void,
): Promise<Measured[]> {
  const all: Measured[] = [];
  for (const family of ['v4', 'v6'] as const) {
    tell(`failover: ${MOVE}, ${family}`);
    all.push(await measureMove(network, load, family));
    for (const event of FAILURES) {
      tell(`failover: ${event.name}, ${family}`);
      all.push(await measureFailure(network, event, load, family));
    }
  }
  return all;
}
