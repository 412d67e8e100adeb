import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../lab/paths.js';
import { Background, runIn } from '../../lab/process.js';
import { UnixDatagramReceiver } from '../../src/kernel/unix-datagram.js';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';

/** An emulated machine needs 10 s to load the command. */
const START_MS = 300_000;

describe('the process `segue agent`', () => {
  const network = useNetwork(selftestTopology(), async (built) => {
    await built.apply('hv2');
  });
  const running = new Set<Background>();
  const start = async (env: NodeJS.ProcessEnv = {}): Promise<Background> => {
    const file = network.files().nodes.get('hv1') ?? '';
    const argv = [process.execPath, SEGUE_COMMAND, 'agent', '-c', file, '--sweep', '3600'];
    const agent = new Background(undefined, argv, { env: { ...process.env, ...env } });
    running.add(agent);
    await agent.waitFor(/converged on the intent/, START_MS);
    return agent;
  };
  afterAll(async () => {
    for (const agent of running) await agent.stop('SIGKILL');
  });

  it('reports readiness and stopping; forwarding survives stop, start and kill', async () => {
    const socket = join(network.directory, 'notify');
    const receiver = new UnixDatagramReceiver(socket);
    const first = await start({ NOTIFY_SOCKET: socket });
    await expect.poll(() => receiver.receive(), { timeout: 60_000 }).toContain('READY=1');
    for (const address of ['10.0.0.2', 'cafe::2']) {
      expect(await network.ping('t100-1', address, { count: 2 })).toMatchObject({ sent: 2, received: 2 });
    }

    // Five echo requests a second through all that follows.
    const netns = network.netns('t100-1');
    const pings = ['10.0.0.2', 'cafe::2'].map((address) => new Background(netns, ['ping', '-n', '-i', '0.2', address]));
    await first.stop('SIGTERM');
    expect(first.child.exitCode).toBe(0);
    expect(receiver.receive()).toContain('STOPPING=1');
    receiver.close();
    expect(await network.diff('hv1')).toEqual([]);

    const second = await start();
    expect(second.output).toMatch(/"create":0,"replace":0,"delete":0,"ms":[0-9.]+,"msg":"converged on the intent"/);
    await second.stop('SIGKILL');
    expect(second.child.signalCode).toBe('SIGKILL');
    expect(await network.diff('hv1')).toEqual([]);
    const third = await start();
    expect(third.output).toMatch(/"create":0,"replace":0,"delete":0/);

    for (const ping of pings) {
      await ping.stop('SIGINT');
      const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(ping.output) ?? [];
      expect(Number(sent)).toBeGreaterThan(10);
      // The last request may be on its way when ping is told to end.
      expect(Number(sent) - Number(received)).toBeLessThanOrEqual(1);
    }

    // SIGHUP reads the node file again; a bad one is refused and what ran keeps running.
    const file = network.files().nodes.get('hv1') ?? '';
    writeFileSync(file, 'node: [\n');
    third.child.kill('SIGHUP');
    await third.waitFor(/the task failed, and is tried again; forwarding continues/, START_MS);
    const own = `node: ${network.netns('hv1')}\nnetns: ${network.netns('hv1')}\nuplinks: [eth0]\ndataplane: kernel\n`;
    writeFileSync(file, `${own}mtu: 1300\nintent: intent.yaml\n`);
    third.child.kill('SIGHUP');
    await third.waitFor(/planned again/, START_MS);
    expect(await network.ip('hv1', 'link show dev t100-1')).toMatch(/mtu 1260/);

    const purge = await runIn(undefined, [process.execPath, SEGUE_COMMAND, 'purge', '-c', file]);
    expect(purge).toMatchObject({ status: 1, stdout: '' });
    expect(purge.stderr).toContain(
      `segue agent runs, pid ${third.child.pid}, node file ${file}: stop it first (systemctl stop segue)`,
    );
    await third.stop('SIGTERM');
    running.clear();
  });
});
