/** What tests of steering between tenants share. */
import { key } from '../../../src/lab/steering-matrix.js';
import type { Reached } from '../../../src/lab/steering-matrix.js';

/** What is not as the policies say, in words. */
export function wrongOf(reached: readonly Reached[]): string[] {
  return reached
    .filter(({ ok }) => !ok)
    .map(
      (one) =>
        `${key(one)}: expected ${one.expected ?? 'silence'}${one.policy ? ` by ${one.policy}` : ''}, seen ${one.seen ?? 'silence'}`,
    );
}
