/** A feature registers its parts, and the rest follows. Each omission fails to compile, or fails here. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Followers, noInvalidations } from '../../../src/agent/invalidations.js';
import { ALL_RESOURCES, FEATURES, INTENT_FIELDS, INTENT_MODEL, RESOURCE_ORDER } from '../../../src/app/features.js';
import { diffIntent } from '../../../src/intent/change.js';
import { exact } from '../../../src/intent/equality.js';
import { parseIntent } from '../../../src/intent/load.js';
import { IntentModel } from '../../../src/intent/model.js';
import { entityKey, type KeyPlace, portKey } from '../../../src/intent/part.js';
import { emptyPlan } from '../../../src/app/planning.js';
import { orderOf } from '../../../src/reconcile/order.js';
import type { Intent } from '../../../src/intent/types.js';
import type { EventContext } from '../../../src/reconcile/follows.js';
import type { AnyResource, ResourceTable } from '../../../src/reconcile/resource.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');

const all = Object.values(ALL_RESOURCES) as unknown as AnyResource[];

describe('registered resources', () => {
  it('have the name under which they are registered', () => {
    for (const { resources } of FEATURES) {
      for (const [name, resource] of Object.entries(resources) as [string, AnyResource][])
        expect(resource.name).toBe(name);
    }
  });

  it('refer only to registered resources', () => {
    const named = all.flatMap(({ after, before = [], containedIn }) => [
      ...after,
      ...before,
      ...(containedIn ? [containedIn] : []),
    ]);
    expect(named.filter((name) => !(name in ALL_RESOURCES))).toEqual([]);
  });

  it('are each in the plan and in the order', () => {
    expect(new Set(RESOURCE_ORDER)).toEqual(new Set(Object.keys(ALL_RESOURCES)));
    expect(Object.keys(emptyPlan())).toEqual(RESOURCE_ORDER);
  });

  it('follow their dependencies, the edge first and the announcement last', () => {
    const at = new Map(RESOURCE_ORDER.map((name, index) => [name, index]));
    for (const { name, after, before = [], containedIn } of all) {
      for (const other of [...after, ...(containedIn ? [containedIn] : [])])
        expect(at.get(other)).toBeLessThan(at.get(name) ?? -1);
      for (const other of before) expect(at.get(other)).toBeGreaterThan(at.get(name) ?? Infinity);
    }
    expect([RESOURCE_ORDER.at(0), RESOURCE_ORDER.at(-1)]).toEqual(['edge', 'announce']);
  });

  it('may not depend on each other in a cycle', () => {
    const table = {
      vrf: { ...ALL_RESOURCES.vrf, after: ['port'] },
      port: ALL_RESOURCES.port,
    } satisfies ResourceTable;
    expect(() => orderOf(table)).toThrow('resources wait for each other: vrf, port');
  });
});

describe('keys that features add to the intent', () => {
  it('are, with those of the core, all keys in schemas and comparisons', () => {
    for (const entity of ['node', 'tenant', 'port'] as const) {
      expect(new Set(INTENT_MODEL.structures[entity].keys)).toEqual(new Set(Object.keys(INTENT_FIELDS[entity])));
    }
  });

  const RATE = 'a whole number from 1 to 9';
  const rate = {
    schema: z.int({ error: RATE }).min(1, { error: RATE }).max(9, { error: RATE }),
    same: exact,
    keptBy: 'own-node',
    read: (given: number, { addresses }: { addresses: readonly string[] }, place: KeyPlace) =>
      given <= addresses.length ? given : place.refuse(given, `at most ${addresses.length}, one for each address`),
  } as const;
  const mode = { schema: z.string({ error: 'a mode (text)' }), same: exact, read: (given: string) => given } as const;
  const model = new IntentModel([
    { keys: { port: { rate: portKey(rate) } as object, subnet: { mode: entityKey<'subnet'>()(mode) } as object } },
    {
      check({ ports }, { findings }) {
        if (ports.length === 3) findings.add(['ports'], ports.length, 'two ports');
      },
    },
  ]);
  const intentWith = (port: object, subnet: object = {}, more: object[] = []): Intent =>
    parseIntent(
      JSON.stringify({
        ...{ version: 1, sidBlock: 'fd00:5e::/32' },
        nodes: [{ name: 'hv1', locator: 'fd00:5e:1::/48' }],
        tenants: [{ name: 'red', id: 1, subnets: [{ prefix: '10.0.0.0/24', gateway: '10.0.0.1', ...subnet }] }],
        ports: [{ ...PORT, ...port }, ...more],
      }),
      { file: 'x.json' },
      model,
    );
  const PORT = {
    ...{ name: 'p', tenant: 'red', node: 'hv1', interface: 'tap0', mac: '02:00:00:00:00:0a' },
    addresses: ['10.0.0.10'],
  };

  it('are read, listed in messages, and checked by schema and reader', () => {
    expect(intentWith({ rate: 1 }).ports[0]).toHaveProperty('rate', 1);
    expect(intentWith({}).ports[0]).not.toHaveProperty('rate');
    expect(() => intentWith({ rate: 12 })).toThrow(`ports[0].rate: 12: expected ${RATE}`);
    expect(() => intentWith({ rate: 2 })).toThrow('ports[0].rate: 2: expected at most 1, one for each address');
    expect(() => intentWith({}, { mode: 1 })).toThrow(
      'tenants[0].subnets[0].mode: 1: expected a mode (text); quote it',
    );
    expect(() => intentWith({ rat: 1 })).toThrow('mac, addresses, prefixes, rate; did you mean "rate"?');
    const more = ['a', 'b'].map((name, i) => ({
      ...{ ...PORT, name, interface: `tap1${i}`, mac: `02:00:00:00:00:1${i}`, addresses: [`10.0.0.2${i}`] },
    }));
    expect(() => intentWith({}, {}, more)).toThrow('ports: 3: expected two ports');
  });

  it('are compared, also in subnets', () => {
    const kinds = (a: Intent, b: Intent): string[] => diffIntent(a, b, model).map(({ kind, key }) => `${kind} ${key}`);
    expect(kinds(intentWith({}), intentWith({ rate: 1 }))).toEqual(['port p']);
    expect(kinds(intentWith({}), intentWith({}, { mode: 'a' }))).toEqual(['tenant red']);
    expect(kinds(intentWith({ rate: 1 }, { mode: 'a' }), intentWith({ rate: 1 }, { mode: 'a' }))).toEqual([]);
  });

  it('are relevant only to the port’s own node if they say so', () => {
    const [port] = intentWith({ rate: 1 }).ports;
    if (port === undefined) throw new Error('no port');
    expect(model.portAt(port, 'hv1')).toBe(port);
    expect(model.portAt(port, 'hv2')).toEqual({ ...PORT, interface: '', mac: '', prefixes: [] });
  });

  it('are registered once', () => {
    expect(() => new IntentModel([{ keys: { port: { mac: portKey(rate) } as object } }])).toThrow(
      'intent: the key mac of a port is registered twice',
    );
    const [part] = FEATURES.flatMap(({ intent }) => (intent?.lists === undefined ? [] : [intent]));
    expect(() => new IntentModel([part ?? {}, part ?? {}])).toThrow('intent: the list paths is registered twice');
  });
});

describe('an event', () => {
  const followers = new Followers(ALL_RESOURCES, FEATURES);
  const context = (changes: Partial<EventContext> = {}): EventContext => ({
    plan: emptyPlan(),
    facts: { uplinkMtu: 1500 },
    concerns: () => true,
    isUplink: () => false,
    nameOf: () => 'p0',
    nexthopDevices: () => [],
    ...changes,
  });

  it('of nf_tables invalidates the table of its feature', () => {
    for (const [table, resource] of [
      ['segue_edge', 'edge'],
      ['segue', 'guard'],
    ]) {
      const invalidations = noInvalidations();
      followers.invalidate(invalidations, { kind: 'nftables', value: new Set([table ?? '', 'kube-proxy']) }, context());
      expect([...invalidations.resources]).toEqual([resource]);
    }
  });

  it('invalidates nothing of a resource whose container is not planned', () => {
    const invalidations = noInvalidations();
    followers.invalidate(invalidations, { kind: 'xdp-features', value: undefined }, context());
    expect(invalidations).toEqual(noInvalidations());
    const plan = emptyPlan();
    plan['bpf-node'].set('node', { source: 'fd00:5e:1::1', sidBlock: 'fd00:5e::/32', uplinks: [] });
    followers.invalidate(invalidations, { kind: 'xdp-features', value: undefined }, context({ plan }));
    expect([...invalidations.resources]).toEqual(['bpf-port']);
  });

  it('that the underlay resolves is taken first', () => {
    const invalidations = noInvalidations();
    invalidations.resources.add('bpf-underlay').add('route');
    expect(followers.isUnderlayAlone(invalidations.resources)).toBe(false);
    expect(followers.takeUnderlay(invalidations)).toBe(true);
    expect([...invalidations.resources]).toEqual(['route']);
    const plan = emptyPlan();
    plan['gw-node'].set('nn1', { number: 1, from: 'fd00:5e:1::1', source: 'fd00:5e:9::1' });
    expect([...followers.underlay(plan)].sort()).toEqual(['bpf-underlay', 'gw-node']);
    expect(followers.isUnderlayAlone(followers.underlay(plan))).toBe(true);
  });
});

describe('the compiler reports a missing', () => {
  /** Files as they are, read once for all. */
  const sources = new Map<string, ts.SourceFile | undefined>();

  /** The compiler's errors in a file when sources are other than they are. */
  function errorsIn(file: string, edits: Readonly<Record<string, (text: string) => string>>): string[] {
    const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
      config: unknown;
    };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
    const host = ts.createCompilerHost(options);
    const read = host.getSourceFile.bind(host);
    host.getSourceFile = (path, ...rest) => {
      const edit = edits[path.slice(ROOT.length + 1)];
      if (edit === undefined) {
        if (!sources.has(path)) sources.set(path, read(path, ...rest));
        return sources.get(path);
      }
      const text = ts.sys.readFile(path) ?? '';
      const edited = edit(text);
      expect(edited).not.toBe(text);
      return ts.createSourceFile(path, edited, rest[0], true);
    };
    const program = ts.createProgram(
      [join(ROOT, 'src/app/features.ts'), join(ROOT, file)],
      { ...options, noEmit: true },
      host,
    );
    const diagnostics = program.getSemanticDiagnostics(program.getSourceFile(join(ROOT, file)));
    return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
  }

  const drop = (line: string) => (text: string) => text.replace(line, '');

  it.each([
    [
      'registration of a declared resource',
      'src/app/features.ts',
      { 'src/gateway/feature.ts': drop("'nn-zone': nnZoneResource,") },
      /nn-zone/,
    ],
    [
      'order of a resource',
      'src/vrf/vrf-resource.ts',
      { 'src/vrf/vrf-resource.ts': drop("after: ['rule', 'local-rule'],") },
      /'after' is missing/,
    ],
    [
      'list of the events that a resource follows',
      'src/port/guard-resource.ts',
      { 'src/port/guard-resource.ts': drop('follows: onNftables(GUARD_TABLES),') },
      /'follows' is missing/,
    ],
    [
      'key of a declared field',
      'src/app/features.ts',
      { 'src/intent/types.ts': (text: string) => text.replace(/(export interface Port \{)/, '$1\n  rate?: number;') },
      /'port.rate' are incompatible[^]*no feature registers it/,
    ],
    [
      'part of the intent of a feature',
      'src/app/features.ts',
      { 'src/ebpf/feature.ts': drop('intent: ebpfIntent,') },
      /'port.xdp' are incompatible[^]*no feature registers it/,
    ],
    ['equality of a key', 'src/ebpf/intent.ts', { 'src/ebpf/intent.ts': drop('same: exact,') }, /'same' is missing/],
    [
      'registration of a declared list of the intent',
      'src/app/features.ts',
      { 'src/gateway/feature.ts': drop('intent: gatewayIntent,') },
      /Types of property 'gateways' are incompatible[^]*no feature registers it/,
    ],
    [
      'registration of a declared fact',
      'src/app/features.ts',
      { 'src/gateway/feature.ts': drop('facts: gatewayFacts,') },
      /Types of property 'unreachableNodes' are incompatible[^]*no feature registers it/,
    ],
    [
      'equality of a field of a list’s entities',
      'src/encap/intent.ts',
      { 'src/encap/intent.ts': drop('via: sameList, ') },
      /'via' is missing/,
    ],
    [
      'constant generated from C',
      'src/ebpf/fastpath.ts',
      { 'src/ebpf/generated/layouts.ts': (text: string) => text.replace(/ {2}MAX_ENCAPS: \d+,\n/, '') },
      /'MAX_ENCAPS' does not exist/,
    ],
    [
      'list of nodes to which a port’s key is relevant',
      'src/ebpf/intent.ts',
      { 'src/ebpf/intent.ts': drop("keptBy: 'every-node',") },
      /'keptBy' is missing/,
    ],
    [
      'declared index of a view of the intent',
      'src/gateway/zones.ts',
      { 'src/gateway/view.ts': drop('steering: SteeringView;') },
      /'steering' does not exist/,
    ],
    [
      'mark that a plan’s value has no drift',
      'src/ebpf/plan.ts',
      {
        'src/ebpf/plan.ts': (text: string) =>
          text.replace('sidBlock, uplinks, ...hasTrusted', "sidBlock, uplinks, drift: 'x', ...hasTrusted"),
      },
      /'drift' does not exist/,
    ],
  ])('%s', { timeout: 300_000 }, (_what, file, edits, error) => {
    expect(errorsIn(file, edits).join('\n')).toMatch(error);
  });
});
