/** The fleet file: where the intent's store is, and what a feed serves. Read by `segue intent` and `segue feed`. */
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { readName } from '../intent/fields.js';
import { Refusal } from '../intent/findings.js';
import { parseDocument, readFileText } from '../intent/load.js';
import { Structure, structured } from '../intent/structure.js';
import { listenSchema, readListen, tlsFilesOf, tlsSchema } from './tls-files.js';
import type { Findings } from '../intent/findings.js';
import type { FleetConfig, TlsFiles } from './types.js';

const ENDPOINT = 'the URL of a member of etcd, such as https://192.0.2.1:2379';

const REPORT = { error: 'whole seconds from 1 to 3600' };
const reportSeconds = z.int(REPORT).min(1, REPORT).max(3600, REPORT);

const fleetStructure = new Structure(
  z.strictObject(
    {
      realm: z.string({ error: 'a name (text)' }).optional(),
      etcd: z.strictObject(
        {
          endpoints: z.array(z.string({ error: ENDPOINT }), { error: 'a list of one or more URLs' }).min(1, {
            error: 'a list of one or more URLs',
          }),
          tls: tlsSchema.optional(),
        },
        { error: 'a map with endpoints and tls' },
      ),
      feed: z
        .strictObject(
          { listen: listenSchema, tls: tlsSchema, reportSeconds: reportSeconds.optional() },
          { error: 'a map with listen and tls' },
        )
        .optional(),
    },
    { error: 'a map with etcd' },
  ),
);

/** @throws IntentError with every issue */
export function loadFleetConfig(file: string): FleetConfig {
  const directory = dirname(resolve(file));
  return parseDocument(readFileText(file).text, { file }, (raw, findings) => checkFleetFile(raw, directory, findings));
}

/** @param directory that paths are relative to */
function checkFleetFile(raw: unknown, directory: string, findings: Findings): FleetConfig | undefined {
  const file = structured(fleetStructure, raw, [], findings);
  if (!file) return undefined;
  const realm = readName(file.realm ?? 'default');
  if (realm instanceof Refusal) findings.add(['realm'], file.realm, realm.expected);
  const etcdTls = file.etcd?.tls && tlsFilesOf(file.etcd.tls, directory);
  const endpoints = checkEndpoints(file.etcd?.endpoints ?? [], etcdTls, findings);
  const listen = file.feed?.listen === undefined ? undefined : readListen(file.feed.listen);
  if (listen instanceof Refusal) findings.add(['feed', 'listen'], file.feed?.listen, listen.expected);
  const feedTls = file.feed?.tls && tlsFilesOf(file.feed.tls, directory);
  if (findings.list.length > 0 || realm instanceof Refusal || listen instanceof Refusal) return undefined;
  return {
    realm,
    etcd: { endpoints, ...(etcdTls && { tls: etcdTls }) },
    ...(listen !== undefined &&
      feedTls && {
        feed: {
          listen,
          tls: feedTls,
          ...(file.feed?.reportSeconds !== undefined && { reportMs: file.feed.reportSeconds * 1000 }),
        },
      }),
  };
}

function checkEndpoints(
  given: readonly (string | undefined)[],
  tls: TlsFiles | undefined,
  findings: Findings,
): string[] {
  return given.flatMap((text, i) => {
    if (text === undefined) return [];
    const expected = endpointFault(text, tls);
    if (expected === undefined) return [text];
    findings.add(['etcd', 'endpoints', i], text, expected);
    return [];
  });
}

/** What was expected of an endpoint that will not do. */
function endpointFault(text: string, tls: TlsFiles | undefined): string | undefined {
  if (!URL.canParse(text)) return ENDPOINT;
  const { protocol, hostname, pathname } = new URL(text);
  if ((protocol !== 'https:' && protocol !== 'http:') || hostname === '' || pathname !== '/') return ENDPOINT;
  if (protocol === 'https:') return tls === undefined ? 'tls: beside it, with ca, cert and key' : undefined;
  const isLoopback = hostname.startsWith('127.') || hostname === '[::1]' || hostname === 'localhost';
  // Whoever reads along, or answers in etcd's place, would decide over every tenant.
  return isLoopback ? undefined : 'https: without TLS only etcd on this machine is asked';
}
