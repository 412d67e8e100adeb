/**
 * Flows that a build with an LRU hash has stored are carried to the set-associative table: a flow keeps its network
 * node across the upgrade.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { BpfMap } from 'libbpf-ts';
import { FastpathStore } from '../../../src/ebpf/fastpath.js';
import { GwFlowKey } from '../../../src/ebpf/generated/steering.js';
import { countFlowAffinities, flowAffinity } from '../../../src/gateway/flow-affinity.js';
import { flowOf } from '../../../src/observe/trace/known-flow.js';
import { bpffs } from '../libbpf/harness.js';
import { encode } from '../steer/values.js';

const FLOWS = 3000;
const UDP = 17;

const keyOf = (flow: number): Buffer => {
  const ends = { from: '10.0.0.1', to: '10.99.0.1', protocol: UDP, sourcePort: 1024 + flow, destinationPort: 53 };
  return encode(GwFlowKey, { tenant: 100, unused: 0, flow: flowOf(ends) });
};

it('flows of an earlier build keep their network nodes', () => {
  const runDirectory = mkdtempSync(join(tmpdir(), 'segue-flows-'));
  const pinDirectory = join(bpffs(), 'segue', 'hv1');
  const former = `${pinDirectory}/flows_0123456789ab`;
  mkdirSync(former, { recursive: true });
  using lru = BpfMap.create({ type: 'lru_hash', keySize: GwFlowKey.SIZE, valueSize: 8, maxEntries: 65_536 });
  for (let flow = 0; flow < FLOWS; flow++) {
    const value = Buffer.alloc(8);
    value.writeUInt32LE(1 + (flow % 7), 0);
    value.writeUInt32LE(0x12_0000 + flow, 4);
    lru.update(keyOf(flow), value);
  }
  lru.pin(`${former}/sg_gw_affinity`);
  const store = new FastpathStore({ runDirectory, pinDirectory });
  onTestFinished(() => {
    store.close();
    rmSync(runDirectory, { recursive: true });
  });
  const maps = store.gateways.make();
  expect(countFlowAffinities(maps)).toBe(FLOWS);
  for (const flow of [0, 1, 1234, FLOWS - 1]) {
    expect(flowAffinity(maps, keyOf(flow))).toMatchObject({ node: 1 + (flow % 7), seen: flow });
  }
});
