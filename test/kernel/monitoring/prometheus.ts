/** A real Prometheus over agents in namespaces. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { Background } from '../../../lab/process.js';

const START_MS = 300_000;
const RULES = fileURLToPath(new URL('../../../packaging/prometheus/segue.rules.yaml', import.meta.url));
/** What is waited for before an alert fires, in place of minutes. */
const FOR = '4s';

export interface Sample {
  metric: Record<string, string>;
  value: [time: number, value: string];
}

export interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: string;
}

export class Prometheus {
  readonly #program: Background;
  readonly #url: string;

  private constructor(program: Background, url: string) {
    this.#program = program;
    this.#url = url;
  }

  /**
   * @param nodes the agents' nodes by the name that `instance` gets
   * @param relayPort of startRelay
   */
  static async start(directory: string, nodes: ReadonlyMap<string, string>, relayPort: number): Promise<Prometheus> {
    const path = (name: string): string => join(directory, name);
    const rules = parse(readFileSync(RULES, 'utf8')) as { groups: { rules: { for?: string }[] }[] };
    for (const rule of rules.groups.flatMap((group) => group.rules)) if (rule.for !== undefined) rule.for = FOR;
    // A sample of 3 minutes ago is as good as now where scrapes are minutes apart.
    writeFileSync(path('rules.yaml'), stringify(rules).replaceAll('[3m]', '[3s]'));
    const job = (name: string, where: string): object => ({
      job_name: name,
      static_configs: [...nodes].map(([instance, node]) => ({
        targets: [`127.0.0.1:${relayPort}`],
        labels: { instance, __metrics_path__: `/${node}${where}` },
      })),
    });
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [path('rules.yaml')],
      scrape_configs: [
        job('segue', '/metrics'),
        job('segue-ports', '/metrics/ports'),
        job('segue-tenants', '/metrics/tenants'),
      ],
    };
    writeFileSync(path('prometheus.yaml'), stringify(config));
    const argv = [
      ...['prometheus', `--config.file=${path('prometheus.yaml')}`, `--storage.tsdb.path=${path('tsdb')}`],
      '--web.listen-address=127.0.0.1:0',
    ];
    const program = new Background(undefined, argv);
    await program.waitFor(/ready to receive web requests/, START_MS);
    const port = /[Ll]istening on.*address=127\.0\.0\.1:([0-9]+)/.exec(program.output)?.[1] ?? '';
    return new Prometheus(program, `http://127.0.0.1:${port}/api/v1`);
  }

  async #get(path: string): Promise<unknown> {
    const answer = (await (await fetch(`${this.#url}/${path}`)).json()) as { status: string; data: unknown };
    if (answer.status !== 'success') throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer.data;
  }

  async query(expr: string): Promise<Sample[]> {
    const { result } = (await this.#get(`query?query=${encodeURIComponent(expr)}`)) as { result: Sample[] };
    return result;
  }

  async names(): Promise<string[]> {
    return (await this.#get('label/__name__/values')) as string[];
  }

  /** Those that fire. */
  async alerts(): Promise<Alert[]> {
    const { alerts } = (await this.#get('alerts')) as { alerts: Alert[] };
    return alerts.filter(({ state }) => state === 'firing');
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}
