/** The process of the metadata service. */
import { statSync } from 'node:fs';
import { runDirectory } from '../agent/run-directory.js';
import { readRegularFile } from '../intent/regular-file.js';
import { ServiceProcess } from '../service/process.js';
import { MetadataServer } from './server.js';
import type { Logger } from '../agent/log.js';
import type { MetadataConfig, NodeConfig } from '../intent/types.js';

export class MetadataProcess extends ServiceProcess {
  /** @throws Error if the secret cannot be read */
  constructor({ node }: NodeConfig, metadata: MetadataConfig, log: Logger) {
    const { from, rate } = metadata;
    const source = from === 'files' ? from : { url: from.upstream, secret: readSecret(from.secret) };
    const make = (): MetadataServer =>
      new MetadataServer({ ports: `${runDirectory(node)}/ports`, from: source, rate, log });
    super({ node, name: 'the metadata service', log, make });
  }
}

/** @throws Error */
function readSecret(path: string): string {
  const secret = readRegularFile(path).toString('utf8').trim();
  if (secret === '') throw new Error(`${path}: empty: expected the secret that Nova has, too`);
  if ((statSync(path).mode & 0o007) !== 0) throw new Error(`${path}: readable by everybody: expected mode 0640`);
  return secret;
}
