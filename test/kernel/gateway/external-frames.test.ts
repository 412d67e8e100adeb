/** An interface that takes no frames from XDP loses redirected ones silently: tcx sends to such an external network. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { diffOnce } from '../../../src/agent/apply.js';
import { ip4, udp } from '../fastpath/packets.js';
import { run } from '../libbpf/harness.js';
import { ViewNode } from './view-node.js';
import { scopeTo } from '../../../src/app/intent.js';

const BEYOND = '192.0.2.9';
const POLICIES = [
  { name: 'out', from: { tenant: 'red' }, to: { external: 'dc' }, protocol: 'udp', ports: [53], action: 'allow' },
];

const node = new ViewNode();
beforeAll(() => {
  node.setUp();
  run(node.name, 'ip', 'neigh', 'add', BEYOND, 'lladdr', '02:00:00:00:00:dc', 'dev', 'eth1');
  for (const name of ['all', 'eth0', 'eth1']) run(node.name, 'sysctl', '-qw', `net.ipv4.conf.${name}.forwarding=1`);
});
afterAll(() => node.tearDown());

const query = (source: number): Buffer =>
  ip4({ from: '10.0.0.2', to: BEYOND, payload: udp({ source, destination: 53 }) });
const drift = async (): Promise<string[]> => {
  const { changes } = await diffOnce(node.instance, scopeTo(node.intent(), node.name));
  return changes.map(({ action, kind }) => `${action} ${kind}`);
};

it('uses XDP while the interface takes frames, and tcx otherwise', async () => {
  await node.apply({ policies: POLICIES });
  expect(await drift()).toEqual([]);
  expect(node.send('red', query(4000))).toBe('redirect');

  node.setFrames('dc', false);
  // Of both prefixes; the ways to other nodes lead elsewhere.
  expect(await drift()).toEqual(['replace bpf-prefix', 'replace bpf-prefix']);
  await node.apply({ policies: POLICIES });
  expect(await drift()).toEqual([]);
  expect(node.send('red', query(4001))).toBe('pass');

  node.setFrames('dc', true);
  await node.apply({ policies: POLICIES });
  expect(node.send('red', query(4002))).toBe('redirect');
});
