/** Two tenants whose VMs have the same MAC address and the same addresses, and ask their node's metadata service. */
import { pino } from 'pino';
import { scopeTo } from '../../../src/app/intent.js';
import { MetadataProcess } from '../../../src/metadata/process.js';
import { runChecks } from '../../../src/observe/doctor/doctor.js';
import { SUBNET4, SUBNET6, twins, withPorts } from '../dhcp/cloud.js';
import type { Dataplane, Intent, MetadataConfig } from '../../../src/intent/types.js';
import type { LabNode, Topology } from '../../../lab/topology.js';
import type { TestNetwork } from '../../netns/lib/network.js';

export const METADATA4 = '169.254.169.254';
export const METADATA6 = 'fd00:ec2::254';
export const METADATA_LINK = 'fe80::a9fe:a9fe';
/** The services' namespace of a node. */
export const servicesOf = (network: TestNetwork, node = 'hv1'): string => `segue-${network.netns(node)}`;

export const RED_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJlc3QgcmVkIGtleSBvZiBhbGwgdGhlIHJlZCBvbmVz red@example';
export const BLUE_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJlc3QgYmx1ZSBrZXkgb2YgYWxsIHRoZSBibHVlIG9u blue@example';
/** More than one segment of the largest size, and less than 64 kB. */
export const USER_DATA = `#cloud-config\n${'# a line of user data\n'.repeat(2500)}`;

const FILES: MetadataConfig = { from: 'files', rate: 10_000, hopLimit: 64 };

export function cloud(dataplane: Dataplane, metadata: MetadataConfig = FILES): Omit<Topology, 'prefix'> {
  const subnets = [SUBNET4, SUBNET6];
  const topology = twins(dataplane, { red: subnets, blue: subnets });
  const nodes = topology.nodes.map((node): LabNode => (node.name === 'hv1' ? { ...node, metadata } : node));
  return { ...topology, nodes };
}

export function intentOf(network: TestNetwork): Intent {
  return withPorts(network.intent(), {
    red: { instance: 'inst-red', project: 'project-red', hostname: 'red-a', sshKeys: [RED_KEY], userData: USER_DATA },
    blue: { instance: 'inst-blue', project: 'project-blue', hostname: 'blue-a', sshKeys: [BLUE_KEY] },
  });
}

/** The metadata service of hv1, in this process. */
export async function serve(network: TestNetwork, other: Partial<MetadataConfig> = {}): Promise<MetadataProcess> {
  const config = network.config('hv1');
  const { metadata } = config;
  if (metadata === undefined) throw new Error('hv1: no metadata');
  const service = new MetadataProcess(config, { ...metadata, ...other }, pino({ level: 'silent' }));
  await service.start();
  return service;
}

/** What a VM is answered: the status, and the text. */
export async function ask(
  network: TestNetwork,
  vm: string,
  url: string,
  ...more: string[]
): Promise<{ status: number; text: string }> {
  const { stdout } = await network.run(vm, ['curl', '-sg', '--max-time', '60', '-w', '\n%{http_code}', ...more, url]);
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end + 1)), text: stdout.slice(0, end) };
}

/** What the doctor says of hv1's metadata service: status, name, and what. */
export async function findingsOf(network: TestNetwork): Promise<string[]> {
  const instance = network.instance('hv1');
  const intent = scopeTo(intentOf(network), instance.config.node);
  const { checks } = await runChecks({ instance, file: '', defaultFile: '', intent, intentError: undefined });
  return checks
    .filter(({ name }) => name.startsWith('port.metadata'))
    .map(({ status, name, what }) => `${status} ${name}: ${what}`);
}
