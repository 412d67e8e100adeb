/** Faults of a node and its agent from outside: each has a cause that begins and ends. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { plugVm } from '../../../lab/network.js';
import { runIn } from '../../../lab/process.js';
import { ROUTER, UPLINK } from '../../../lab/topology.js';
import { addNode } from '../../../lab/underlay.js';
import { createNetns, deleteNetns } from 'netlink-ts';
import { MOUNT_BPFFS } from './node-host.js';
import type { NodeHost } from './node-host.js';
import type { TestNetwork } from '../../netns/lib/network.js';

export interface Scene {
  network: TestNetwork;
  host: NodeHost;
  /** the topology's name of the node */
  node: string;
  /** the port whose packets are counted */
  port: string;
  /** what the intent's file holds */
  intent: string;
}

export interface Fault {
  name: string;
  /** whether the way of the packets is gone while the cause lasts; else not one may be lost */
  cutsPath: boolean;
  /** The cause, from its begin to its end. */
  cause: (scene: Scene, lasting: () => Promise<void>) => Promise<void>;
}

/** A fault whose cause is begun by one shell script in the node's network namespace, and ended by another. */
const shell = (
  name: string,
  cutsPath: boolean,
  begin: (scene: Scene) => string,
  end?: (scene: Scene) => string,
): Fault => ({
  name,
  cutsPath,
  cause: async (scene, lasting) => {
    await scene.host.inNetns(begin(scene));
    if (end === undefined) return;
    await lasting();
    await scene.host.inNetns(end(scene));
  },
});

/** A fault of the node's file system. */
const files = (name: string, begin: (scene: Scene) => string, end: (scene: Scene) => string): Fault => ({
  name,
  cutsPath: false,
  cause: async (scene, lasting) => {
    await scene.host.shell(begin(scene));
    await lasting();
    await scene.host.shell(end(scene));
  },
});

/** The intent's file is something else for a while. */
const intent = (name: string, make: (path: string) => void, remove: (path: string) => void): Fault => ({
  name: `the intent is ${name}`,
  cutsPath: false,
  cause: async ({ host, intent: text }, lasting) => {
    remove(host.intentFile);
    make(host.intentFile);
    await lasting();
    rmSync(host.intentFile, { recursive: true });
    writeFileSync(host.intentFile, text);
  },
});
const remove = (path: string): void => {
  rmSync(path, { force: true });
};
const written = (name: string, text: string | Buffer): Fault =>
  intent(
    name,
    (path) => {
      writeFileSync(path, text);
    },
    () => undefined,
  );

const PINS = '/sys/fs/bpf/segue';

export const FAULTS: readonly Fault[] = [
  {
    name: 'the network namespace is deleted and made anew',
    cutsPath: true,
    cause: async ({ network, host, node }, lasting) => {
      const { topology } = network;
      const vms = topology.vms.filter((vm) => vm.node === node);
      deleteNetns(host.netns);
      for (const vm of vms) await runIn(network.netns(vm.name), ['ip', 'link', 'del', 'eth0']);
      await runIn(network.netns(ROUTER), ['ip', 'link', 'del', node]);
      await lasting();
      createNetns(host.netns);
      for (const one of topology.nodes) if (one.name === node) await addNode(topology, one);
      for (const vm of vms) plugVm(topology, vm);
    },
  },
  files(
    'the bpffs is unmounted, then there is another',
    () => 'umount /sys/fs/bpf',
    () => MOUNT_BPFFS,
  ),
  files(
    'another bpffs is mounted over ours, and taken away',
    () => MOUNT_BPFFS,
    () => 'umount /sys/fs/bpf',
  ),
  files(
    'the pins are removed',
    () => `rm -rf ${PINS}/*`,
    () => ':',
  ),
  {
    name: 'the agent may open no more descriptors, and has something to repair',
    cutsPath: false,
    cause: async ({ host }, lasting) => {
      const limit = (soft: number): Promise<string> => host.shell(`prlimit --pid ${host.agentPid} --nofile=${soft}:`);
      await limit(3);
      await host.inNetns('nft flush ruleset');
      await lasting();
      await limit(1024);
    },
  },
  files(
    "its disks are full, the log's too",
    ({ host }) =>
      `for disk in /run/segue /var/lib/segue ${host.logDisk}; do head -c 16M /dev/zero >$disk/full 2>/dev/null || :; done`,
    ({ host }) => `rm -f /run/segue/full /var/lib/segue/full ${host.logDisk}/full`,
  ),
  shell(
    'the port is renamed',
    true,
    ({ port }) => `ip link set dev ${port} name moved`,
    ({ port }) => `ip link set dev moved name ${port}`,
  ),
  shell(
    'the uplink is renamed',
    true,
    () => `ip link set dev ${UPLINK} name moved`,
    () => `ip link set dev moved name ${UPLINK}`,
  ),
  shell(
    'the uplink is down',
    true,
    // Its routes go with it: who made them makes them again.
    ({ network }) =>
      `cd ${network.directory}; ip -6 route save table main dev ${UPLINK} >routes; ip -6 addr save dev ${UPLINK} >addresses; ` +
      `ip link set dev ${UPLINK} down`,
    ({ network }) =>
      `cd ${network.directory}; ip link set dev ${UPLINK} up; ip -6 addr restore <addresses 2>/dev/null || :; ` +
      'ip -6 route restore <routes 2>/dev/null || :',
  ),
  {
    name: 'others want to write: apply, purge, a second agent',
    cutsPath: false,
    cause: async ({ host }) => {
      for (const words of [['apply'], ['purge'], ['agent']]) {
        const { status, stderr } = await host.segue(...words, '-c', host.nodeFile);
        if (status === 0 || !stderr.includes('stop it first'))
          throw new Error(`${words.join(' ')}: ${status} ${stderr}`);
      }
    },
  },
  written('empty', ''),
  written('cut in its midst', 'version: 1\nsidBlock: fd00:5e::/3'),
  written('no text', Buffer.from(Array.from({ length: 65_536 }, (_, index) => (index * 7919) & 255))),
  written('without ports', 'version: 1\nsidBlock: fd00:5e::/32\nnodes: []\ntenants: []\nports: []\n'),
  written('deep', '['.repeat(100_000)),
  intent(
    'a FIFO',
    (path) => {
      void runIn(undefined, ['mkfifo', path]);
    },
    remove,
  ),
  intent(
    'a directory',
    (path) => {
      mkdirSync(path);
    },
    remove,
  ),
  shell('nftables are flushed', false, () => 'nft flush ruleset'),
  shell('the rules and routes of segue are flushed', true, () =>
    [
      'for family in -4 -6; do ip $family route flush table all proto 94; done',
      'for pref in 990 991 32762 32763 32764; do while ip -6 rule del pref $pref 2>/dev/null; do :; done; done',
    ].join('\n'),
  ),
  shell(
    "the underlay's routes are flushed",
    true,
    ({ network }) =>
      `cd ${network.directory}; ip -6 route save table main >routes; for proto in boot static; do ip -6 route flush table main proto $proto; done; ` +
      'ip -6 route del default 2>/dev/null || :',
    ({ network }) => `cd ${network.directory}; ip -6 route restore <routes 2>/dev/null || :`,
  ),
  shell('the neighbours are flushed', true, () => 'ip -6 neigh flush all; ip neigh flush all'),
  {
    name: 'the agent is stopped for a while',
    cutsPath: false,
    cause: async ({ host }, lasting) => {
      process.kill(host.agentPid, 'SIGSTOP');
      await lasting();
      process.kill(host.agentPid, 'SIGCONT');
    },
  },
];
