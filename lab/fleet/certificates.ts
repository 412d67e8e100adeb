/** The CA and certificates of a simulation, made with openssl. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsFiles } from '../../src/fleet/types.js';

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout'];

export class SimulationAuthority {
  readonly #directory: string;
  readonly #ca: string;
  #serial = 1;

  constructor(directory: string) {
    this.#directory = directory;
    this.#ca = join(directory, 'ca.pem');
    openssl('req', '-x509', ...KEY, `${this.#ca}.key`, '-out', this.#ca, '-days', '2', '-subj', '/CN=simulation');
  }

  /** @param names `DNS:…`, `IP:…` */
  issue(name: string, names: readonly string[]): TlsFiles {
    const base = join(this.#directory, name);
    const [cert, key] = [`${base}.pem`, `${base}.key`];
    openssl('req', ...KEY, key, '-out', `${base}.csr`, '-subj', `/CN=${name}`);
    writeFileSync(`${base}.ext`, `subjectAltName=${names.join()}\n`);
    const signed = ['-CA', this.#ca, '-CAkey', `${this.#ca}.key`, '-set_serial', String(++this.#serial), '-days', '2'];
    openssl('x509', '-req', '-in', `${base}.csr`, ...signed, '-extfile', `${base}.ext`, '-out', cert);
    return { ca: this.#ca, cert, key };
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
