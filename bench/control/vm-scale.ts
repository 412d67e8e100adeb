/**
 * All of a node's objects at full size on a kernel with VRF: 256 VRFs, a veth for each local port, every remote port's
 * route. Runs in the VM (bench/control/vm-scale); says how long it took and how much memory, and fails when something is
 * missing, a second apply finds anything to do, or purge leaves anything. Arguments: remote ports, tenants, nodes.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { applyOnce } from '../../src/agent/apply.js';
import { Instance } from '../../src/agent/instance.js';
import { purge } from '../../src/agent/purge.js';
import { loadIntent, scopeTo } from '../../src/app/intent.js';
import { decodeLink, dumpLinksRequest, type NetlinkSocket, newLink, setLink } from 'netlink-ts';
import { describeMachine } from '../lib/machine.js';
import { StandIns } from '../lib/stand-ins.js';
import { intentFile, makeIntent, SELF } from '../lib/workload.js';
import type { Report } from '../../src/reconcile/change.js';
import type { NodeConfig } from '../../src/intent/types.js';

const UPLINK = 'up0';

const started = performance.now();
function tell(text: string): void {
  process.stderr.write(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${text}\n`);
}

function expectNone(what: string, found: readonly unknown[]): void {
  if (found.length > 0)
    throw new Error(`${what}: ${found.length}, expected none: ${JSON.stringify(found.slice(0, 3))}`);
}

function check(what: string, { failures, waiting }: Report): void {
  expectNone(
    `${what}: failures`,
    failures.map(({ object, error }) => `${object}: ${error.message}`),
  );
  expectNone(`${what}: waiting`, waiting);
}

/** One round: apply, apply again, count, purge. */
async function converge(config: NodeConfig, netns: StandIns, tenants: number, remotePorts: number): Promise<object> {
  const seconds: Record<string, number> = {};
  const timed = async <T>(what: string, work: () => T | Promise<T>): Promise<T> => {
    tell(what);
    const start = performance.now();
    const result = await work();
    seconds[what] = Math.round((performance.now() - start) / 100) / 10;
    return result;
  };
  const intent = await timed('load', () => scopeTo(loadIntent(config.intent), SELF));
  const instance = new Instance(config);
  try {
    const first = await timed('apply', () => applyOnce(instance, intent));
    check('apply', first);
    const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
    const { tunnelRoutes, nexthops } = netns.count();
    if (tunnelRoutes !== remotePorts) throw new Error(`${tunnelRoutes} remote routes, expected ${remotePorts}`);
    const vrfs = netns.socket.dump(dumpLinksRequest(), decodeLink).filter(({ kind }) => kind === 'vrf').length;
    if (vrfs !== tenants) throw new Error(`${vrfs} VRFs, expected ${tenants}`);
    const second = await timed('apply again', () => applyOnce(instance, intent));
    check('apply again', second);
    const changed = second.done.create + second.done.replace + second.done.delete;
    if (changed > 0) throw new Error(`apply again: ${changed} changes, expected none`);
    check('purge', await timed('purge', () => purge(instance)));
    const left = netns.count();
    if (left.routes + left.nexthops > 0)
      throw new Error(`purge left ${left.routes} routes, ${left.nexthops} next hops`);
    return { remotePorts, tenants, nexthops, objects: first.done.create, seconds, peakMiB };
  } finally {
    instance.close();
  }
}

function makePorts(socket: NetlinkSocket, names: readonly string[]): void {
  for (const name of names) {
    const peer = `${name}-vm`;
    socket.request(newLink({ name, kind: 'veth', up: true, peer: { name: peer } }));
    socket.request(setLink(peer, { up: true }));
  }
}

const [remotePorts = 100_000, tenants = 256, nodes = 1000] = process.argv.slice(2).map(Number);
const directory = mkdtempSync(join(tmpdir(), 'segue-scale-'));
tell('making the intent, the namespace and its interfaces');
const intent = makeIntent({ remotePorts, tenants, nodes, placement: 'dealt' });
const file = join(directory, 'intent.json');
writeFileSync(file, intentFile(intent));
const netns = await StandIns.create(`segue-scale-${process.pid}`, []);
try {
  makePorts(netns.socket, [UPLINK, ...intent.ports.filter(({ node }) => node === SELF).map((port) => port.interface)]);
  const config: NodeConfig = {
    node: SELF,
    netns: netns.netns,
    uplinks: [UPLINK],
    dataplane: 'kernel',
    xdp: 'never',
    behaviours: ['dt46'],
    intent: file,
  };
  const result = await converge(config, netns, tenants, remotePorts);
  process.stdout.write(JSON.stringify({ machine: describeMachine(), ...result }, undefined, 1) + '\n');
} finally {
  await netns.remove();
  rmSync(directory, { recursive: true, force: true });
}
