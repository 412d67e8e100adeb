/** A raw value (what YAML or JSON gave) to a checked intent or node file, with every finding at once. */
import { resolve } from 'node:path';
import { checkApi } from './check/api.js';
import { checkBehaviours, checkNodes } from './check/nodes.js';
import { newContext } from './check/context.js';
import { checkExternals } from './check/externals.js';
import { checkGateways } from './check/gateways.js';
import { checkPaths } from './check/paths.js';
import { checkPolicies } from './check/policies.js';
import { checkPorts } from './check/ports.js';
import { checkTenants } from './check/tenants.js';
import { checkTrusted } from './check/trusted.js';
import { LOCATOR_BITS } from './bounds.js';
import { readInterface, readIPv6Prefix, readName } from './fields.js';
import { type Findings, Refusal } from './findings.js';
import { isTenantTable, LOCAL_TABLE, MAIN_TABLE } from '../plan/numbers.js';
import { ANNOUNCE_TABLE, intentStructure, nodeFileStructure } from './schema.js';
import { type Draft, structured, type ValueOf } from './structure.js';
import type { IntentModel } from './model.js';
import { readListen, tlsFilesOf } from '../fleet/tls-files.js';
import type { Behaviours, FeedsConfig, Intent, NodeConfig } from './types.js';

/**
 * Checks and canonicalises an intent. What it returns is the intent only when it added no findings; what a refused
 * part relates to is then not reported a second time.
 */
export function checkIntent(raw: unknown, findings: Findings, model: IntentModel): Intent | undefined {
  const file = structured(intentStructure, raw, [], findings);
  if (!file) return undefined;
  const context = newContext(findings, model);
  if (file.sidBlock !== undefined) {
    const block = readIPv6Prefix(file.sidBlock);
    if (block instanceof Refusal) findings.add(['sidBlock'], file.sidBlock, block.expected);
    else if (block.length >= LOCATOR_BITS) {
      findings.add(['sidBlock'], file.sidBlock, `a prefix shorter than the /${LOCATOR_BITS} locators that lie in it`);
    } else context.block = block;
  }
  const trusted = file.trusted && checkTrusted(context, file.trusted);
  // The order matters: each looks up what those before it found.
  const nodes = file.nodes && checkNodes(context, file.nodes);
  const tenants = file.tenants && checkTenants(context, file.tenants);
  const ports = file.ports && checkPorts(context, file.ports);
  const paths = checkPaths(context, file.paths ?? []);
  // An absent list is an empty one: whatever names an entity of it is refused. A list that was refused is no list at all.
  const listed = <T>(list: readonly T[] | undefined, key: string): readonly T[] | undefined =>
    list ?? (Object.hasOwn(raw as object, key) ? undefined : []);
  const gatewayList = listed(file.gateways, 'gateways');
  const gateways = gatewayList && checkGateways(context, gatewayList);
  const externalList = listed(file.externals, 'externals');
  const externals = externalList && checkExternals(context, externalList);
  const policies = file.policies && checkPolicies(context, file.policies);
  if (nodes && tenants && ports) for (const part of model.parts) part.check?.({ nodes, tenants, ports }, context);
  if (findings.list.length > 0 || !context.block || !nodes || !tenants || !ports) return undefined;
  return {
    version: 1,
    sidBlock: context.block.text,
    ...(trusted && trusted.length > 0 && { trusted }),
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
  const file = structured(nodeFileStructure, raw, [], findings);
  if (!file) return undefined;
  const name = (key: 'node' | 'netns'): void => {
    const value = file[key] === undefined ? undefined : readName(file[key]);
    if (value instanceof Refusal) findings.add([key], file[key], value.expected);
  };
  name('node');
  name('netns');
  // Where each interface was given first: none is an uplink and inside, or either of them twice.
  const interfaces = new Map<string, string>();
  const uplinks = checkInterfaces('uplinks', file.uplinks ?? [], interfaces, findings);
  const inside = checkInterfaces('inside', file.inside ?? [], interfaces, findings);
  const behaviours: Behaviours | undefined =
    file.behaviours === undefined ? ['dt46'] : checkBehaviours(file.behaviours, [], findings);
  const announce = checkAnnounce(file.announce, findings);
  const api = file.api && checkApi(file.api, directory, findings);
  if (file.intent === '') findings.add(['intent'], '', 'the path of the intent file');
  const feeds = typeof file.intent === 'object' ? checkFeeds(file.intent, directory, findings) : undefined;
  if (findings.list.length > 0 || !behaviours || file.node === undefined || file.intent === undefined) return undefined;
  return {
    node: file.node,
    ...(file.netns === undefined ? {} : { netns: file.netns }),
    uplinks,
    dataplane: file.dataplane ?? 'hybrid',
    xdp: file.xdp ?? 'auto',
    behaviours,
    intent: resolve(directory, typeof file.intent === 'string' ? file.intent : cacheOf(file.node, file.intent.cache)),
    ...(feeds && { feeds }),
    ...(file.mtu === undefined ? {} : { mtu: file.mtu }),
    ...(inside.length > 0 && { inside }),
    ...(file.sourceCheck === false && { sourceCheck: false }),
    ...(announce && { announce }),
    ...(api && { api }),
  };
}

/** Where an agent keeps what feeds told it. */
function cacheOf(node: string, given: string | undefined): string {
  return given ?? `/var/lib/segue/${node}/intent.json`;
}

function checkFeeds(
  { feeds, tls }: Exclude<NonNullable<Draft<ValueOf<typeof nodeFileStructure>>['intent']>, string>,
  directory: string,
  findings: Findings,
): FeedsConfig {
  const endpoints = (feeds ?? []).flatMap((feed, i) => {
    const read = feed === undefined ? [] : readListen(feed);
    if (!(read instanceof Refusal)) return read;
    findings.add(['intent', 'feeds', i], feed, read.expected);
    return [];
  });
  return { endpoints, tls: tlsFilesOf(tls ?? {}, directory) };
}

/** Names of interfaces, each given once in the whole file. */
function checkInterfaces(
  key: 'uplinks' | 'inside',
  names: readonly (string | undefined)[],
  given: Map<string, string>,
  findings: Findings,
): string[] {
  const taken: string[] = [];
  names.forEach((name, i) => {
    if (name === undefined) return;
    const value = readInterface(name);
    const other = given.get(name);
    if (value instanceof Refusal) findings.add([key, i], name, value.expected);
    else if (other !== undefined) findings.add([key, i], name, `an interface given once; ${other} is it`);
    else {
      given.set(name, `${key}[${i}]`);
      taken.push(name);
    }
  });
  return taken;
}

function checkAnnounce(
  raw: 'none' | { table?: number | 'main' | undefined } | undefined,
  findings: Findings,
): NodeConfig['announce'] {
  if (raw === undefined || raw === 'none' || raw.table === undefined) return raw === 'none' ? raw : undefined;
  const table = raw.table === 'main' ? MAIN_TABLE : raw.table;
  if (table !== LOCAL_TABLE && !isTenantTable(table)) return { table };
  findings.add(['announce', 'table'], table, ANNOUNCE_TABLE);
  return undefined;
}
