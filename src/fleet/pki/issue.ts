/** X.509 certificates (RFC 5280) issued by a fleet's CA. */
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from 'node:crypto';
import { BitString, Integer, OctetString, Utf8String } from 'asn1js';
import {
  AttributeTypeAndValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  Extension,
  ExtKeyUsage,
  GeneralName,
  GeneralNames,
  PublicKeyInfo,
} from 'pkijs';
import { parseAddress } from 'netlink-ts/inet';
import { toPem } from './pem.js';
import type { KeyObject } from 'node:crypto';
import type { RelativeDistinguishedNames } from 'pkijs';

export const CERTIFICATE = 'CERTIFICATE';
const COMMON_NAME = '2.5.4.3';
const SERIAL_BYTES = 16;
/** Certificates are backdated, so that a node whose clock is an hour behind accepts a new one. */
const BACKDATED_MS = 2 * 3_600_000;

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const EXTENSION = {
  subjectKey: '2.5.29.14',
  keyUsage: '2.5.29.15',
  alternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKey: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;
/** KeyUsage bits in DER: the first bit is the highest. */
const DIGITAL_SIGNATURE = { bits: 0x80, unused: 7 };
const SIGN_CERTIFICATES = { bits: 0x06, unused: 1 };

/** GeneralName, RFC 5280 section 4.2.1.6. */
const NAME_DNS = 2;
const NAME_IP = 7;

export interface Names {
  commonName: string;
  dns?: readonly string[];
  /** IPv4 and IPv6 addresses. */
  addresses?: readonly string[];
}

export interface Terms extends Names {
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Buffer;
  /** `ca` may issue certificates of nodes and feeds, but not of other CAs; `node` is a client; `server` is both. */
  role: 'ca' | 'node' | 'server';
  fromMs?: number;
  untilMs: number;
}

/** The signer of a certificate. */
export interface Issuer {
  /** Absent: the certificate is self-signed. */
  certificate?: Certificate;
  key: KeyObject;
}

/** @returns PEM. @throws Error for an unsupported type of key */
export async function issueCertificate(terms: Terms, { certificate, key }: Issuer): Promise<string> {
  const made = new Certificate();
  made.version = 2;
  const serial = randomBytes(SERIAL_BYTES);
  // Positive and of constant length (RFC 5280 section 4.1.2.2).
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  made.serialNumber = new Integer({ valueHex: bytes(serial) });
  made.subject.typesAndValues.push(commonNameOf(terms.commonName));
  made.issuer = certificate?.subject ?? made.subject;
  made.notBefore.value = wholeSeconds(terms.fromMs ?? Date.now() - BACKDATED_MS);
  made.notAfter.value = wholeSeconds(terms.untilMs);
  made.subjectPublicKeyInfo = PublicKeyInfo.fromBER(new Uint8Array(terms.publicKey));
  made.extensions = await extensionsOf(terms, made.subjectPublicKeyInfo, certificate);
  await made.sign(await signingKey(key), 'SHA-256');
  return toPem(CERTIFICATE, Buffer.from(made.toSchema(true).toBER()));
}

async function extensionsOf(terms: Terms, own: PublicKeyInfo, issuer: Certificate | undefined): Promise<Extension[]> {
  const isCa = terms.role === 'ca';
  const usage = isCa ? SIGN_CERTIFICATES : DIGITAL_SIGNATURE;
  const key = new BitString({ valueHex: Uint8Array.of(usage.bits).buffer, unusedBits: usage.unused });
  const constraints = new BasicConstraints({ cA: isCa, ...(isCa && { pathLenConstraint: 0 }) });
  const authority = new AuthorityKeyIdentifier({ keyIdentifier: await keyIdOf(issuer?.subjectPublicKeyInfo ?? own) });
  const extensions = [
    extension(EXTENSION.basicConstraints, constraints.toSchema(), true),
    extension(EXTENSION.keyUsage, key, true),
    extension(EXTENSION.subjectKey, await keyIdOf(own)),
    extension(EXTENSION.authorityKey, authority.toSchema()),
  ];
  if (isCa) return extensions;
  const purposes = terms.role === 'node' ? [CLIENT_AUTH] : [SERVER_AUTH, CLIENT_AUTH];
  extensions.push(extension(EXTENSION.extendedKeyUsage, new ExtKeyUsage({ keyPurposes: purposes }).toSchema()));
  const names = [
    ...(terms.dns ?? []).map((value) => new GeneralName({ type: NAME_DNS, value })),
    ...(terms.addresses ?? []).map((text) => new GeneralName({ type: NAME_IP, value: addressOctets(text) })),
  ];
  if (names.length > 0) extensions.push(extension(EXTENSION.alternativeName, new GeneralNames({ names }).toSchema()));
  return extensions;
}

function extension(id: string, schema: { toBER(): ArrayBuffer }, critical = false): Extension {
  return new Extension({ extnID: id, critical, extnValue: schema.toBER() });
}

function commonNameOf(value: string): RelativeDistinguishedNames['typesAndValues'][number] {
  return new AttributeTypeAndValue({ type: COMMON_NAME, value: new Utf8String({ value }) });
}

/** The key identifier of RFC 5280 section 4.2.1.2: SHA-1 of the key, without any security function. */
async function keyIdOf(info: PublicKeyInfo): Promise<OctetString> {
  const digest = await webcrypto.subtle.digest('SHA-1', info.subjectPublicKey.valueBlock.valueHexView);
  return new OctetString({ valueHex: digest });
}

function addressOctets(text: string): OctetString {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text}: expected an IPv4 or IPv6 address`);
  return new OctetString({ valueHex: bytes(Buffer.from(address.bytes)) });
}

function bytes(buffer: Buffer): ArrayBuffer {
  return Uint8Array.from(buffer).buffer;
}

function wholeSeconds(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000);
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

async function signingKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const { asymmetricKeyType: type, asymmetricKeyDetails } = key;
  const namedCurve = CURVES[asymmetricKeyDetails?.namedCurve ?? ''];
  if (type === 'ec' && namedCurve !== undefined)
    return webcrypto.subtle.importKey('pkcs8', der, { name: 'ECDSA', namedCurve }, false, ['sign']);
  if (type !== 'rsa')
    throw new Error(`the CA's key is of type ${type ?? 'unknown'}: expected EC P-256, P-384, P-521, or RSA`);
  return webcrypto.subtle.importKey('pkcs8', der, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign']);
}

/** @param key PEM. @returns SubjectPublicKeyInfo, DER */
export function publicKeyOf(key: string | Buffer): Buffer {
  return createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' });
}
