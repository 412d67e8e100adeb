import { emptyPlan } from '../../src/app/planning.js';
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKernel } from '../../src/app/kernel.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { createNetns, deleteNetns } from 'netlink-ts';
import { guardResource } from '../../src/port/guard-resource.js';
import { planGuardTables, planPortGuard, planReceiverGuard, planVrfGuard } from '../../src/port/guard-plan.js';
import { Engine } from '../../src/reconcile/engine.js';
import type { Emit, Plan, PlanValue } from '../../src/plan/plan.js';
import type { Port, Tenant } from '../../src/intent/types.js';

const NETNS = `sgt-guard-${process.pid}`;

const TENANT: Tenant = {
  name: 'red',
  id: 100,
  subnets: [
    { prefix: '10.0.0.0/24', gateway: '10.0.0.1' },
    { prefix: 'fd00:10::/64', gateway: 'fd00:10::1' },
  ],
  dscp: 'copy',
};

/** `fe0.10` could be read as an address, `10` as a number, `a b` not at all without quotes. */
const INTERFACES = ['tap-a', 'fe0.10', '10', 'veth0@if', 'vrf'];

function planOf(interfaces: readonly string[]): Plan {
  const plan = emptyPlan();
  const emit: Emit = (kind, key, value) => {
    (plan[kind] as Map<string, PlanValue>).set(key, value);
  };
  planGuardTables(['fd00:5e::/32', 'fd01::/64', 'fd02::1/128'], emit);
  planVrfGuard('sg-100', TENANT, emit);
  interfaces.forEach((name, n) => {
    const port: Port = {
      name,
      tenant: 'red',
      node: 'hv1',
      interface: name,
      mac: `02:00:00:00:00:0${n}`,
      addresses: [`10.0.0.1${n}`, `fd00:10::1${n}`, `fd00:10::ffff:a00:${n + 1}`],
      prefixes: [`192.168.${n}.0/25`, `fd00:20:${n + 1}::/48`, `172.16.0.${n}/32`, `192.168.${n}.64/26`],
    };
    planPortGuard(port, 1460, emit);
    planReceiverGuard('sg-100', port, emit);
  });
  return plan;
}

describe('the guard', () => {
  let kernel: Kernel;
  let engine: Engine;

  beforeAll(() => {
    createNetns(NETNS);
    kernel = openKernel({
      netns: NETNS,
      runDirectory: `/run/segue/${NETNS}`,
      pinDirectory: `/sys/fs/bpf/segue/${NETNS}`,
    });
    engine = new Engine(kernel, { guard: guardResource });
  });

  afterAll(() => {
    kernel.close();
    deleteNetns(NETNS);
  });

  const nft = (...args: string[]): string =>
    execFileSync('ip', ['netns', 'exec', NETNS, 'nft', ...args], { encoding: 'utf8' });
  const drift = async (plan: Plan): Promise<string[]> =>
    (await engine.diff(plan)).changes.map((change) => `${change.action} ${engine.text(change).object}`);

  it('matches the plan after one apply, as nft prints it', async () => {
    const plan = planOf(INTERFACES);
    const report = await engine.converge(plan);
    expect(report.failures).toEqual([]);
    expect(await drift(plan)).toEqual([]);
  });

  it('removes one port without touching another', async () => {
    const fewer = planOf(INTERFACES.slice(0, -1));
    const changes = await drift(fewer);
    expect(changes.length).toBeGreaterThan(5);
    expect(changes.every((line) => line.startsWith('delete nft element') && /"vrf"|to_themselves/.test(line))).toBe(
      true,
    );
    await engine.converge(fewer);
    expect(await drift(fewer)).toEqual([]);
    await engine.converge(planOf(INTERFACES));
  });

  it('detects an altered element, rule and table', async () => {
    const plan = planOf(INTERFACES);
    nft('delete', 'element', 'inet', 'segue', 'ports', '{ "tap-a" }');
    expect(await drift(plan)).toEqual(['create nft element inet segue ports { "tap-a" }']);

    nft('flush', 'chain', 'inet', 'segue', 'port4');
    expect((await drift(plan))[0]).toBe('replace nft table inet segue');
    await engine.converge(plan);
    expect(await drift(plan)).toEqual([]);

    nft('add', 'rule', 'inet', 'segue', 'port', 'accept');
    expect((await drift(plan))[0]).toBe('replace nft table inet segue');
    await engine.converge(plan);

    nft('delete', 'table', 'arp', 'segue');
    expect((await drift(plan))[0]).toBe('create nft table arp segue');
    await engine.converge(plan);
    expect(await drift(plan)).toEqual([]);
  });

  it("ignores packet counters and other programs' tables", async () => {
    const plan = planOf(INTERFACES);
    nft('add', 'table', 'inet', 'other');
    nft('add', 'set', 'inet', 'other', 'ports', '{ type ifname; }');
    expect(await drift(plan)).toEqual([]);
    await engine.converge(emptyPlan());
    expect(nft('list', 'tables').trim()).toBe('table inet other');
  });
});
