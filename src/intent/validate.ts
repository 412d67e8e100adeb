/** Checks a raw value from YAML or JSON, and turns it into an intent or a node file, with all findings. */
import { resolve } from 'node:path';
import { checkApi } from './check/api.js';
import { checkBehaviours, checkNodes } from './check/nodes.js';
import { checkDns } from './check/dns.js';
import { checkMetadata, checkServicePrefix } from './check/metadata.js';
import { newContext } from './check/context.js';
import { checkPorts } from './check/ports.js';
import { checkTenants } from './check/tenants.js';
import { checkTrusted } from './check/trusted.js';
import { LOCATOR_BITS } from './bounds.js';
import { readInterface, readIPv6Prefix, readName } from './fields.js';
import { type Findings, Refusal } from './findings.js';
import { isTenantTable, LOCAL_TABLE, MAIN_TABLE } from '../plan/numbers.js';
import { ANNOUNCE_TABLE, nodeFileStructure } from './schema.js';
import { type Draft, structured, type ValueOf } from './structure.js';
import type { IntentModel } from './model.js';
import { readListen, tlsFilesOf } from '../fleet/tls-files.js';
import type { Behaviours, FeedsConfig, Intent, NodeConfig } from './types.js';

/**
 * Checks and canonicalises an intent. The result is valid only if no findings were added. Relations to refused parts are not reported again.
 */
export function checkIntent(raw: unknown, findings: Findings, model: IntentModel): Intent | undefined {
  const file = structured(model.file, raw, [], findings);
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
  // Each check uses the results of earlier ones.
  const nodes = file.nodes && checkNodes(context, file.nodes);
  const tenants = file.tenants && checkTenants(context, file.tenants);
  const ports = file.ports && checkPorts(context, file.ports);
  const added: Partial<Intent> = {};
  for (const { key, check, isThereWhenEmpty } of model.lists) {
    // An absent list counts as empty: references to its entities are refused. A refused list counts as unknown.
    const raws =
      (file as Partial<Record<string, unknown[]>>)[key] ?? (Object.hasOwn(raw as object, key) ? undefined : []);
    const entities = raws && check(context, raws);
    if (entities && (entities.length > 0 || isThereWhenEmpty === true)) Object.assign(added, { [key]: entities });
  }
  if (nodes && tenants && ports) for (const part of model.parts) part.check?.({ nodes, tenants, ports }, context);
  if (findings.list.length > 0 || !context.block || !nodes || !tenants || !ports) return undefined;
  return {
    version: 1,
    sidBlock: context.block.text,
    ...(trusted && trusted.length > 0 && { trusted }),
    nodes,
    tenants,
    ports,
    ...added,
  } as Intent;
}

/**
 * Checks a node file and applies defaults.
 *
 * @param directory directory of the file, to which `intent` is relative
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
  // First occurrence of each interface: none may be both an uplink and inside, or either of them twice.
  const interfaces = new Map<string, string>();
  const uplinks = checkInterfaces('uplinks', file.uplinks ?? [], interfaces, findings);
  const inside = checkInterfaces('inside', file.inside ?? [], interfaces, findings);
  const behaviours: Behaviours | undefined =
    file.behaviours === undefined ? ['dt46'] : checkBehaviours(file.behaviours, [], findings);
  const announce = checkAnnounce(file.announce, findings);
  const api = file.api && checkApi(file.api, directory, findings);
  const metadata = file.metadata && checkMetadata(file.metadata, directory, findings);
  const dns = file.dns && checkDns(file.dns, findings);
  const servicePrefix = file.servicePrefix === undefined ? undefined : checkServicePrefix(file.servicePrefix, findings);
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
    ...(metadata && { metadata }),
    ...(dns && { dns }),
    ...(servicePrefix !== undefined && { servicePrefix }),
  };
}

/** Default path of the cache of a node's part from feeds. */
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

/** Reads names of interfaces, each of which may occur only once in the whole file. */
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
    else if (other !== undefined) findings.add([key, i], name, `an interface given once; ${other} is the same`);
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
