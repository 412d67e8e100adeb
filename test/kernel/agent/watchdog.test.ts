/** What systemd's watchdog receives, over a socket like systemd's. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Watchdog } from '../../../src/agent/watchdog.js';
import { UnixDatagramReceiver } from '../../../src/kernel/unix-datagram.js';

const before = process.env.NOTIFY_SOCKET;

/** A third of the watchdog's time. */
const STEP_MS = 20_000;
const env = { WATCHDOG_USEC: '60000000' };

describe('the watchdog', () => {
  const queue = { turns: 0, progress: '', asked: 0 };
  let watchdog: Watchdog;
  let systemd: UnixDatagramReceiver;
  const start = (environment: NodeJS.ProcessEnv): void => {
    watchdog = new Watchdog(
      {
        turns: () => queue.turns,
        turn: () => (queue.asked += 1),
        progress: () => queue.progress,
        status: () => 'well',
      },
      environment,
    );
    watchdog.start();
    vi.advanceTimersByTime(STEP_MS);
    systemd.receive();
  };
  beforeEach(() => {
    vi.useFakeTimers();
    const path = `@segue-watchdog-${randomUUID()}`;
    systemd = new UnixDatagramReceiver(path);
    process.env.NOTIFY_SOCKET = path;
    Object.assign(queue, { turns: 0, progress: '', asked: 0 });
  });
  afterEach(() => {
    watchdog.stop();
    systemd.close();
    vi.useRealTimers();
    if (before === undefined) delete process.env.NOTIFY_SOCKET;
    else process.env.NOTIFY_SOCKET = before;
  });

  it('is fed while the queue advances', () => {
    start(env);
    expect(queue.asked).toBe(1);
    queue.turns += 1;
    vi.advanceTimersByTime(STEP_MS);
    expect(systemd.receive()).toEqual(['WATCHDOG=1\nSTATUS=well']);
    expect(queue.asked).toBe(2);
  });

  it('is not fed while the queue hangs', () => {
    start(env);
    vi.advanceTimersByTime(3 * STEP_MS);
    expect(systemd.receive()).toEqual(['STATUS=well', 'STATUS=well', 'STATUS=well']);
    expect(queue.asked).toBe(1);
  });

  it('is fed while a long task makes progress', () => {
    start(env);
    queue.progress = 'writing route: 1 of 9';
    vi.advanceTimersByTime(STEP_MS);
    expect(systemd.receive()).toEqual(['WATCHDOG=1\nSTATUS=writing route: 1 of 9']);
    vi.advanceTimersByTime(STEP_MS);
    expect(systemd.receive()).toEqual(['STATUS=writing route: 1 of 9']);
  });

  it.each([{}, { WATCHDOG_USEC: '60000000', WATCHDOG_PID: '1' }])('is not fed without a watchdog: %o', (other) => {
    start(other);
    queue.turns += 1;
    vi.advanceTimersByTime(STEP_MS);
    expect(systemd.receive()).toEqual(['STATUS=well']);
    expect(queue.asked).toBe(0);
  });
});
