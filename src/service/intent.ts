/** The feature's part of the intent: a VM's identity for the metadata service. */
import { z } from 'zod';
import { hostPrefix, prefixContains } from 'netlink-ts/inet';
import { exact } from '../intent/equality.js';
import { portKey } from '../intent/part.js';
import { DNS_ADDRESSES, METADATA_ADDRESSES } from './address.js';
import type { Context } from '../intent/check/context.js';
import type { CheckedLists, IntentPart, KeyPlace } from '../intent/part.js';

declare module '../intent/types.js' {
  interface Port {
    /** Id of the VM, a UUID in OpenStack. */
    instance?: string;
    /** Id of its project. */
    project?: string;
    /** SSH keys, as in authorized_keys. */
    sshKeys?: readonly string[];
    /** User data for cloud-init. */
    userData?: string;
  }
}

const MAX_ID_CHARS = 64;
const ID = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${MAX_ID_CHARS - 1}}$`);
const ID_TEXT = `1 to ${MAX_ID_CHARS} letters, digits, ".", "_" or "-", the first a letter or a digit`;
const MAX_KEYS = 16;
const MAX_KEY_CHARS = 8192;
/** One line: type, base64, optional comment. */
const KEY = /^[a-z][a-z0-9@.-]* [A-Za-z0-9+/]+=*( [\x20-\x7e]*)?$/;
const KEY_TEXT = `an SSH public key in one line of at most ${MAX_KEY_CHARS} characters: ssh-ed25519 AAAA… comment`;
const KEYS_TEXT = 'a list of one or more SSH public keys (texts)';
/** In bytes, Nova's limit (MEDIUMTEXT of base64, 65,535). */
const MAX_USER_DATA_BYTES = 65_535;

function readId(given: string, place: KeyPlace): string | undefined {
  return ID.test(given) ? given : place.refuse(given, ID_TEXT);
}

function sameText<T>(a: T | undefined, b: T | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

const idKey = (what: string) =>
  portKey({
    schema: z.string({ error: what }),
    read: (given, _facts, place) => readId(given, place),
    same: exact,
    keptBy: 'own-node',
  });

function readKeys(given: readonly (string | undefined)[], place: KeyPlace): readonly string[] | undefined {
  if (given.length > MAX_KEYS) return place.refuse(given.length, `a list of at most ${MAX_KEYS}`);
  const keys: string[] = [];
  given.forEach((text, at) => {
    if (text === undefined) return;
    if (text.length <= MAX_KEY_CHARS && KEY.test(text)) keys.push(text);
    else place.refuse(text, KEY_TEXT, at);
  });
  return keys;
}

/** Refuses intents that use the services' addresses. */
function checkAddresses({ tenants, ports }: CheckedLists, { findings }: Context): void {
  const taken = [...METADATA_ADDRESSES, ...DNS_ADDRESSES].filter((address) =>
    tenants.some(({ subnets }) => subnets.some(({ prefix }) => holds(prefix, address))),
  );
  if (taken.length === 0 || findings.list.length > 0) return;
  const refuse = (path: (string | number)[], address: string): void => {
    const service = isOneOf(DNS_ADDRESSES, address) ? 'DNS' : 'metadata';
    findings.add(path, address, `an address other than ${address}, which is the ${service} service's`);
  };
  tenants.forEach(({ subnets }, tenant) => {
    subnets.forEach(({ gateway }, subnet) => {
      if (isOneOf(taken, gateway)) refuse(['tenants', tenant, 'subnets', subnet, 'gateway'], gateway);
    });
  });
  ports.forEach(({ addresses }, port) => {
    addresses.forEach((address, at) => {
      if (isOneOf(taken, address)) refuse(['ports', port, 'addresses', at], address);
    });
  });
}

function isOneOf(list: readonly string[], address: string): boolean {
  return list.includes(address);
}

function holds(prefix: string, address: string): boolean {
  return prefix.includes(':') === address.includes(':') && prefixContains(prefix, hostPrefix(address));
}

export const serviceIntent = {
  keys: {
    port: {
      instance: idKey('the id of the instance (text)'),
      project: idKey('the id of the project (text)'),
      sshKeys: portKey({
        schema: z.array(z.string({ error: KEY_TEXT }), { error: KEYS_TEXT }).min(1, { error: KEYS_TEXT }),
        read: (given, _facts, place) => readKeys(given, place),
        same: sameText,
        keptBy: 'own-node',
      }),
      userData: portKey({
        schema: z.string({ error: 'user data (text)' }),
        read: (given, _facts, place) => {
          const bytes = Buffer.byteLength(given);
          if (bytes <= MAX_USER_DATA_BYTES) return given;
          return place.refuse(`${bytes} bytes`, `user data of at most ${MAX_USER_DATA_BYTES} bytes`);
        },
        same: exact,
        keptBy: 'own-node',
      }),
    },
  },
  check: checkAddresses,
} satisfies IntentPart;
