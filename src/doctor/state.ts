/** The intent, the agent, and how far the kernel is from what the intent wants. */
import { surveyOnce } from '../agent/apply.js';
import { missingForFastpath } from '../ebpf/available.js';
import { MAX_PROXY_NEIGHBOURS_PER_PORT } from '../plan/numbers.js';
import { agentConfig, samePath } from './processes.js';
import { listed } from './sysctls.js';
import { Findings } from './types.js';
import type { Check, Patient } from './types.js';
import type { Process } from './processes.js';

/** @param file the node file given, as the agent's is compared with it */
export async function checkState(
  { instance, intent, intentError, applied }: Patient,
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
      'forwarding goes on, and nothing follows the intent or repairs drift: systemctl start segue',
    );
  }
  if (config.dataplane !== 'kernel') {
    const missing = missingForFastpath(kernel.fastpath.pinDirectory);
    if (missing === undefined) findings.ok('dataplane', `dataplane: ${config.dataplane}`);
    else if (config.dataplane === 'ebpf') {
      findings.fail(
        'dataplane',
        `dataplane: ebpf cannot be: ${missing}`,
        'nothing is applied: mend what is missing, or say "dataplane: hybrid", which forwards with the kernel meanwhile',
      );
    } else {
      findings.warn(
        'dataplane',
        `dataplane: ${config.dataplane}, and no fast path: ${missing}`,
        'the kernel forwards all by itself, at a part of the rate: mend what is missing, or say "dataplane: kernel"',
      );
    }
  } else {
    const missing = missingForFastpath(kernel.fastpath.pinDirectory);
    if (missing === undefined)
      findings.ok('responder', 'dataplane: kernel, and a program answers neighbour solicitations');
    else {
      findings.warn(
        'responder',
        `no program can answer neighbour solicitations: ${missing}`,
        `entries of proxy NDP do, for ${MAX_PROXY_NEIGHBOURS_PER_PORT} IPv6 members of a tenant at most`,
      );
    }
  }
  if (intent === undefined) {
    findings.fail('intent', `${config.intent} cannot be used`, `${intentError ?? ''}: the agent keeps to what it had`);
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
      'these VMs have no network until their interfaces appear: is the VM started, is the name the one of the intent?',
    );
  } else if (ports.length > 0) findings.ok('ports', `the interfaces of all ${ports.length} ports exist`);
  if (!applied) {
    findings.warn(
      'drift',
      'neither a VRF nor a fast path of segue exists',
      'the intent was never applied here: segue apply, or start the agent',
    );
    return findings.checks;
  }
  if (findings.checks.some(({ name, status }) => name === 'agent.dataplane' && status === 'fail'))
    return findings.checks;
  const { changes, warnings } = await surveyOnce(instance, intent);
  for (const warning of warnings) {
    findings.warn('limits', warning, 'the plan stops at a bound of its own: what is beyond it is left undone');
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
      'a running agent repairs them by itself: segue diff shows all, segue apply brings them about',
    );
  }
  return findings.checks;
}
