import { ALL_RESOURCES } from '../../../src/app/features.js';
import type { ResourceName } from '../../../src/plan/plan.js';
import { describe, expect, it } from 'vitest';
import { DriftLog } from '../../../src/agent/drift.js';
import { emptyReport } from '../../../src/reconcile/change.js';
import type { Logger } from '../../../src/agent/log.js';
import type { Links } from '../../../src/kernel/links.js';
import type { Action, Change } from '../../../src/reconcile/change.js';

/** Interfaces by name, as the kernel numbers them, and what is logged. */
function made(interfaces: Record<string, number>) {
  const logged: string[] = [];
  const line = (level: string) => (fields: Record<string, unknown>, message: string) =>
    logged.push(`${level} ${message}${typeof fields.interface === 'string' ? ` ${fields.interface}` : ''}`);
  let vanishing: string | undefined;
  const links = {
    refresh: () => {
      if (vanishing !== undefined) Reflect.deleteProperty(interfaces, vanishing);
    },
    has: (name: string) => name in interfaces,
    get: (name: string) => (name in interfaces ? { index: interfaces[name] } : undefined),
    all: () => Object.entries(interfaces).map(([name, index]) => ({ name, index })),
  };
  const engine = {
    text: ({ kind, action, key }: Change) => ({ kind, action, object: key, differences: [] }),
    devicesOf: ({ kind, key }: Change) => (kind === 'port' ? [key] : []),
    resource: (name: ResourceName) => ALL_RESOURCES[name],
  };
  const log = new DriftLog(
    engine,
    links as unknown as Links,
    { info: line('info'), warn: line('warn') } as unknown as Logger,
  );
  const tell = (action: Action, key: string, kind: Change['kind'] = 'port'): boolean =>
    log.tell({ changes: [{ kind, key, action }], waiting: [], attached: 0 }).length > 0;
  /** It goes, and nobody has heard of that yet. */
  const vanish = (name: string): void => {
    vanishing = name;
  };
  return { interfaces, log, logged, tell, vanish };
}

const nothingDone = emptyReport();
const waitingFor = (device: string) => ({ ...nothingDone, waiting: [{ kind: 'port' as const, key: device, device }] });

describe('an interface in the log', () => {
  it('is drift when its objects are replaced', () => {
    const { log, logged, tell } = made({ tap: 7 });
    log.settle(nothingDone);
    expect(tell('replace', 'tap')).toBe(true);
    expect(logged).toEqual(['warn drift']);
  });

  it('appeared when another interface took its name', () => {
    const { interfaces, log, logged, tell } = made({ tap: 7 });
    log.settle(nothingDone);
    interfaces.tap = 8;
    expect(tell('create', 'tap')).toBe(false);
    expect(logged).toEqual(['info interface appeared tap']);
  });

  it('appeared when it came while its objects were pending', () => {
    const { interfaces, log, logged, tell } = made({ tap: 7 });
    log.settle(nothingDone);
    // The first look finds none; before it ends there is another.
    delete interfaces.tap;
    expect(tell('delete', 'tap')).toBe(false);
    interfaces.tap = 8;
    log.settle(waitingFor('tap'));
    expect(tell('create', 'tap')).toBe(false);
    expect(logged).toEqual(['info interface disappeared tap', 'info interface appeared tap']);
  });

  it('disappeared when it vanished during the diff', () => {
    const { log, logged, tell, vanish } = made({ tap: 7 });
    log.settle(nothingDone);
    vanish('tap');
    expect(tell('create', 'tap')).toBe(false);
    expect(logged).toEqual(['info interface disappeared tap']);
  });

  it("disappeared when its predecessor's objects are removed", () => {
    const { interfaces, log, logged, tell } = made({ tap: 7 });
    log.settle(nothingDone);
    interfaces.tap = 8;
    expect(tell('delete', 'tap')).toBe(false);
    expect(logged).toEqual(['info interface disappeared tap']);
  });
});

it.each([
  ['with a change of a path is not drift', true],
  ['alone is drift', false],
])('a change of a Maglev table %s', (_name, hasWay) => {
  const { log, logged } = made({});
  const changes: Change[] = [
    ...(hasWay ? [{ kind: 'bpf-underlay', key: 'fd00:5e:91::/48', action: 'replace' } as const] : []),
    { kind: 'gw-maglev', key: 'gw', action: 'replace' },
  ];
  expect(log.tell({ changes, waiting: [], attached: 0 }).length > 0).toBe(!hasWay);
  expect(logged).toEqual(hasWay ? ['info the underlay changed'] : ['warn drift']);
});
