/** Checks `metadata:` and `servicePrefix:` of a node file. */
import { resolve } from 'node:path';
import { DEFAULT_HOP_LIMIT, DEFAULT_METADATA_RATE, SERVICE_PREFIX_BITS } from '../bounds.js';
import { prefixContains } from 'netlink-ts/inet';
import { readIPv6Prefix } from '../fields.js';
import { Refusal } from '../findings.js';
import { SERVICE_PREFIX } from '../schema.js';
import type { Findings } from '../findings.js';
import type { Draft } from '../structure.js';
import type { MetadataConfig } from '../types.js';

/** `metadata` in the file. */
interface RawMetadata {
  files?: true | undefined;
  upstream?: string | undefined;
  secret?: string | undefined;
  rate?: number | undefined;
  hopLimit?: number | undefined;
}

const UPSTREAM = 'a URL of http or https, such as http://192.0.2.1:8775';

/** @param directory directory of the node file, to which paths are relative */
export function checkMetadata(
  raw: Draft<RawMetadata>,
  directory: string,
  findings: Findings,
): MetadataConfig | undefined {
  const { files, upstream, secret, rate = DEFAULT_METADATA_RATE, hopLimit = DEFAULT_HOP_LIMIT } = raw;
  if (files === true) {
    for (const [key, value] of Object.entries({ upstream, secret })) {
      if (value !== undefined)
        findings.add(['metadata', key], value, `no ${key} beside files: the intent has all metadata`);
    }
    return { from: 'files', rate, hopLimit };
  }
  if (upstream === undefined || secret === undefined) {
    findings.add(['metadata'], raw, 'a map with files: true, or with upstream and secret');
    return undefined;
  }
  if (!isUpstream(upstream)) findings.add(['metadata', 'upstream'], upstream, UPSTREAM);
  if (secret === '') findings.add(['metadata', 'secret'], secret, 'the path of a file');
  return { from: { upstream, secret: resolve(directory, secret) }, rate, hopLimit };
}

function isUpstream(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, search, hash } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && search === '' && hash === '';
}

const UNIQUE_LOCAL = 'fd00::/8';

export function checkServicePrefix(text: string, findings: Findings): string | undefined {
  const prefix = readIPv6Prefix(text);
  if (prefix instanceof Refusal) findings.add(['servicePrefix'], text, prefix.expected);
  else if (prefix.length === SERVICE_PREFIX_BITS && prefixContains(UNIQUE_LOCAL, prefix.text)) return prefix.text;
  else findings.add(['servicePrefix'], text, SERVICE_PREFIX);
  return undefined;
}
