/** Debian's Prometheus: scrapes all it has, over TLS, as often as is usual. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Background, outputOf } from '../../lab/process.js';
import { CrowdedAgent, OWN_ADDRESS } from './agent.js';

const START_MS = 300_000;
const WEB = `${OWN_ADDRESS}:9090`;
const PATHS = { segue: '/metrics', 'segue-ports': '/metrics/ports', 'segue-tenants': '/metrics/tenants' };

export class Prometheus {
  readonly #program: Background;

  private constructor(program: Background) {
    this.#program = program;
  }

  /** @param directory has the certificates */
  static async start(directory: string): Promise<Prometheus> {
    const path = (name: string): string => join(directory, name);
    const tls_config = { ca_file: path('ca.pem'), cert_file: path('prometheus.pem'), key_file: path('prometheus.key') };
    const config = {
      global: { scrape_interval: '15s', scrape_timeout: '15s' },
      scrape_configs: Object.entries(PATHS).map(([job_name, metrics_path]) => ({
        ...{ job_name, metrics_path, scheme: 'https', tls_config },
        static_configs: [{ targets: [CrowdedAgent.address] }],
      })),
    };
    const file = path('prometheus.json');
    writeFileSync(file, JSON.stringify(config));
    const words = [`--config.file=${file}`, `--storage.tsdb.path=${path('tsdb')}`, `--web.listen-address=${WEB}`];
    const program = new Background(undefined, ['prometheus', ...words]);
    await program.waitFor(/ready to receive web requests/, START_MS);
    return new Prometheus(program);
  }

  /** The only value of an expression. @throws Error when it has another number of them */
  async value(expression: string): Promise<number> {
    const words = ['query', 'instant', '--format=json', `http://${WEB}`, expression];
    const found = JSON.parse(await outputOf(undefined, ['promtool', ...words])) as { value: [number, string] }[];
    const [first] = found;
    if (first === undefined || found.length > 1) throw new Error(`${expression}: ${found.length} values, expected one`);
    return Number(first.value[1]);
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}
