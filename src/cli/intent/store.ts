/** Opens the fleet's store for a command. */
import { hostname, userInfo } from 'node:os';
import { EtcdClient } from '../../fleet/store/etcd-client.js';
import { loadFleetConfig } from '../../fleet/fleet-file.js';
import { IntentWriter } from '../../fleet/store/writer.js';
import type { FleetConfig } from '../../fleet/types.js';
import type { Authorship } from '../../fleet/store/writer.js';

export interface FleetOptions {
  /** The fleet file. */
  config: string;
  json?: boolean;
}

export interface Authored extends FleetOptions {
  reason: string;
  author?: string;
}

export async function withStore<T>(
  { config }: FleetOptions,
  use: (client: EtcdClient, fleet: FleetConfig) => Promise<T>,
): Promise<T> {
  const fleet = loadFleetConfig(config);
  const client = new EtcdClient(fleet.etcd);
  try {
    return await use(client, fleet);
  } finally {
    client.close();
  }
}

export async function withWriter<T>(
  options: FleetOptions,
  use: (writer: IntentWriter, client: EtcdClient, fleet: FleetConfig) => Promise<T>,
): Promise<T> {
  return withStore(options, async (client, fleet) => use(await IntentWriter.open(client, fleet.realm), client, fleet));
}

export function authorshipOf({ author, reason }: Authored): Authorship {
  return { author: author ?? `${userInfo().username}@${hostname()}`, reason };
}
