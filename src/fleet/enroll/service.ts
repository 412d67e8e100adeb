/** Issues nodes' certificates in a feed: the first one for a token, the following ones for the present certificate. */
import { X509Certificate } from 'node:crypto';
import { Server, status } from '@grpc/grpc-js';
import { readRegularFile } from '../../intent/regular-file.js';
import { Authority } from '../pki/authority.js';
import { readRequest } from '../pki/request.js';
import { peerOf } from '../peer.js';
import { ENROLLMENT } from '../rpc.js';
import { EtcdError } from '../store/etcd-client.js';
import { enrollmentCredentials } from '../tls.js';
import { EnrollmentRefused } from './records.js';
import { parseToken } from './token.js';
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import type { Logger } from '../../agent/log.js';
import type { EnrollRequest, IssuedCertificate, RenewRequest } from '../rpc.js';
import type { EnrollConfig, TlsFiles } from '../types.js';
import type { EnrollmentRecords } from './records.js';

/** Concurrent requests, which limits how fast clients without a certificate can make the feed query etcd. */
const MAX_AT_ONCE = 32;

const SERVER_OPTIONS = { 'grpc.max_receive_message_length': 16 * 1024 };

type Answer = sendUnaryData<IssuedCertificate>;

export class EnrollmentService {
  readonly #config: EnrollConfig;
  readonly #tls: TlsFiles;
  readonly #records: EnrollmentRecords;
  readonly #log: Logger;
  readonly #server = new Server(SERVER_OPTIONS);
  #atOnce = 0;

  /** @param tls files of the feed */
  constructor(config: EnrollConfig, tls: TlsFiles, records: EnrollmentRecords, log: Logger) {
    this.#config = config;
    this.#tls = tls;
    this.#records = records;
    this.#log = log;
    this.#server.addService(ENROLLMENT, { Enroll: this.#enroll });
  }

  /** Serves nodes without a certificate. @throws Error if the address cannot be served, or a file of the CA is unusable */
  async start(): Promise<void> {
    const { listen, ca } = this.#config;
    Authority.open(ca);
    await new Promise<void>((resolve, reject) => {
      this.#server.bindAsync(
        listen,
        enrollmentCredentials(this.#tls, (message) => this.#log.error(message)),
        (error) => {
          if (error === null) resolve();
          else reject(error);
        },
      );
    });
    this.#log.info({ listen, ca: ca.cert, days: this.#config.days }, 'enrolling nodes');
  }

  close(): void {
    this.#server.forceShutdown();
  }

  readonly #enroll = (call: ServerUnaryCall<EnrollRequest, IssuedCertificate>, answer: Answer): void => {
    const { node, request } = call.request;
    void this.#answer(call.getPeer(), node, answer, async () => {
      const token = parseToken(call.request.token);
      if (token === undefined) throw new EnrollmentRefused('the token is not one from segue fleet token create');
      const publicKey = await readKey(request);
      return this.#records.redeem(token, node, publicKey.toString('hex'), () => this.#issue(node, publicKey));
    });
  };

  /** @param isRevoked whether the feed knows that the certificate is revoked */
  renew(call: ServerUnaryCall<RenewRequest, IssuedCertificate>, answer: Answer): void {
    const { node, request } = call.request;
    const { names, fingerprint } = peerOf(call);
    void this.#answer(call.getPeer(), node, answer, async () => {
      if (!names.includes(node))
        throw new EnrollmentRefused(`node ${node}: expected one of the certificate's names (${names.join(', ')})`);
      const publicKey = await readKey(request);
      return this.#records.renew(node, fingerprint, () => this.#issue(node, publicKey));
    });
  }

  #issue(node: string, publicKey: Buffer): Promise<string> {
    // Read for each request: replacing the CA needs no restart.
    const { ca, days } = this.#config;
    return Authority.open(ca).issue({ commonName: node, dns: [node] }, 'node', publicKey, days);
  }

  async #answer(peer: string, node: string, answer: Answer, certificateOf: () => Promise<string>): Promise<void> {
    if (this.#atOnce >= MAX_AT_ONCE)
      return answer({ code: status.RESOURCE_EXHAUSTED, details: 'too many nodes enroll at once: try again' });
    this.#atOnce += 1;
    try {
      const certificate = await certificateOf();
      const { serialNumber, validTo } = new X509Certificate(certificate);
      this.#log.info({ node, peer, serial: serialNumber, until: validTo }, 'a certificate was issued');
      answer(null, { certificate, ca: readRegularFile(this.#tls.ca).toString() });
    } catch (error) {
      const { message } = error as Error;
      this.#log.warn({ node, peer }, `no certificate: ${message}`);
      if (error instanceof EnrollmentRefused) answer({ code: status.PERMISSION_DENIED, details: message });
      else if (error instanceof EtcdError) answer({ code: status.UNAVAILABLE, details: 'the feed cannot reach etcd' });
      else answer({ code: status.INTERNAL, details: 'the feed cannot issue certificates: its log says why' });
    } finally {
      this.#atOnce -= 1;
    }
  }
}

async function readKey(request: string): Promise<Buffer> {
  try {
    return await readRequest(request);
  } catch (error) {
    throw new EnrollmentRefused((error as Error).message);
  }
}
