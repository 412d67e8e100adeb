/** Settings that the node file and the fleet file share: certificates, and addresses with a port. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { Refusal } from '../intent/findings.js';
import type { TlsFiles } from './types.js';

const path = (what: string) =>
  z.string({ error: `the path of ${what} (PEM)` }).min(1, { error: `the path of ${what} (PEM)` });

export const tlsSchema = z.strictObject(
  {
    ca: path("the CA's certificates"),
    cert: path('its own certificate'),
    key: path('the key of its own certificate'),
  },
  { error: 'a map with ca, cert and key: paths of PEM files' },
);

const LISTEN = 'an address and a port, such as "[::]:7179" or 192.0.2.1:7179';
export const listenSchema = z.string({ error: LISTEN });

/** `host:port`, `[IPv6]:port`. */
export function readListen(text: string): string | Refusal {
  const match = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[1] ?? 0);
  return port >= 1 && port <= 65_535 ? text : new Refusal(LISTEN);
}

/** @param directory to which paths are relative */
export function tlsFilesOf(
  given: { ca?: string | undefined; cert?: string | undefined; key?: string | undefined },
  directory: string,
): TlsFiles {
  const absolute = (file = ''): string => resolve(directory, file);
  return { ca: absolute(given.ca), cert: absolute(given.cert), key: absolute(given.key) };
}
