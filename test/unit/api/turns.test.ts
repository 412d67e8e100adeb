import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Turns } from '../../../src/api/turns.js';

describe('turns', () => {
  it('run one after the other', async () => {
    const turns = new Turns();
    const log: string[] = [];
    const walk = (name: string) => async (): Promise<void> => {
      log.push(`${name} begins`);
      await sleep(1);
      log.push(`${name} ends`);
    };
    await Promise.all([turns.run(walk('a')), turns.run(walk('b'))]);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('continue after a walk throws', async () => {
    const turns = new Turns();
    await expect(turns.run(() => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(await turns.run(() => 'next')).toBe('next');
  });

  it('are bounded, except for a walk that yielded', async () => {
    const turns = new Turns();
    await turns.take();
    const waiting = Array.from({ length: 32 }, () => turns.take());
    await expect(turns.take()).rejects.toMatchObject({ status: 503, code: 'too-many-requests' });
    const again = turns.take(true);
    for (let given = 0; given < 33; given++) turns.give();
    await Promise.all([...waiting, again]);
  });

  it('are not used for a client that disconnected while it waited', async () => {
    const turns = new Turns();
    await turns.take();
    const walks: string[] = [];
    const walk = (name: string) => (): number => walks.push(name);
    const gone = turns.run(walk('gone'), () => false);
    const next = turns.run(walk('next'), () => true);
    turns.give();
    await expect(gone).rejects.toMatchObject({ status: 503 });
    await next;
    expect(walks).toEqual(['next']);
  });
});
