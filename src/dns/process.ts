/** The process of the DNS service. */
import { runDirectory } from '../agent/run-directory.js';
import { ServiceProcess } from '../service/process.js';
import { DnsServer } from './server.js';
import type { Logger } from '../agent/log.js';
import type { DnsConfig, NodeConfig } from '../intent/types.js';

export class DnsProcess extends ServiceProcess {
  constructor({ node }: NodeConfig, dns: DnsConfig, log: Logger) {
    const make = (): DnsServer => new DnsServer(dns, `${runDirectory(node)}/ports`, log);
    super({ node, name: 'the DNS service', log, make });
  }
}
