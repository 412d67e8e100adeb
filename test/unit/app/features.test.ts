/** A feature registers what it has, and everything else follows. What is forgotten does not compile, or fails here. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { Followers, noInvalidations } from '../../../src/agent/invalidations.js';
import { ALL_RESOURCES, FEATURES, RESOURCE_ORDER } from '../../../src/app/features.js';
import { emptyPlan } from '../../../src/app/planning.js';
import { orderOf } from '../../../src/reconcile/order.js';
import type { EventContext } from '../../../src/reconcile/follows.js';
import type { AnyResource, ResourceTable } from '../../../src/reconcile/resource.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');

const all = Object.values(ALL_RESOURCES) as unknown as AnyResource[];

describe('registered resources', () => {
  it('have the name that they are registered by', () => {
    for (const { resources } of FEATURES) {
      for (const [name, resource] of Object.entries(resources) as [string, AnyResource][])
        expect(resource.name).toBe(name);
    }
  });

  it('name only resources that there are', () => {
    const named = all.flatMap(({ after, before = [], containedIn }) => [
      ...after,
      ...before,
      ...(containedIn ? [containedIn] : []),
    ]);
    expect(named.filter((name) => !(name in ALL_RESOURCES))).toEqual([]);
  });

  it('each have a place in the plan and in the order', () => {
    expect(new Set(RESOURCE_ORDER)).toEqual(new Set(Object.keys(ALL_RESOURCES)));
    expect(Object.keys(emptyPlan())).toEqual(RESOURCE_ORDER);
  });

  it('are made after what they stand on, the edge first and the announcement last', () => {
    const at = new Map(RESOURCE_ORDER.map((name, index) => [name, index]));
    for (const { name, after, before = [], containedIn } of all) {
      for (const other of [...after, ...(containedIn ? [containedIn] : [])])
        expect(at.get(other)).toBeLessThan(at.get(name) ?? -1);
      for (const other of before) expect(at.get(other)).toBeGreaterThan(at.get(name) ?? Infinity);
    }
    expect([RESOURCE_ORDER.at(0), RESOURCE_ORDER.at(-1)]).toEqual(['edge', 'announce']);
  });

  it('wait for each other never: a circle is refused', () => {
    const table = {
      vrf: { ...ALL_RESOURCES.vrf, after: ['port'] },
      port: ALL_RESOURCES.port,
    } satisfies ResourceTable;
    expect(() => orderOf(table)).toThrow('resources wait for each other: vrf, port');
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

  it('of nf_tables is followed by the feature whose table it is', () => {
    for (const [table, resource] of [
      ['segue_edge', 'edge'],
      ['segue', 'guard'],
    ]) {
      const invalidations = noInvalidations();
      followers.invalidate(invalidations, { kind: 'nftables', value: new Set([table ?? '', 'kube-proxy']) }, context());
      expect([...invalidations.resources]).toEqual([resource]);
    }
  });

  it('is followed by nothing of a resource whose container is not planned', () => {
    const invalidations = noInvalidations();
    followers.invalidate(invalidations, { kind: 'xdp-features', value: undefined }, context());
    expect(invalidations).toEqual(noInvalidations());
    const plan = emptyPlan();
    plan['bpf-node'].set('node', { source: 'fd00:5e:1::1', sidBlock: 'fd00:5e::/32', uplinks: [] });
    followers.invalidate(invalidations, { kind: 'xdp-features', value: undefined }, context({ plan }));
    expect([...invalidations.resources]).toEqual(['bpf-port']);
  });

  it('that the underlay resolves is taken out, to be looked at before everything else', () => {
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

describe('what is forgotten does not compile', () => {
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
      'the registration of a resource that is declared',
      'src/app/features.ts',
      { 'src/gateway/feature.ts': drop("'nn-zone': nnZoneResource,") },
      /nn-zone/,
    ],
    [
      'the order of a resource',
      'src/vrf/vrf-resource.ts',
      { 'src/vrf/vrf-resource.ts': drop("after: ['rule', 'local-rule'],") },
      /'after' is missing/,
    ],
    [
      'the events that a resource follows',
      'src/port/guard-resource.ts',
      { 'src/port/guard-resource.ts': drop('follows: onNftables(GUARD_TABLES),') },
      /'follows' is missing/,
    ],
    [
      'the equality of a field of a port',
      'src/intent/equality.ts',
      { 'src/intent/types.ts': (text: string) => text.replace(/(export interface Port \{)/, '$1\n  rate?: number;') },
      /'rate' is missing/,
    ],
    [
      'the index of the intent that a view is declared to have',
      'src/gateway/zones.ts',
      { 'src/gateway/view.ts': drop('steering: SteeringView;') },
      /'steering' does not exist/,
    ],
    [
      'that a plan’s value has no drift',
      'src/ebpf/plan.ts',
      {
        'src/ebpf/plan.ts': (text: string) =>
          text.replace('sidBlock, uplinks, ...hasTrusted', "sidBlock, uplinks, drift: 'x', ...hasTrusted"),
      },
      /'drift' does not exist/,
    ],
  ])('%s', { timeout: 60_000 }, (_what, file, edits, error) => {
    expect(errorsIn(file, edits).join('\n')).toMatch(error);
  });
});
