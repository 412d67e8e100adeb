/** Checks `api:` of a node file. */
import { resolve } from 'node:path';
import { canonicalAddress } from 'netlink-ts/inet';
import { MAX_L4_PORT } from '../bounds.js';
import { LISTEN } from '../schema.js';
import type { Findings } from '../findings.js';
import type { Draft } from '../structure.js';
import type { ApiConfig } from '../types.js';

/** `api` in the file. */
interface RawApi {
  listen: string;
  tls: ApiConfig['tls'];
  operators?: string[] | undefined;
}

/** RFC 1123 section 2.1, in lower case, as certificates are compared. */
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
const UNSPECIFIED: readonly string[] = ['0.0.0.0', '::'];

/** @param directory directory of the node file, to which paths are relative */
export function checkApi(raw: Draft<RawApi>, directory: string, findings: Findings): ApiConfig | undefined {
  const { listen: text, tls, operators } = raw;
  const listen = text === undefined ? undefined : readListen(text, findings);
  const paths = { cert: tls?.cert, key: tls?.key, clientCa: tls?.clientCa };
  for (const [name, path] of Object.entries(paths)) {
    if (path === '') findings.add(['api', 'tls', name], path, 'the path of a PEM file');
  }
  for (const [index, name] of (operators ?? []).entries()) {
    if (name === undefined || !DNS_NAME.test(name)) {
      findings.add(['api', 'operators', index], name, 'a DNS name of a certificate, without wildcards: ops.example');
    }
  }
  const { cert, key, clientCa } = paths;
  if (listen === undefined || cert === undefined || key === undefined || clientCa === undefined) return undefined;
  const absolute = (path: string): string => resolve(directory, path);
  const files = { cert: absolute(cert), key: absolute(key), clientCa: absolute(clientCa) };
  const named = operators?.filter((name) => name !== undefined) ?? [];
  return { listen, tls: files, ...(named.length > 0 && { operators: named }) };
}

function readListen(text: string, findings: Findings): ApiConfig['listen'] | undefined {
  const refuse = (expected: string): undefined => {
    findings.add(['api', 'listen'], text, expected);
    return undefined;
  };
  const [, inBrackets, bare, digits = ''] = /^(?:\[([^\]]*)\]|([^:]*)):([0-9]{1,5})$/.exec(text) ?? [];
  const address = canonicalAddress(inBrackets ?? bare ?? '');
  const port = Number(digits);
  const isOfFamily = address?.includes(':') === (inBrackets !== undefined);
  if (address === undefined || !isOfFamily || port < 1 || port > MAX_L4_PORT) return refuse(LISTEN);
  return UNSPECIFIED.includes(address) ? refuse(`${LISTEN}; not the address of all interfaces`) : { address, port };
}
