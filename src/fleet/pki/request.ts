/** Certificate signing requests (PKCS #10, RFC 2986), which nodes create without disclosing the key. */
import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto';
import { Utf8String } from 'asn1js';
import { AttributeTypeAndValue, CertificationRequest, PublicKeyInfo } from 'pkijs';
import { fromPem, toPem } from './pem.js';

const REQUEST = 'CERTIFICATE REQUEST';
const COMMON_NAME = '2.5.4.3';
/** A request for a P-256 key has some 250 bytes. */
const MAX_REQUEST_BYTES = 4096;

/** @param keyPem a P-256 key. @returns PEM */
export async function makeRequest(keyPem: string, commonName: string): Promise<string> {
  const key = createPrivateKey(keyPem);
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new Error(`key of type ${key.asymmetricKeyType ?? 'unknown'}: expected EC P-256`);
  const request = new CertificationRequest();
  request.version = 0;
  request.attributes = [];
  request.subject.typesAndValues.push(
    new AttributeTypeAndValue({ type: COMMON_NAME, value: new Utf8String({ value: commonName }) }),
  );
  request.subjectPublicKeyInfo = PublicKeyInfo.fromBER(
    new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' })),
  );
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  await request.sign(await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']), 'SHA-256');
  return toPem(REQUEST, Buffer.from(request.toSchema(true).toBER()));
}

/**
 * The public key of a request that is signed with the private one. All other contents of the request are ignored.
 *
 * @returns SubjectPublicKeyInfo, DER
 * @throws Error that says what is wrong with the request
 */
export async function readRequest(pem: string): Promise<Buffer> {
  const der = fromPem(REQUEST, pem)[0];
  if (der === undefined || der.length > MAX_REQUEST_BYTES) throw new Error(`request: expected PEM of ${REQUEST}`);
  let spki: Buffer;
  let isSigned: boolean;
  try {
    const request = CertificationRequest.fromBER(new Uint8Array(der));
    spki = Buffer.from(request.subjectPublicKeyInfo.toSchema().toBER());
    isSigned = await request.verify();
  } catch (error) {
    throw new Error(`request: not PKCS #10: ${(error as Error).message}`);
  }
  if (!isSigned) throw new Error('request: not signed with its own key');
  const { asymmetricKeyType: type, asymmetricKeyDetails } = createPublicKey({ key: spki, type: 'spki', format: 'der' });
  if (type !== 'ec' || asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new Error(`request: key of type ${type ?? 'unknown'}: expected EC P-256`);
  return spki;
}
