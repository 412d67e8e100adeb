/** The agent's log when a VM starts or stops and when somebody changes something: only the last is drift. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentRun } from '../../netns/lib/agent-run.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';

const WARN = 40;

describe('the log of an agent', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }));
  let run: AgentRun;

  beforeAll(async () => {
    run = await AgentRun.start(network, 'hv1');
  });
  afterAll(() => run.agent.stop());

  const warnings = (from: number): string[] =>
    run.lines.slice(from).flatMap(({ level, msg }) => (level >= WARN ? [msg] : []));

  it('does not report an interface that disappears or appears as drift', async () => {
    const from = run.lines.length;
    await network.ip('hv1', 'link del t100-1');
    const gone = await run.waitFor('interface disappeared', from);
    expect(gone.line).toMatchObject({ interface: 't100-1' });
    await run.waitFor('waiting for interfaces', from);
    await network.ip('hv1', `link add t100-1 type veth peer name eth0 netns ${network.netns('t100-1')}`);
    await network.ip('hv1', 'link set t100-1 up');
    const come = await run.waitFor('interface appeared', gone.next);
    expect(come.line).toMatchObject({ interface: 't100-1' });
    await run.waitFor('followed a change of interfaces or underlay', come.next);
    await run.agent.idle();
    expect(warnings(from)).toEqual([]);
  });

  it('does not report an interface replaced at once as drift', async () => {
    const from = run.lines.length;
    const peer = `type veth peer name eth0 netns ${network.netns('t200-3')}`;
    await network.shell('hv1', `ip link del t200-3; ip link add t200-3 ${peer}; ip link set t200-3 up`);
    await run.waitFor('interface appeared', from);
    await run.agent.idle();
    expect(warnings(from)).toEqual([]);
  });

  it('reports a change of an interface as drift', async () => {
    const from = run.lines.length;
    await network.ip('hv1', 'link set t100-1 mtu 1400');
    const { line } = await run.waitFor('drift', from);
    expect(line).toMatchObject({ level: WARN, kind: 'port' });
    await run.waitFor('repaired', from);
  });
});
