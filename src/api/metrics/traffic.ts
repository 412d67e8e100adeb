/** Traffic of ports and tenants, from the kernel's counters of their interfaces. */
import { readRegularFile } from '../../intent/regular-file.js';
import { heldPorts } from '../../observe/inspect/ports.js';
import { replaceFile } from '../../kernel/replace-file.js';
import { decodeLinkStats, dumpLinkStatsRequest } from 'netlink-ts';
import { Family } from './exposition.js';
import type { ShowContext } from '../../observe/inspect/context.js';

/** In the VM's direction: packets that it sent are transmitted. */
interface Traffic {
  transmitPackets: number;
  transmitBytes: number;
  receivePackets: number;
  receiveBytes: number;
}

const FIELDS = ['transmitPackets', 'transmitBytes', 'receivePackets', 'receiveBytes'] as const;
const NAMES: Readonly<Record<keyof Traffic, string>> = {
  transmitPackets: 'transmit_packets_total',
  transmitBytes: 'transmit_bytes_total',
  receivePackets: 'receive_packets_total',
  receiveBytes: 'receive_bytes_total',
};

interface PortTraffic extends Traffic {
  ifindex: number;
  interface: string;
  port: string;
  tenant: string;
}

function readTraffic({ kernel, names }: ShowContext): PortTraffic[] {
  const stats = new Map(kernel.socket.dump(dumpLinkStatsRequest(), decodeLinkStats).map((one) => [one.ifindex, one]));
  return heldPorts(kernel, names).flatMap(({ link: { index, name }, tenant }) => {
    const found = stats.get(index);
    if (found === undefined) return [];
    const { rx, tx } = found;
    const counted = {
      ...{ transmitPackets: Number(rx.packets), transmitBytes: Number(rx.bytes) },
      ...{ receivePackets: Number(tx.packets), receiveBytes: Number(tx.bytes) },
    };
    return [{ ifindex: index, interface: name, port: names.portOfInterface(name) ?? '', tenant, ...counted }];
  });
}

function familiesOf(what: 'port' | 'tenant'): Family[] {
  return FIELDS.map((field) => {
    const [direction = '', unit = ''] = NAMES[field].split('_');
    const verb = direction === 'transmit' ? 'sent' : 'received';
    return new Family(`${what}_${NAMES[field]}`, 'counter', `The VMs of a ${what} ${verb}: ${unit}.`);
  });
}

/** Ports and tenants with their own series: 4,000 and 16,384 series. */
const MAX_PORTS = 1000;
const MAX_TENANTS = 4096;

/** The number without series, which shows that the limit was reached. */
function omittedMetric(what: 'port' | 'tenant', count: number): Family {
  const help = `Further ${what}s of this node, beyond the limit, which have no series.`;
  return new Family(`${what}s_omitted`, 'gauge', help).add({}, count);
}

/** Four series for each port, up to the limit, by name. */
export function portMetrics(context: ShowContext): Family[] {
  const families = familiesOf('port');
  const all = readTraffic(context).sort((a, b) => compare(a.port, b.port) || compare(a.interface, b.interface));
  families.push(omittedMetric('port', Math.max(0, all.length - MAX_PORTS)));
  for (const one of all.slice(0, MAX_PORTS)) {
    // An interface that is no port of the intent has an empty port name, which several may share.
    const labels = { port: one.port, tenant: one.tenant, interface: one.interface };
    FIELDS.forEach((field, index) => families[index]?.add(labels, one[field]));
  }
  return families;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

interface Totals {
  /** Totals by tenant. */
  tenants: Record<string, Traffic>;
  /** Last readings of ports by interface: `<ifindex> <name> <tenant>`. */
  ports: Record<string, Traffic>;
}

const NOTHING: Traffic = { transmitPackets: 0, transmitBytes: 0, receivePackets: 0, receiveBytes: 0 };

/**
 * Four series for each tenant with local ports. A sum over ports would fall whenever a port is removed, which looks like a counter reset. So
 * increases of ports are added up, and saved among the run-time files for the next process.
 */
export class TenantTraffic {
  readonly #file: string;
  #totals: Totals | undefined;

  /** @param file file of the totals */
  constructor(file: string) {
    this.#file = file;
  }

  metrics(context: ShowContext): Family[] {
    const totals = this.#add(readTraffic(context));
    const families = familiesOf('tenant');
    const all = Object.entries(totals.tenants).sort(([a], [b]) => compare(a, b));
    families.push(omittedMetric('tenant', Math.max(0, all.length - MAX_TENANTS)));
    for (const [tenant, traffic] of all.slice(0, MAX_TENANTS)) {
      FIELDS.forEach((field, index) => families[index]?.add({ tenant }, traffic[field]));
    }
    return families;
  }

  #add(read: readonly PortTraffic[]): Totals {
    const before = this.#totals ?? readTotals(this.#file);
    const totals: Totals = { tenants: {}, ports: {} };
    for (const one of read) {
      const key = `${one.ifindex} ${one.interface} ${one.tenant}`;
      const last = before.ports[key];
      const sum = (totals.tenants[one.tenant] ??= { ...(before.tenants[one.tenant] ?? NOTHING) });
      // Lower counters belong to another interface.
      const isSame = last !== undefined && FIELDS.every((field) => last[field] <= one[field]);
      for (const field of FIELDS) sum[field] += one[field] - (isSame ? last[field] : 0);
      totals.ports[key] = Object.fromEntries(FIELDS.map((field) => [field, one[field]])) as unknown as Traffic;
    }
    this.#totals = totals;
    try {
      replaceFile(this.#file, JSON.stringify(totals), 0o600);
    } catch {
      // If saving fails, the next process restarts the counters at zero, which is allowed.
    }
    return totals;
  }
}

function readTotals(file: string): Totals {
  try {
    const { tenants, ports } = JSON.parse(readRegularFile(file).toString()) as Totals;
    const isTraffic = (one: Traffic): boolean => FIELDS.every((field) => Number.isFinite(one[field]));
    if ([...Object.values(tenants), ...Object.values(ports)].every(isTraffic)) return { tenants, ports };
  } catch {
    // The file does not exist, or has another format.
  }
  return { tenants: {}, ports: {} };
}
