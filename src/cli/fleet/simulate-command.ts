/** `fleet simulate`: measures a simulated fleet of any size on this machine. */
import { Option } from 'commander';
import { loadLaboratory } from '../lab.js';
import { readNumber } from '../options.js';
import { WORKLOADS } from './simulate-request.js';
import type { Command } from 'commander';
import type { SimulateRequest } from './simulate-request.js';

/** Default number of ports of a tenant. */
const PORTS_PER_TENANT = 25;

export function addSimulateCommand(fleet: Command): void {
  fleet
    .command('simulate')
    .description(
      "simulate a fleet on this machine and measure it: real etcd, real feeds, the agent's own client of feeds",
    )
    .option('--nodes <n>', 'hypervisors', '100')
    .option('--ports <n>', 'ports in total', '10000')
    .option('--tenants <n>', `tenants (default: one for every ${PORTS_PER_TENANT} ports)`)
    .option('--spread <n>', 'nodes that the ports of one tenant are spread over', '5')
    .option('--feeds <n>', 'feeds, one process each', '2')
    .option('--hosts <n>', 'processes that run the nodes', '2')
    .option('--planners <n>', 'nodes that also plan their part', '20')
    .option('--rate <n>', 'commits per second, for workloads that change the intent', '100')
    .option('--seconds <n>', 'duration', '20')
    .addOption(new Option('--workload <name>', 'the workload').choices(WORKLOADS).default('churn'))
    .option('--disk <directory>', 'directory on disk for the data of etcd (default: in memory)')
    .option('--json <file>', 'also write the report to this file; -: standard output')
    .action(async (flags: Record<keyof SimulateRequest, string | undefined>) => {
      const { workload, disk, json, tenants, ...numbers } = flags;
      const read = (name: keyof typeof numbers, least: number, most: number): number =>
        readNumber(`--${name}`, numbers[name] ?? '', least, most);
      const nodes = read('nodes', 1, 60_000);
      const ports = read('ports', nodes, 10_000_000);
      const request: SimulateRequest = {
        ...{ nodes, ports, workload: workload as SimulateRequest['workload'] },
        tenants: readNumber('--tenants', tenants ?? String(Math.ceil(ports / PORTS_PER_TENANT)), 1, ports),
        spread: read('spread', 1, 60_000),
        ...{ feeds: read('feeds', 1, 20), hosts: read('hosts', 1, 64), planners: read('planners', 0, nodes) },
        ...{ rate: read('rate', 1, 10_000), seconds: read('seconds', 1, 3600) },
        ...(disk !== undefined && { disk }),
        ...(json !== undefined && { json }),
      };
      process.exitCode = await (await loadLaboratory()).simulate(request);
    });
}
