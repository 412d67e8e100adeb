/** The fast path's map entries through the engine, on real maps. */
import { emptyPlan } from '../../../src/app/planning.js';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Instance, RUN_ROOT } from '../../../src/agent/instance.js';
import { ebpfFeature } from '../../../src/ebpf/feature.js';
import { memberKey } from '../../../src/ebpf/member-key.js';
import { tenantSid } from '../../../src/encap/sid.js';
import { tenantTable } from '../../../src/plan/numbers.js';
import { createNetns, deleteNetns } from 'netlink-ts';
import { bpffs } from '../libbpf/harness.js';
import type { Change } from '../../../src/reconcile/change.js';
import type { Plan } from '../../../src/plan/plan.js';
import type { NodeConfig } from '../../../src/intent/types.js';

const NODE = `entries-${process.pid}`;
const LOCATOR = 'fd00:5e:2::/48';
/** Of two more chunks than there are buffers of such. */
const PER_TENANT = 10_000;
const RED = 100;
const BLUE = 200;

const CONFIG: NodeConfig = {
  node: NODE,
  netns: NODE,
  uplinks: ['lo'],
  dataplane: 'hybrid',
  xdp: 'never',
  behaviours: ['dt46'],
  intent: '/intent.json',
};

/** Two tenants with the same addresses, of both families, on another node; one address of each on this one. */
function makePlan(): Plan {
  const plan = emptyPlan();
  plan['bpf-node'].set('node', { source: 'fd00:5e:1::1', sidBlock: 'fd00:5e::/32', uplinks: ['lo'] });
  plan['bpf-underlay'].set(LOCATOR, { destination: 'fd00:5e:2::', source: 'fd00:5e:1::1' });
  for (const tenant of [RED, BLUE]) {
    const encap = tenantSid(LOCATOR, 'End.DT46', tenant);
    const place = { tenant, encap };
    plan['bpf-encap'].set(encap, { segments: [encap], underlay: LOCATOR });
    for (let index = 0; index < PER_TENANT; index++) {
      const to = index % 2 === 0 ? `10.0.${index >> 8}.${index & 255}` : `fd00:10::${(index + 1).toString(16)}`;
      plan['bpf-member'].set(memberKey(tenant, to), place);
    }
    plan['bpf-member'].set(memberKey(tenant, '10.1.0.1'), { tenant, device: 'lo' });
    plan['bpf-prefix'].set(memberKey(tenant, '192.168.0.0/24'), place);
    plan['bpf-prefix'].set(memberKey(tenant, 'fd00:20::/64'), place);
  }
  return plan;
}

const textOf = ({ action, kind, key }: Change): string => `${action} ${kind} ${key}`;

