/**
 * A hypervisor behind FRR, which announces its locator by BGP to the router of the underlay, under traffic from another
 * hypervisor: every packet that the router sends to it arrives at the VM.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { Background, runIn } from '../../../lab/process.js';
import { ROUTER } from '../../../lab/topology.js';
import { Frr } from '../../netns/lib/frr.js';
import { useNetwork } from '../../netns/lib/network.js';
import { SEQFLOW } from '../../netns/lib/steering.js';
import { selftestTopology } from '../../netns/lib/topologies.js';

const LOCATOR = 'fd00:5e:1::/48';
const PORT = 5601;
/** Longer than any of what happens under it. */
const FLOW_SECONDS = 600;
const PATIENCE_MS = 300_000;
const HYPERVISOR_AS = 65_001;
const ROUTER_AS = 65_101;

/** What the router forwards to hv1, and what the VM gets. */
const COUNT_SENT = `table inet count {
  counter sent { }
  chain forward { type filter hook forward priority 0; oifname "hv1" ip6 daddr ${LOCATOR} counter name sent; }
}`;
const COUNT_GOT = `table inet count {
  counter got { }
  chain input { type filter hook input priority 0; udp dport ${PORT} counter name got; }
}`;

describe('a hypervisor that announces its locator by FRR', { timeout: 2 * PATIENCE_MS }, () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }), async (made) => {
    await made.apply('hv2');
    // From here on BGP has to say it.
    await made.ip(ROUTER, `-6 route del ${LOCATOR}`);
    await made.shell(ROUTER, `nft -f - <<'X'\n${COUNT_SENT}\nX`);
    await made.shell('t100-1', `nft -f - <<'X'\n${COUNT_GOT}\nX`);
  });
  const daemons: Frr[] = [];
  let agent: Background | undefined;
  let routes: Background;
  let receiver: Background;
  let sender: Background;

  beforeAll(async () => {
    const router = { address: 'fd00:ffff:1::1', as: ROUTER_AS };
    const node = { address: 'fd00:ffff:1::2', as: HYPERVISOR_AS };
    daemons.push(
      await Frr.start(network.netns(ROUTER), { as: ROUTER_AS, neighbour: node }),
      await Frr.start(network.netns('hv1'), {
        as: HYPERVISOR_AS,
        neighbour: router,
        redistribute: true,
      }),
    );
    routes = new Background(network.netns(ROUTER), ['ip', '-6', 'monitor', 'route']);
    receiver = new Background(network.netns('t100-1'), [SEQFLOW, 'receive', '-p', `${PORT}`]);
    await receiver.waitFor(/receiving/, PATIENCE_MS);
    const flow = ['-p', `${PORT}`, '-n', '4', '-r', '2000', '-t', `${FLOW_SECONDS}`];
    sender = new Background(network.netns('t100-2'), [SEQFLOW, 'send', '-a', '10.0.0.1', ...flow]);
  }, PATIENCE_MS);

  afterAll(async () => {
    for (const one of [sender, receiver, routes, agent]) await one?.stop('SIGKILL');
    for (const frr of daemons) await frr.stop();
  });

  const file = (): string => network.files().nodes.get('hv1') ?? '';
  const startAgent = async (): Promise<void> => {
    agent = new Background(undefined, [process.execPath, SEGUE_COMMAND, 'agent', '-c', file()]);
    await agent.waitFor(/converged on the intent/, PATIENCE_MS);
  };
  const hasRoute = async (): Promise<boolean> => (await network.ip(ROUTER, `-6 route show ${LOCATOR}`)) !== '';
  const withdrawals = (): number =>
    routes.output.split('\n').filter((line) => line.startsWith(`Deleted ${LOCATOR}`)).length;
  const counter = async (name: string, what: string): Promise<number> => {
    const text = await network.output(name, ['nft', '-j', 'list', 'counter', 'inet', 'count', what]);
    return Number(/"packets": (\d+)/.exec(text)?.[1]);
  };
  /** Stands still for a moment, so that nothing is under way, and says what the router sent and the VM got in all. */
  const counts = async (): Promise<{ sent: number; got: number }> => {
    sender.child.kill('SIGSTOP');
    await sleep(300);
    const found = { sent: await counter(ROUTER, 'sent'), got: await counter('t100-1', 'got') };
    sender.child.kill('SIGCONT');
    return found;
  };

  it('is announced once it forwards, and loses no packet when it starts', async () => {
    expect(await hasRoute()).toBe(false);
    await startAgent();
    await expect.poll(hasRoute, { timeout: PATIENCE_MS }).toBe(true);
    await sleep(1000);
    const { sent, got } = await counts();
    expect(sent).toBeGreaterThan(500);
    expect(got).toBe(sent);
  });

  it('stays announced and loses no packet when its agent restarts or is killed', async () => {
    const before = await counts();
    await agent?.stop('SIGTERM');
    expect(await hasRoute()).toBe(true);
    await startAgent();
    await agent?.stop('SIGKILL');
    await sleep(1000);
    // Nobody withdraws for a dead agent: the programs go on.
    expect(await hasRoute()).toBe(true);
    await startAgent();
    const after = await counts();
    expect(after.sent - before.sent).toBeGreaterThan(1000);
    expect(after.got - before.got).toBe(after.sent - before.sent);
    expect(withdrawals()).toBe(0);
  });

  it('is withdrawn first and loses no packet when it is purged', async () => {
    await agent?.stop('SIGTERM');
    const before = await counts();
    const purge = await runIn(undefined, [process.execPath, SEGUE_COMMAND, 'purge', '--grace', '3', '-c', file()]);
    expect(purge).toMatchObject({ status: 0 });
    expect(await hasRoute()).toBe(false);
    expect(withdrawals()).toBe(1);
    const { sent, got } = await counts();
    expect(sent).toBeGreaterThan(before.sent);
    expect(got - before.got).toBe(sent - before.sent);
  });

  it('loses no packet when it starts again', async () => {
    const before = await counts();
    await startAgent();
    await expect.poll(hasRoute, { timeout: PATIENCE_MS }).toBe(true);
    await sleep(500);
    const { sent, got } = await counts();
    expect(sent).toBeGreaterThan(before.sent);
    expect(got - before.got).toBe(sent - before.sent);
  });
});
