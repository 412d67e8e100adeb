import { writeAddress } from 'netlink-ts/inet';
import { ALIAS_PREFIX } from '../../vrf/plan.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Intent } from '../../intent/types.js';
import type { Link } from 'netlink-ts';

/** Bytes of a locator: SIDs of one node agree in them. */
const LOCATOR_BYTES = 6;

/** A tenant's VRF as the kernel has it. */
export interface OwnVrf {
  name: string;
  index: number;
  table: number;
  /** From the alias. */
  tenant: string;
  up: boolean;
}

/** What numbers and addresses are called: tenants from the VRFs' aliases, nodes and ports from the intent when there is one. */
export class Names {
  readonly vrfs: readonly OwnVrf[];
  readonly intent: Intent | undefined;
  readonly #byTable = new Map<number, OwnVrf>();
  readonly #byIndex = new Map<number, OwnVrf>();
  readonly #tenants = new Map<number, string>();
  readonly #nodes = new Map<string, string>();
  readonly #ports = new Map<string, string>();

  /** @param node whose ports are meant when an interface is named */
  constructor(kernel: Kernel, node: string, intent: Intent | undefined) {
    this.intent = intent;
    this.vrfs = [...kernel.links.all()].flatMap((link) => ownVrf(link) ?? []).sort((a, b) => a.table - b.table);
    for (const vrf of this.vrfs) {
      this.#byTable.set(vrf.table, vrf);
      this.#byIndex.set(vrf.index, vrf);
    }
    for (const { name, id } of intent?.tenants ?? []) this.#tenants.set(id, name);
    for (const { name, locator } of intent?.nodes ?? []) this.#nodes.set(locatorKey(locator.split('/')[0] ?? ''), name);
    for (const port of intent?.ports ?? []) if (port.node === node) this.#ports.set(port.interface, port.name);
  }

  /** A tenant's name, or its id in words. */
  tenantOfId(id: number): string {
    return this.#tenants.get(id) ?? `tenant ${id}`;
  }

  vrfOfTable(table: number): OwnVrf | undefined {
    return this.#byTable.get(table);
  }

  vrfOfIndex(index: number | undefined): OwnVrf | undefined {
    return index === undefined ? undefined : this.#byIndex.get(index);
  }

  /** The node in whose locator a SID lies. */
  nodeOfSid(sid: string | undefined): string | undefined {
    return sid === undefined ? undefined : this.#nodes.get(locatorKey(sid));
  }

  portOfInterface(name: string): string | undefined {
    return this.#ports.get(name);
  }
}

function ownVrf(link: Link): OwnVrf | undefined {
  if (link.kind !== 'vrf' || link.vrfTable === undefined || !link.alias?.startsWith(ALIAS_PREFIX)) return undefined;
  const { name, index, vrfTable: table, up } = link;
  return { name, index, table, tenant: link.alias.slice(ALIAS_PREFIX.length), up };
}

function locatorKey(address: string): string {
  const bytes = Buffer.alloc(16);
  writeAddress(address, bytes, 0);
  return bytes.toString('hex', 0, LOCATOR_BYTES);
}