describe('entries', () => {
  createNetns(NODE);
  afterAll(() => {
    deleteNetns(NODE);
    rmSync(join(RUN_ROOT, NODE), { recursive: true, force: true });
  });
  let pins = '';
  beforeEach(() => {
    pins = join(bpffs(), 'node');
  });

  /** As another process would begin. */
  function open(): Instance {
    const instance = new Instance(CONFIG, ebpfFeature.resources, pins);
    onTestFinished(() => {
      instance.close();
    });
    return instance;
  }
  const changes = async (plan: Plan, scope?: number): Promise<string[]> => {
    const options = scope === undefined ? {} : { scope: { tables: new Set([tenantTable(scope)]) } };
    return (await open().engine.diff(plan, options)).changes.map(textOf).sort();
  };
  const loaded = async (plan = makePlan()): Promise<Instance> => {
    const instance = open();
    expect((await instance.engine.converge(plan)).failures).toEqual([]);
    return instance;
  };
  const membersOf = (instance: Instance) => {
    const map = instance.kernel.fastpath.maps?.sg_endpoints;
    if (map === undefined) throw new Error('there are no maps');
    return map;
  };

  it('are complete, and match the plan in another process', async () => {
    const instance = await loaded();
    const keys = [...membersOf(instance).entries()].map(([key]) => key.toString('hex'));
    expect(new Set(keys).size).toBe(2 * PER_TENANT + 2);
    // struct member_key of bpf/abi/types.h: tenant, family, address.
    expect(keys).toContain('64000000' + '04000000' + '0a000002' + '00'.repeat(12));
    expect(keys).toContain('c8000000' + '06000000' + 'fd000010' + '00'.repeat(11) + '02');
    expect(await changes(makePlan())).toEqual([]);
  });

  it('that are missing, altered or unplanned are found by their keys', async () => {
    const members = membersOf(await loaded());
    const [gone, elsewhere] = [...members.entries()].filter(([key]) => key.readUInt32LE(0) === RED);
    if (gone === undefined || elsewhere === undefined) throw new Error('no members');
    members.delete(gone[0]);
    elsewhere[1].writeUInt32LE(0x777, 4);
    members.update(...elsewhere);
    const stray = Buffer.from(gone[0]);
    stray.writeUInt32LE(0x777, 0);
    members.update(stray, gone[1]);
    const found = await changes(makePlan());
    expect(found.map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual([
      'create bpf-member 100',
      'delete bpf-member 1911',
      'replace bpf-member 100',
    ]);
    // A look at one tenant's finds that tenant's, and no strays.
    expect(await changes(makePlan(), RED)).toEqual(found.filter((text) => !text.startsWith('delete')));
    expect(await changes(makePlan(), BLUE)).toEqual([]);
    const instance = open();
    expect((await instance.engine.converge(makePlan())).done).toEqual({ create: 1, replace: 1, delete: 1 });
    expect(await changes(makePlan())).toEqual([]);
  });

  it('that cannot be encoded do not affect others of the batch', async () => {
    const plan = makePlan();
    // Between an IPv6 address, whose bytes would shine through, and an IPv4 one.
    const broken = memberKey(RED, 'fd00:10::ffff:ffff:ffff:ffff');
    const all = [...plan['bpf-member']];
    plan['bpf-member'] = new Map([
      ...all.slice(0, 2),
      [broken, { tenant: RED, encap: 'fd00:5e:9:4600:64::' }],
      ...all.slice(2),
    ]);
    const instance = open();
    const { failures } = await instance.engine.applyChanges((await instance.engine.diff(plan)).changes);
    expect(failures.map(({ key, error }) => [key, error.message])).toEqual([
      [broken, `${broken}: the encapsulation to fd00:5e:9:4600:64:: does not exist`],
    ]);
    expect(await changes(makePlan())).toEqual([]);
  });

  it('that the kernel refuses are named individually', async () => {
    const instance = open();
    const plan = makePlan();
    const { changes: found } = await instance.engine.diff(plan);
    await instance.engine.applyChanges(found.filter(({ kind }) => kind !== 'bpf-member'));
    membersOf(instance).freeze();
    const members = found.filter(({ kind }) => kind === 'bpf-member');
    const { done, failures } = await instance.engine.applyChanges(members);
    expect(done.create).toBe(0);
    expect(failures.map(({ key }) => key).sort()).toEqual([...plan['bpf-member'].keys()].sort());
    expect(failures[0]?.error.message).toMatch(/^map sg_endpoints: update key [0-9a-f]+: EPERM: the map is frozen/);
  });

  it('move by one change, without changing others', async () => {
    const instance = await loaded();
    const before = new Map([...membersOf(instance).entries()].map(([key, value]) => [key.toString('hex'), value]));
    const key = memberKey(BLUE, '10.0.0.2');
    const plan = makePlan();
    plan['bpf-member'].set(key, { tenant: BLUE, device: 'lo' });
    const { changes: found } = await instance.engine.diff(plan);
    expect(found.map(textOf)).toEqual([`replace bpf-member ${key}`]);
    expect((await instance.engine.applyChanges(found)).failures).toEqual([]);
    const different = [...membersOf(instance).entries()].filter(
      ([bytes, value]) => before.get(bytes.toString('hex'))?.equals(value) !== true,
    );
    expect(different.map(([bytes]) => bytes.toString('hex'))).toEqual([
      'c8000000' + '04000000' + '0a000002' + '00'.repeat(12),
    ]);
  });

  it('are removed with the node’s own entry, the only one that purge deletes', async () => {
    await loaded();
    const instance = open();
    const { changes: found } = await instance.engine.diff(emptyPlan());
    expect(found.map(textOf)).toEqual(['delete bpf-node node']);
    await instance.engine.applyChanges(found);
    expect(existsSync(pins)).toBe(false);
    expect(await changes(emptyPlan())).toEqual([]);
  });
});
