/** Two tenants whose VMs have the same MAC address and the same addresses, all of which their ports tell them. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestNetwork } from '../../netns/lib/network.js';
import type { LabVm, Topology } from '../../../lab/topology.js';
import type { Dataplane, Intent, Port, Subnet } from '../../../src/intent/types.js';

const MAC = '02:00:00:00:00:0a';
export const ADDRESS4 = '10.0.0.10';
export const ADDRESS6 = 'fd00:10::a';
export const GATEWAY4 = '10.0.0.1';
export const DNS4 = '169.254.169.253';
export const DNS6 = 'fd00:ec2::253';
/** Bytes: Ethernet's 1500 less the outer header. */
export const MTU = 1460;

export const SUBNET4: Subnet = {
  prefix: '10.0.0.0/24',
  gateway: GATEWAY4,
  dhcp: {
    dns: [DNS4, '10.0.0.53'],
    domain: 'red.example',
    search: ['red.example', 'example'],
    ntp: ['169.254.169.123'],
    lease: 3600,
  },
};
export const SUBNET6: Subnet = {
  prefix: 'fd00:10::/64',
  gateway: 'fd00:10::1',
  dhcp: { dns: [DNS6], search: ['red.example'], lease: 3600 },
  ra: { mode: 'dhcpv6' },
};

/** VMs `red` and `blue` on hv1, which nothing tells apart but their ports, and a peer of each on hv2. */
export function twins(dataplane: Dataplane, subnets: { red: Subnet[]; blue: Subnet[] }): Omit<Topology, 'prefix'> {
  const vm = (tenant: string): LabVm => ({
    name: tenant,
    tenant,
    node: 'hv1',
    mac: MAC,
    addresses: [ADDRESS4, ADDRESS6],
  });
  const peer = (tenant: string): LabVm => ({
    ...{ name: `${tenant}-peer`, tenant, node: 'hv2', mac: '02:00:00:00:00:0b' },
    addresses: ['10.0.0.11', 'fd00:10::b'],
  });
  return {
    sidBlock: 'fd00:5e::/32',
    nodes: [
      { name: 'hv1', role: 'hypervisor', locator: 'fd00:5e:1::/48', dataplane },
      { name: 'hv2', role: 'hypervisor', locator: 'fd00:5e:2::/48', dataplane },
    ],
    tenants: [
      { name: 'red', id: 100, subnets: subnets.red },
      { name: 'blue', id: 200, subnets: subnets.blue },
    ],
    vms: [vm('red'), vm('blue'), peer('red'), peer('blue')],
    paths: [],
  };
}

/** The intent with more keys of ports. */
export function withPorts(intent: Intent, parts: Readonly<Record<string, Partial<Port>>>): Intent {
  return { ...intent, ports: intent.ports.map((port) => ({ ...port, ...parts[port.name] })) };
}

/** Takes from a VM what the laboratory configured: it is to be told. */
export async function forget(network: TestNetwork, vm: string): Promise<void> {
  await network.shell(
    vm,
    'ip -4 addr flush dev eth0; ip -6 addr flush dev eth0 scope global; ip -4 route flush table main; ip -6 route flush table main root fd00::/8; ip -6 route del default 2>/dev/null || true; ip neigh flush all',
  );
}

/** A script for a DHCP client's hooks: what a call had in its environment is written down. */
export class Hook {
  readonly script: string;
  readonly log: string;

  /** @param body shell, run before: what is written down was done */
  constructor(network: TestNetwork, name: string, body = '') {
    this.script = join(network.directory, name);
    this.log = `${this.script}.log`;
    writeFileSync(this.log, '');
    writeFileSync(
      this.script,
      `#!/bin/bash\n${body}\nenv | tr '\\n' '\\t' >>${this.log}; echo >>${this.log}\nexit 0\n`,
    );
    chmodSync(this.script, 0o755);
  }

  /** Each call's environment. */
  calls(): Record<string, string>[] {
    const lines = readFileSync(this.log, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => {
      const pairs = line.split('\t').flatMap((pair) => (pair.includes('=') ? [pair] : []));
      return Object.fromEntries(
        pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
      );
    });
  }

  /** The last call with a variable. @throws Error where there is none */
  last(variable: string): Record<string, string> {
    const call = this.calls().findLast((one) => one[variable] !== undefined);
    if (call === undefined)
      throw new Error(`${this.script}: no call with ${variable}: ${JSON.stringify(this.calls())}`);
    return call;
  }
}
