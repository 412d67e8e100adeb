import { writeAddress } from 'netlink-ts/inet';
import { ownVrfs } from '../../vrf/ours.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Intent } from '../../intent/types.js';
import type { OwnVrf } from '../../vrf/ours.js';

/** Length of a locator in bytes, in which all SIDs of a node agree. */
const LOCATOR_BYTES = 6;

/** Names of numbers and addresses: tenants from the VRFs' aliases, nodes and ports from the intent, if there is one. */
export class Names {
  readonly vrfs: readonly OwnVrf[];
  readonly intent: Intent | undefined;
  readonly #byTable = new Map<number, OwnVrf>();
  readonly #byIndex = new Map<number, OwnVrf>();
  readonly #tenants = new Map<number, string>();
  readonly #nodes = new Map<string, string>();
  readonly #ports = new Map<string, string>();

  /** @param node its ports are preferred when an interface is named */
  constructor(kernel: Kernel, node: string, intent: Intent | undefined) {
    this.intent = intent;
    this.vrfs = ownVrfs(kernel);
    for (const vrf of this.vrfs) {
      this.#byTable.set(vrf.table, vrf);
      this.#byIndex.set(vrf.index, vrf);
    }
    for (const { name, id } of intent?.tenants ?? []) this.#tenants.set(id, name);
    for (const { name, locator } of intent?.nodes ?? []) this.#nodes.set(locatorKey(locator.split('/')[0] ?? ''), name);
    for (const port of intent?.ports ?? []) if (port.node === node) this.#ports.set(port.interface, port.name);
  }

  /** Name of a tenant, or its id as text. */
  tenantOfId(id: number): string {
    return this.#tenants.get(id) ?? `tenant ${id}`;
  }

  vrfOfTable(table: number): OwnVrf | undefined {
    return this.#byTable.get(table);
  }

  vrfOfIndex(index: number | undefined): OwnVrf | undefined {
    return index === undefined ? undefined : this.#byIndex.get(index);
  }

  /** The node whose locator contains a SID. */
  nodeOfSid(sid: string | undefined): string | undefined {
    return sid === undefined ? undefined : this.#nodes.get(locatorKey(sid));
  }

  portOfInterface(name: string): string | undefined {
    return this.#ports.get(name);
  }
}

function locatorKey(address: string): string {
  const bytes = Buffer.alloc(16);
  writeAddress(address, bytes, 0);
  return bytes.toString('hex', 0, LOCATOR_BYTES);
}
