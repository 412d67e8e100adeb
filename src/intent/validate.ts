/** A raw value (what YAML or JSON gave) to a checked intent or node file, with every finding at once. */
import { resolve } from 'node:path';
import { checkBehaviours, checkNodes } from './check/nodes.js';
import { newContext } from './check/context.js';
import { checkExternals } from './check/externals.js';
import { checkGateways } from './check/gateways.js';
import { checkPaths } from './check/paths.js';
import { checkPolicies } from './check/policies.js';
import { checkPorts } from './check/ports.js';
import { checkTenants } from './check/tenants.js';
import { LOCATOR_BITS } from './bounds.js';
import { readInterface, readIPv6Prefix, readName } from './fields.js';
import { type Findings, Refusal } from './findings.js';
import { intentSchema, nodeFileSchema } from './schema.js';
import { structured } from './structure.js';
import type { Behaviours, Intent, NodeConfig } from './types.js';

/**
 * Checks and canonicalises an intent. What it returns is the intent only when it added no findings; what a refused
 * part relates to is then not reported a second time.
 */
export function checkIntent(raw: unknown, findings: Findings): Intent | undefined {
  const file = structured(intentSchema, raw, [], findings);
  if (!file) return undefined;
  const context = newContext(findings);
  if (file.sidBlock !== undefined) {
    const block = readIPv6Prefix(file.sidBlock);
    if (block instanceof Refusal) findings.add(['sidBlock'], file.sidBlock, block.expected);
    else if (block.length >= LOCATOR_BITS) {
      findings.add(['sidBlock'], file.sidBlock, `a prefix shorter than the /${LOCATOR_BITS} locators that lie in it`);
    } else context.block = block;
  }
  // The order matters: each looks up what those before it found.
  const nodes = file.nodes && checkNodes(context, file.nodes);
  const tenants = file.tenants && checkTenants(context, file.tenants);
  const ports = file.ports && checkPorts(context, file.ports);
  const paths = checkPaths(context, file.paths ?? []);
  const gateways = file.gateways && checkGateways(context, file.gateways);
  const externals = file.externals && checkExternals(context, file.externals);
  const policies = file.policies && checkPolicies(context, file.policies);
  if (findings.list.length > 0 || !context.block || !nodes || !tenants || !ports) return undefined;
  return {
    version: 1,
    sidBlock: context.block.text,
    nodes,
    tenants,
    ports,
    paths,
    ...(gateways && gateways.length > 0 && { gateways }),
    ...(externals && externals.length > 0 && { externals }),
    ...(policies && policies.length > 0 && { policies }),
  };
}

/**
 * Checks a node file and fills its defaults in.
 * @param directory the file's own, which `intent` is relative to
 */
export function checkNodeFile(raw: unknown, directory: string, findings: Findings): NodeConfig | undefined {
  const file = structured(nodeFileSchema, raw, [], findings);
  if (!file) return undefined;
  const name = (key: 'node' | 'netns'): void => {
    const value = file[key] === undefined ? undefined : readName(file[key]);
    if (value instanceof Refusal) findings.add([key], file[key], value.expected);
  };
  name('node');
  name('netns');
  const uplinks = new Map<string, number>();
  (file.uplinks ?? []).forEach((uplink, i) => {
    if (uplink === undefined) return;
    const value = readInterface(uplink);
    const other = uplinks.get(uplink);
    if (value instanceof Refusal) findings.add(['uplinks', i], uplink, value.expected);
    else if (other !== undefined)
      findings.add(['uplinks', i], uplink, `an interface given once; uplinks[${other}] is it`);
    else uplinks.set(uplink, i);
  });
  const behaviours: Behaviours | undefined =
    file.behaviours === undefined ? ['dt46'] : checkBehaviours(file.behaviours, [], findings);
  if (file.intent === '') findings.add(['intent'], '', 'the path of the intent file');
  if (findings.list.length > 0 || !behaviours || file.node === undefined || file.intent === undefined) return undefined;
  return {
    node: file.node,
    ...(file.netns === undefined ? {} : { netns: file.netns }),
    uplinks: [...uplinks.keys()],
    dataplane: file.dataplane ?? 'hybrid',
    xdp: file.xdp ?? 'auto',
    behaviours,
    intent: resolve(directory, file.intent),
    ...(file.mtu === undefined ? {} : { mtu: file.mtu }),
  };
}
