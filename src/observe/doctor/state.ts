/** Checks the intent, the agent, and the difference between the kernel and the intent. */
import { diffOnce } from '../../agent/apply.js';
import { missingForFastpath } from '../../ebpf/available.js';
import { MAX_PROXY_NEIGHBOURS_PER_PORT } from '../../plan/numbers.js';
import { checkFeed } from './feed.js';
import { agentConfig, samePath } from './processes.js';
import { foreignMaster } from '../../port/ours.js';
import { linkState } from '../../kernel/links.js';
import { listed } from '../../reconcile/findings.js';
import { Findings } from './types.js';
import type { Check, CheckContext } from './types.js';
import type { Process } from './processes.js';

/** @param file the given node file, compared with the agent's */
export async function checkState(
  { instance, intent, intentError, applied, unreadable }: CheckContext,
  file: string,
  defaultFile: string,
  processes: readonly Process[],
): Promise<Check[]> {
  const { kernel, config, engine } = instance;
  const findings = new Findings('agent');
  const agent = processes.find((process) => agentConfig(process, defaultFile) === samePath(file));
  if (agent !== undefined) findings.ok('running', `segue agent runs, pid ${agent.pid}`);
  else {
    findings.warn(
      'running',
      `no segue agent runs for ${file}`,
      'forwarding continues, but nothing follows the intent or repairs drift: systemctl start segue',
    );
  }
  if (config.dataplane !== 'kernel') {
    const missing = missingForFastpath(kernel.fastpath.pinDirectory);
    if (missing === undefined) findings.ok('dataplane', `dataplane: ${config.dataplane}`);
    else if (config.dataplane === 'ebpf') {
      findings.fail(
        'dataplane',
        `dataplane: ebpf is not possible: ${missing}`,
        'apply and the agent change nothing until then, and attached programs keep running: install what is missing, or set "dataplane: hybrid", with which the kernel forwards',
      );
    } else {
      findings.warn(
        'dataplane',
        `dataplane: ${config.dataplane}, but no fast path: ${missing}`,
        'the kernel forwards everything, more slowly: install what is missing, or set "dataplane: kernel"',
      );
    }
  } else {
    const missing = missingForFastpath(kernel.fastpath.pinDirectory);
    if (missing === undefined)
      findings.ok('responder', 'dataplane: kernel; an eBPF program answers neighbour solicitations');
    else {
      findings.warn(
        'responder',
        `no eBPF program can answer neighbour solicitations: ${missing}`,
        `entries of proxy NDP do so, for at most ${MAX_PROXY_NEIGHBOURS_PER_PORT} IPv6 members of a tenant`,
      );
    }
  }
  if (config.feeds !== undefined) checkFeed(findings, config.feeds, instance.runDirectory);
  if (intent === undefined) {
    findings.fail(
      'intent',
      `${config.intent} cannot be used`,
      `${intentError ?? ''}: the agent keeps the intent that it had`,
    );
    return findings.checks;
  }
  const ports = intent.ports.filter(({ node }) => node === config.node);
  findings.ok('intent', `${config.intent}: ${intent.tenants.length} tenants and ${ports.length} ports here`);
  const missing = ports
    .filter((port) => !kernel.links.has(port.interface))
    .map(({ name, interface: dev }) => `${name} (${dev})`);
  if (missing.length > 0) {
    findings.warn(
      'ports',
      `${missing.length} of ${ports.length} interfaces do not exist: ${listed(missing)}`,
      'these VMs have no network until their interfaces appear: is the VM running, and is the name the one in the intent?',
    );
  } else if (ports.length > 0) findings.ok('ports', `the interfaces of all ${ports.length} ports exist`);
  const detached = ports.flatMap(({ name, interface: dev }) => {
    const master = foreignMaster(kernel, dev);
    return master === undefined ? [] : [`${name} (${dev} in ${master})`];
  });
  if (detached.length > 0) {
    findings.fail(
      'ports-detached',
      `${detached.length} of ${ports.length} ports are in a bridge or another master: ${listed(detached)}`,
      'nothing passes between these VMs and their networks until the interface is free: ip link set dev <interface> nomaster',
    );
  }
  const down = ports.flatMap((port) => {
    const link = kernel.links.get(port.interface);
    const state = link === undefined ? 'up' : linkState(link);
    return state === 'up' ? [] : [`${port.name} (${port.interface}: ${state})`];
  });
  if (down.length > 0) {
    findings.warn(
      'ports-down',
      `${down.length} of ${ports.length} ports are down or have no carrier: ${listed(down)}`,
      'these VMs receive nothing: is the VM running, and is its end of the interface up? ip link show dev <interface>',
    );
  }
  if (!applied) {
    findings.warn(
      'drift',
      'no VRF, fast path or rule of segue exists',
      'the intent was never applied here: segue apply, or start the agent',
    );
    return findings.checks;
  }
  if (findings.checks.some(({ name, status }) => name === 'agent.dataplane' && status === 'fail'))
    return findings.checks;
  if (unreadable !== undefined) {
    findings.fail('drift', 'the fast path cannot be read, so it is not compared with the intent', unreadable);
    return findings.checks;
  }
  let diff;
  try {
    diff = await diffOnce(instance, intent);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    findings.fail('drift', 'the kernel cannot be compared with the intent', words);
    return findings.checks;
  }
  const { changes, warnings } = diff;
  for (const warning of warnings) {
    findings.warn('limits', warning, 'the plan reached a limit: objects beyond it are not made');
  }
  if (changes.length === 0) findings.ok('drift', 'the kernel is as the intent wants it');
  else {
    const first = changes.slice(0, 3).map((change) => {
      const { action, object } = engine.text(change);
      return `${action} ${object}`;
    });
    findings.warn(
      'drift',
      `${changes.length} objects are not as the intent wants them: ${listed(first)}`,
      'a running agent repairs them by itself: segue diff shows all, segue apply makes them',
    );
  }
  return findings.checks;
}
