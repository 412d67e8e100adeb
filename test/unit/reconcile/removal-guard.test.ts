import { viewOf } from '../../../src/app/planning.js';
import { describe, expect, it } from 'vitest';
import { removalGuard, removalGuardOnIntent } from '../../../src/reconcile/removal-guard.js';
import { diffIntent, parseIntent } from '../../../src/app/intent.js';
import { parseNodeConfig } from '../../../src/intent/load.js';
import type { Intent } from '../../../src/intent/types.js';

const CONFIG = parseNodeConfig('{ node: hv1, uplinks: [eth0], dataplane: ebpf, intent: intent.yaml }', {
  file: 'node.yaml',
});

function intent(ports: number, { drain = false, first = 1 } = {}): Intent {
  const numbers = Array.from({ length: ports }, (_, at) => first + at);
  return parseIntent(
    JSON.stringify({
      version: 1,
      sidBlock: 'fd00:5e::/32',
      nodes: [
        { name: 'hv1', locator: 'fd00:5e:1::/48', ...(drain && { drain }) },
        { name: 'hv2', locator: 'fd00:5e:2::/48' },
      ],
      tenants: [{ name: 'red', id: 1, subnets: [{ prefix: '10.0.0.0/16', gateway: '10.0.255.254' }] }],
      ports: [
        ...numbers.map((n) => ({
          name: `p${n}`,
          node: 'hv1',
          tenant: 'red',
          interface: `p${n}`,
          mac: `02:00:00:00:00:${n.toString(16).padStart(2, '0')}`,
          addresses: [`10.0.0.${n}`],
        })),
      ],
    }),
    { file: 'intent.json' },
  );
}

/** The message that a change from one intent to another is held with. */
function held(before: Intent, after: Intent, isMeant = false): string | undefined {
  return removalGuardOnIntent(viewOf(CONFIG, { uplinkMtu: 1500 }, before), diffIntent(before, after), isMeant)?.message;
}

describe('the guard against mass removal on a change of the intent', () => {
  it.each([2, 3, 10])('blocks the removal of all %d ports', (count) => {
    expect(held(intent(count), intent(0))).toMatch(`removes all ${count} ports of this node`);
  });

  it('allows the removal of one port, of nine of ten, and of all if intended', () => {
    expect(held(intent(1), intent(0))).toBeUndefined();
    expect(held(intent(10), intent(1))).toBeUndefined();
    expect(held(intent(10), intent(0), true)).toBeUndefined();
  });

  it('allows the replacement of all ports by as many others', () => {
    expect(held(intent(3), intent(3, { first: 10 }))).toBeUndefined();
  });

  it('blocks the removal of more than ten ports and a fifth, even if intended', () => {
    expect(held(intent(20), intent(9), true)).toMatch('removes 11 of this node');
  });
});

describe('the guard against mass removal on a diff', () => {
  const gone = (count: number): Parameters<typeof removalGuard>[0] =>
    Array.from({ length: count }, (_, at) => ({ kind: 'port', key: `p${at}`, action: 'delete' }));

  it.each([
    ['blocks the removal of both of two ports', 2, 0, false, 'removes all 2 ports'],
    ['allows the removal of the only port', 1, 0, false, undefined],
    ['allows the removal of both ports of a draining node', 2, 0, true, undefined],
    ['allows the removal of both ports while others are pending', 2, 2, false, undefined],
  ])('%s', (_name, count, left, drains, message) => {
    const error = removalGuard(gone(count), { held: count, left, drains });
    if (message === undefined) expect(error).toBeUndefined();
    else expect(error?.message).toMatch(message);
  });
});
