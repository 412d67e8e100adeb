/** A crowded hypervisor's agent, which listens with TLS; what it says of itself, and what it and its API use of the processor. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SEGUE_COMMAND } from '../../lab/paths.js';
import { Background, outputOf } from '../../lab/process.js';
import { runDirectory } from '../../src/agent/run-directory.js';
import { SOCKET_FILE } from '../../src/api/protocol.js';
import { makeCrowd } from './crowd.js';
import type { AgentState } from '../../src/agent/telemetry.js';
import type { CrowdOptions } from './crowd.js';

const ATTEMPTS = 20;
const PAUSE_MS = 500;
const CONVERGE_MS = 600_000;
/** An address of this machine that nobody else listens on. */
export const OWN_ADDRESS = `127.${process.pid >> 16}.${(process.pid >> 8) & 0xff}.${process.pid & 0xff}`;
const KEY = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
/** Of a CA, the agent and Prometheus, in the directory where it runs. */
const CERTIFICATES = `openssl req -x509 ${KEY} -keyout ca.key -out ca.pem -subj /CN=ca -days 2
for name in api prometheus; do
  openssl req ${KEY} -keyout $name.key -out $name.csr -subj /CN=$name
  echo subjectAltName=IP:${OWN_ADDRESS} >$name.ext
  openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $name.pem -days 2 -extfile $name.ext
done`;

export interface Answer {
  bytes: number;
  text: string;
}

export class CrowdedAgent {
  static readonly address = `${OWN_ADDRESS}:9443`;
  readonly #node: string;
  readonly #program: Background;

  private constructor(node: string, program: Background) {
    this.#node = node;
    this.#program = program;
  }

  /** @param options the namespace is there */
  static async start(options: CrowdOptions): Promise<CrowdedAgent> {
    const { directory, netns } = options;
    const file = await makeCrowd(options);
    await outputOf(undefined, ['bash', '-euc', `cd "$1"; ${CERTIFICATES}`, 'bash', directory]);
    const tls = { cert: 'api.pem', key: 'api.key', clientCa: 'ca.pem' };
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...config, api: { listen: CrowdedAgent.address, tls } }));
    const program = new Background(undefined, [SEGUE_COMMAND, 'agent', '-c', file]);
    await program.waitFor(/converged on the intent/, CONVERGE_MS);
    await program.waitFor(new RegExp(`API: listening on ${CrowdedAgent.address.replace(':', ' port ')}`), CONVERGE_MS);
    return new CrowdedAgent(netns, program);
  }

  /** Reads an answer by the socket, one that is made for it. */
  read(path: string): Promise<Answer> {
    const socketPath = join(runDirectory(this.#node), SOCKET_FILE);
    return new Promise((resolve, reject) => {
      const options = { socketPath, path, agent: false, headers: { 'cache-control': 'no-cache' } };
      const asked = request(options, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => {
          if (answer.statusCode === 200) resolve({ bytes: text.length, text });
          else reject(new Error(`${path}: ${answer.statusCode ?? '?'} ${text}`));
        });
      });
      asked.on('error', reject).end();
    });
  }

  /** Begins the measurement of the event loop anew. On a machine that others keep busy an agent may not answer within the API's 2 s: it is asked again. */
  async process(): Promise<AgentState['process']> {
    for (let attempt = 1; ; attempt++) {
      try {
        return (JSON.parse((await this.read('/v1/status')).text) as AgentState).process;
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await sleep(PAUSE_MS);
      }
    }
  }

  /** Milliseconds of processor since each began: the agent, and the processes that it started. */
  cpuMs(): { agent: number; api: number } {
    const { pid = 0 } = this.#program.child;
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean),
    );
    return { agent: processorMs(String(pid)), api: children.reduce((sum, child) => sum + processorMs(child), 0) };
  }

  async stop(): Promise<void> {
    await this.#program.stop();
    rmSync(runDirectory(this.#node), { recursive: true, force: true });
  }
}

const TICK_MS = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Of a process and the children that it waited for (proc(5): utime, stime, cutime, cstime). */
function processorMs(pid: string): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_MS;
}
