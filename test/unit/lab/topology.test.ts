import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadIntent } from '../../../src/app/intent.js';
import { loadNodeConfig } from '../../../src/intent/load.js';
import { demoTopology } from '../../../lab/demo.js';
import { writeFiles } from '../../../lab/files.js';
import { steeringTopology } from '../../../lab/steering.js';
import { intentOf, nodeConfigOf, segueNodes, sidOf, underlayAddresses } from '../../../lab/topology.js';
import { selftestTopology } from '../../netns/lib/topologies.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'segue-lab-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

it.each([
  ['the demo', demoTopology()],
  ['the steering demo', steeringTopology()],
  ['the selftest', { prefix: 'x', ...selftestTopology() }],
  [
    'three segments, End.DT4 and End.DT6',
    { prefix: 'x', ...selftestTopology({ transits: 2, behaviours: { hv1: ['dt4', 'dt6'], hv2: ['dt4', 'dt6'] } }) },
  ],
])('the files of %s are valid, and equal the intent and configuration in memory', (_name, topology) => {
  const files = writeFiles(topology, directory);
  expect(loadIntent(files.intent)).toEqual(intentOf(topology));
  for (const node of segueNodes(topology)) {
    const expected = nodeConfigOf(topology, node, files.intent);
    expect(loadNodeConfig(files.nodes.get(node.name) ?? '')).toEqual(expected);
  }
});

it("sidOf() and underlayAddresses() use the topology's names and numbers", () => {
  const demo = demoTopology();
  expect(sidOf(demo, 'hv2', 'red')).toBe('fd00:5e:2:4600:64::');
  expect(underlayAddresses(demo, 'hv2')).toEqual({ node: 'fd00:ffff:2::2', router: 'fd00:ffff:2::1', length: 64 });
  expect(() => sidOf(demo, 'hv9', 'red')).toThrow('hv9: expected one of hv1 hv2');
});
