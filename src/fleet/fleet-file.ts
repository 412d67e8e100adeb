/** The fleet file: the intent's store, and the addresses of a feed. Read by `segue intent` and `segue feed`. */
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { readName } from '../intent/fields.js';
import { Refusal } from '../intent/findings.js';
import { parseDocument, readFileText } from '../intent/load.js';
import { Structure, structured } from '../intent/structure.js';
import { listenSchema, readListen, tlsFilesOf, tlsSchema } from './tls-files.js';
import type { Findings } from '../intent/findings.js';
import type { Draft } from '../intent/structure.js';
import type { EnrollConfig, EtcdConfig, FleetConfig, TlsFiles } from './types.js';

/** Socket of a feed's own etcd, in its directory. etcd 3.4 requires a socket name of the form host:port. */
export const CLIENT_SOCKET = 'client:0';

const ENDPOINT = 'the URL of a member of etcd, such as https://192.0.2.1:2379';

const MAX_DAYS = 3650;
const DEFAULT_DAYS = 30;
const DAYS = `a number of days, 1 to ${MAX_DAYS}`;
const CA_FILES = 'a map with cert and key: paths of the PEM files of the CA';

const enrollSchema = z.strictObject(
  {
    listen: listenSchema,
    ca: z.strictObject(
      { cert: z.string({ error: CA_FILES }), key: z.string({ error: CA_FILES }) },
      { error: CA_FILES },
    ),
    days: z.int({ error: DAYS }).min(1, { error: DAYS }).max(MAX_DAYS, { error: DAYS }).optional(),
  },
  { error: 'a map with listen, ca and days' },
);

const REPORT = { error: 'whole seconds from 1 to 3600' };
const reportSeconds = z.int(REPORT).min(1, REPORT).max(3600, REPORT);

const DIRECTORY = 'the path of a directory, for an etcd that segue feed --with-etcd runs';
/** A socket's path has at most 107 bytes (unix(7)). */
const MAX_DIRECTORY_BYTES = 95;

const etcdSchema = z.strictObject(
  {
    endpoints: z
      .array(z.string({ error: ENDPOINT }), { error: 'a list of one or more URLs' })
      .min(1, { error: 'a list of one or more URLs' })
      .optional(),
    tls: tlsSchema.optional(),
    directory: z.string({ error: DIRECTORY }).min(1, { error: DIRECTORY }).optional(),
  },
  { error: 'a map with endpoints and tls, or with directory' },
);

const fleetStructure = new Structure(
  z.strictObject(
    {
      realm: z.string({ error: 'a name (text)' }).optional(),
      etcd: etcdSchema,
      feed: z
        .strictObject(
          {
            listen: listenSchema,
            tls: tlsSchema,
            reportSeconds: reportSeconds.optional(),
            enroll: enrollSchema.optional(),
          },
          { error: 'a map with listen, tls and enroll' },
        )
        .optional(),
    },
    { error: 'a map with etcd' },
  ),
);

/** @throws IntentError with all issues */
export function loadFleetConfig(file: string): FleetConfig {
  const directory = dirname(resolve(file));
  return parseDocument(readFileText(file).text, { file }, (raw, findings) => checkFleetFile(raw, directory, findings));
}

/** @param directory to which paths are relative */
function checkFleetFile(raw: unknown, directory: string, findings: Findings): FleetConfig | undefined {
  const file = structured(fleetStructure, raw, [], findings);
  if (!file) return undefined;
  const realm = readName(file.realm ?? 'default');
  if (realm instanceof Refusal) findings.add(['realm'], file.realm, realm.expected);
  const etcd = checkEtcd(file.etcd ?? {}, directory, findings);
  const listen = file.feed?.listen === undefined ? undefined : readListen(file.feed.listen);
  if (listen instanceof Refusal) findings.add(['feed', 'listen'], file.feed?.listen, listen.expected);
  const feedTls = file.feed?.tls && tlsFilesOf(file.feed.tls, directory);
  const enroll = file.feed?.enroll && checkEnroll(file.feed.enroll, directory, findings);
  if (findings.list.length > 0 || realm instanceof Refusal || listen instanceof Refusal) return undefined;
  return {
    realm,
    etcd,
    ...(listen !== undefined &&
      feedTls && {
        feed: {
          listen,
          tls: feedTls,
          ...(enroll && { enroll }),
          ...(file.feed?.reportSeconds !== undefined && { reportMs: file.feed.reportSeconds * 1000 }),
        },
      }),
  };
}

function checkEnroll(
  { listen, ca, days }: Draft<z.infer<typeof enrollSchema>>,
  directory: string,
  findings: Findings,
): EnrollConfig | undefined {
  const read = readListen(listen ?? '');
  if (read instanceof Refusal) {
    if (listen !== undefined) findings.add(['feed', 'enroll', 'listen'], listen, read.expected);
    return undefined;
  }
  const { cert, key } = tlsFilesOf(ca ?? {}, directory);
  return { listen: read, ca: { cert, key }, days: days ?? DEFAULT_DAYS };
}

function checkEtcd(
  given: {
    endpoints?: (string | undefined)[] | undefined;
    tls?: Parameters<typeof tlsFilesOf>[0] | undefined;
    directory?: string | undefined;
  },
  base: string,
  findings: Findings,
): EtcdConfig {
  if ((given.endpoints === undefined) === (given.directory === undefined))
    findings.add(['etcd'], given, 'either endpoints or directory');
  if (given.directory === undefined) {
    const tls = given.tls && tlsFilesOf(given.tls, base);
    return { endpoints: checkEndpoints(given.endpoints ?? [], tls, findings), ...(tls && { tls }) };
  }
  const place = resolve(base, given.directory);
  if (Buffer.byteLength(place) > MAX_DIRECTORY_BYTES)
    findings.add(['etcd', 'directory'], given.directory, `a path of at most ${MAX_DIRECTORY_BYTES} bytes`);
  if (given.tls !== undefined)
    findings.add(['etcd', 'tls'], given.tls, 'none beside directory, whose etcd is reached by a Unix socket');
  return { endpoints: [`unix:${join(place, CLIENT_SOCKET)}`], directory: place };
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

/** The expectation that an endpoint fails; undefined if it is valid. */
function endpointFault(text: string, tls: TlsFiles | undefined): string | undefined {
  if (!URL.canParse(text)) return ENDPOINT;
  const { protocol, hostname, pathname } = new URL(text);
  if ((protocol !== 'https:' && protocol !== 'http:') || hostname === '' || pathname !== '/') return ENDPOINT;
  if (protocol === 'https:') return tls === undefined ? 'tls beside it, a map with ca, cert and key' : undefined;
  const isLoopback = hostname.startsWith('127.') || hostname === '[::1]' || hostname === 'localhost';
  // Anyone who could read or answer in etcd's place would control every tenant.
  return isLoopback ? undefined : 'https; without TLS only an etcd on this machine is accepted';
}
