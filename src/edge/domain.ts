import { readIPv6Prefix } from '../intent/fields.js';
import { Findings, Refusal } from '../intent/findings.js';
import { readJson } from '../intent/json.js';
import { formatOf, readText } from '../intent/read.js';
import { readYaml } from '../intent/yaml.js';
import { prefixContains } from 'netlink-ts/inet';
import type { Domain } from './plan.js';

/** An intent file does not even contain the SR domain. */
class NoDomainError extends Error {
  readonly code = 'NO_DOMAIN';

  constructor(file: string, found: string) {
    super(`${file}: sidBlock: ${found}: expected an IPv6 prefix`);
    this.name = 'NoDomainError';
  }
}

/**
 * Reads the domain's prefixes from an intent file that may be invalid otherwise, even in its syntax. Unreadable prefixes of `trusted` are omitted.
 *
 * @throws NoDomainError
 */
export function readDomain(file: string): Domain {
  const findings = new Findings();
  const format = formatOf(file);
  const text = readText(file, format, findings)?.text;
  if (text === undefined) throw new NoDomainError(file, findings.list[0]?.found ?? 'unreadable');
  const { value } = format === 'json' ? readJson(text, findings) : readYaml(text, findings);
  const { sidBlock, trusted } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const block = prefixOf(sidBlock) ?? (value === undefined || findings.list.length > 0 ? blockIn(text) : undefined);
  if (block === undefined) throw new NoDomainError(file, JSON.stringify(sidBlock) ?? 'missing');
  const prefixes = (Array.isArray(trusted) ? trusted : []).flatMap((one) => prefixOf(one) ?? []);
  const apart = prefixes.filter(
    (one, at) => !prefixes.some((other, n) => n !== at && prefixContains(other, one) && (other !== one || n < at)),
  );
  return { sidBlock: block, trusted: apart.filter((one) => !prefixContains(one, block)) };
}

/** Finds the block in a text that is neither YAML nor JSON, such as a truncated one: only if it is unambiguous. */
function blockIn(text: string): string | undefined {
  const named = [...text.matchAll(/(?<![\w-])["']?sidBlock["']?\s*:\s*["']?([0-9a-f:]+\/\d{1,3})/gi)].map(
    ([, prefix]) => prefix,
  );
  const [block, ...others] = new Set(named);
  return others.length > 0 ? undefined : prefixOf(block);
}

function prefixOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const prefix = readIPv6Prefix(value);
  return prefix instanceof Refusal ? undefined : prefix.text;
}
