/** Progress of long work: on a terminal's standard error and in the agent's log, and nowhere else. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { runIn } from '../../../lab/process.js';
import { AgentRun } from '../../netns/lib/agent-run.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';

const PORTS = 100_000;
const FRESH_LINE = '\r\u001b[K';

const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }), (made) => {
  made.files();
  return Promise.resolve();
});
const file = join(network.directory, 'hv1.yaml');
const intentFile = join(network.directory, 'large.json');
const command = (...words: string[]): string[] => [process.execPath, SEGUE_COMMAND, ...words, '-c', file];

beforeAll(() => {
  const intent = network.intent();
  const ports = Array.from({ length: PORTS }, (_, index) => {
    const [high, low] = [(index >> 16).toString(16).padStart(2, '0'), (index & 0xffff).toString(16).padStart(4, '0')];
    return {
      ...{ name: `far-${index}`, tenant: 't100', node: network.netns('hv2'), interface: `far-${index}`, prefixes: [] },
      ...{ mac: `02:00:01:${high}:${low.slice(0, 2)}:${low.slice(2)}`, addresses: [`cafe::1:${high}:${low}`] },
    };
  });
  writeFileSync(intentFile, JSON.stringify({ ...intent, ports: [...intent.ports, ...ports] }));
});

it('progress is one line on a terminal, erased at the end', async () => {
  const argv = ['script', '-qec', command('apply', '-f', intentFile).join(' '), '/dev/null'];
  const { status, stdout } = await runIn(undefined, argv);
  expect(status).toBe(0);
  const lines = stdout.split(FRESH_LINE);
  expect(lines).toContainEqual(expect.stringMatching(/^(comparing|writing) [\w-]+: \d+ of \d+$/));
  // What it says last is what it says without a terminal.
  expect(lines.at(-1)).toMatch(/^\S+: \d+ created/);
});

it('progress is not shown when standard error is not a terminal', async () => {
  expect(await runIn(undefined, command('apply', '-f', intentFile))).toMatchObject({ status: 0, stderr: '' });
});

it("progress is in the agent's log", async () => {
  const config = { ...network.config('hv1'), intent: intentFile };
  const run = await AgentRun.startWith(config, file, { progressMs: 1 });
  await run.stop();
  const said = run.lines.filter(({ msg }) => msg === 'still at work').map(({ at }) => at);
  expect(said).toContainEqual(expect.stringMatching(/^comparing [\w-]+: \d+ of \d+$/));
});
