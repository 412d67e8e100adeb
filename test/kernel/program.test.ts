/** Child processes that cannot be started or do not end. */
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nft } from '../../src/kernel/nft.js';
import { runProgram, startProgram } from '../../src/kernel/program.js';
import { Background, outputOf } from '../../lab/process.js';
import { openNetns } from 'netlink-ts';

const PATIENCE_MS = 300_000;

describe('starting a program without free file descriptors', () => {
  let restorer: Background;

  /** Leaves so many descriptors to this process. */
  const leave = async (descriptors: number): Promise<void> => {
    const limit = descriptors === 0 ? 0 : readdirSync('/proc/self/fd').length - 1 + descriptors;
    await outputOf(undefined, ['prlimit', '--pid', String(process.pid), `--nofile=${limit}:`]);
  };
  /** Nothing can be started any more to put the limit back: it is running already. */
  beforeEach(() => {
    const script = `read line && prlimit --pid ${process.pid} --nofile=1024: && echo back`;
    restorer = new Background(undefined, ['sh', '-c', script], { input: true });
  });
  const restore = async (): Promise<void> => {
    restorer.child.stdin?.write('\n');
    await restorer.waitFor(/back/, PATIENCE_MS);
  };
  afterEach(restore);

  it.each([0, 1, 2, 3, 4, 5, 6])(
    '%d free: every function that starts a program reports the cause, and works again later',
    async (left) => {
      await leave(left);
      const error = {
        name: 'ProgramError',
        code: 'EMFILE',
        message: expect.stringContaining('LimitNOFILE=') as string,
      };
      await expect(runProgram(undefined, ['true'])).rejects.toMatchObject({ ...error });
      await expect(nft(undefined, ['list', 'tables'])).rejects.toMatchObject({ ...error });
      const background = new Background(undefined, ['true']);
      await expect(background.waitFor(/never/, PATIENCE_MS)).rejects.toMatchObject({ ...error });
      await restore();
      expect(await runProgram(undefined, ['true'])).toMatchObject({ status: 0 });
    },
  );

  it('an existing namespace is not reported as absent', async () => {
    await leave(0);
    expect(() => openNetns('nobody-has-this')).toThrow(/EMFILE/);
  });
});

describe('a program', () => {
  it('that is not installed is reported', async () => {
    await expect(runProgram(undefined, ['no-such-program'])).rejects.toMatchObject({
      code: 'ENOENT',
      message: 'no-such-program: spawn no-such-program ENOENT (is it installed?)',
    });
  });

  it('that the kernel refuses is reported by the same error', async () => {
    await expect(runProgram(undefined, ['true', 'x'.repeat(200_000)])).rejects.toMatchObject({
      name: 'ProgramError',
      code: 'E2BIG',
    });
    const told = vi.fn();
    expect(startProgram(undefined, ['true', 'x'.repeat(200_000)], { stdio: 'pipe' }, told).pid).toBeUndefined();
    await vi.waitFor(() => expect(told).toHaveBeenCalledOnce(), { timeout: PATIENCE_MS });
  });

  it('that does not end is killed with its children, and its result is returned', async () => {
    const argv = ['sh', '-c', 'sleep 1000 & echo $!; wait'];
    const { signal, stdout } = await runProgram(undefined, argv, { timeoutMs: 300 });
    expect(signal).toBe('SIGKILL');
    process.kill(Number(stdout));
  });
});
