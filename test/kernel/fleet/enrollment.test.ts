/**
 * The life of a fleet's certificates: CA, tokens, renewal and revocation, with a real etcd and the operators' commands.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { EnrollmentRecords } from '../../../src/fleet/enroll/records.js';
import { formatToken, newToken } from '../../../src/fleet/enroll/token.js';
import { RealmKeys } from '../../../src/fleet/keys.js';
import { newKey, pinOf, readCertificates } from '../../../src/fleet/pki/authority.js';
import { issueCertificate, publicKeyOf } from '../../../src/fleet/pki/issue.js';
import { Certificate } from 'pkijs';
import { removeDirectory } from './etcd.js';
import { directory, Fleet } from './fleet.js';
import { until } from './until.js';
import type { TlsFiles } from '../../../src/fleet/types.js';

const SEGUE = fileURLToPath(new URL('../../../bin/segue', import.meta.url));
const DAY_MS = 86_400_000;

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Feeds are in this process: it has to go on meanwhile. */
function segue(args: string[], input = ''): Promise<Outcome> {
  const child = spawn(process.execPath, [SEGUE, ...args], { stdio: 'pipe' });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve) =>
    child.on('close', (status) => {
      resolve({ status, stdout, stderr });
    }),
  );
}

/** A fleet whose CA is its own, with a feed that enrolls. */
class Enrolling {
  readonly fleet = new Fleet();
  readonly place = this.fleet.directory;
  readonly ca = join(this.place, 'ca');
  readonly fleetFile = join(this.place, 'fleet.yaml');
  readonly address = this.fleet.addresses[0] ?? '';
  feedTls!: TlsFiles;

  async start(days = 30, enrolls = true): Promise<this> {
    await this.fleet.start();
    expect(await segue(['fleet', 'ca', 'init', '--out', this.ca])).toMatchObject({ status: 0, stderr: '' });
    await this.issueFeed('feed');
    this.feedTls = {
      ca: join(this.ca, 'ca.pem'),
      cert: join(this.place, 'feed.pem'),
      key: join(this.place, 'feed.key'),
    };
    const enroll = {
      ...{ listen: `${this.address}:7178`, days },
      ca: { cert: join(this.ca, 'ca.pem'), key: join(this.ca, 'ca.key') },
    };
    const file = {
      etcd: { endpoints: [this.fleet.etcd.endpoint] },
      feed: { listen: `${this.address}:7179`, tls: this.feedTls, enroll },
    };
    writeFileSync(this.fleetFile, stringify(file));
    this.fleet.feed(0, enrolls ? enroll : undefined, this.feedTls);
    await until('the feed', () => this.fleet.logs.includes('following etcd'));
    return this;
  }

  async issueFeed(name: string): Promise<void> {
    const args = ['fleet', 'ca', 'issue', name, '--ca', join(this.ca, 'ca.pem'), '--out', this.place];
    expect(await segue([...args, '--address', this.address])).toMatchObject({ status: 0, stderr: '' });
  }

  tlsOf(name: string): TlsFiles {
    const at = join(this.place, name);
    mkdirSync(at, { recursive: true });
    return { ca: join(at, 'ca.pem'), cert: join(at, 'node.pem'), key: join(at, 'node.key') };
  }

  nodeFile(name: string, tls = this.tlsOf(name)): string {
    const file = join(this.place, `${name}.yaml`);
    writeFileSync(file, stringify({ node: name, uplinks: ['eth0'], intent: { feeds: [`${this.address}:7179`], tls } }));
    return file;
  }

  async token(node: string): Promise<string> {
    const { status, stdout, stderr } = await segue(['fleet', 'token', 'create', node, '-c', this.fleetFile]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout;
  }

  enroll(name: string, token: string, tls?: TlsFiles): Promise<Outcome> {
    return segue(['fleet', 'enroll', '-c', this.nodeFile(name, tls), '--token-file', '-'], token);
  }

  /** A certificate of the CA, of any time. */
  async certify(name: string, fromMs: number, untilMs: number): Promise<TlsFiles> {
    const tls = this.tlsOf(name);
    const [ca] = readCertificates(join(this.ca, 'ca.pem'));
    const key = newKey();
    const issuer = {
      certificate: Certificate.fromBER(new Uint8Array(ca?.raw ?? [])),
      key: createPrivateKey(readFileSync(join(this.ca, 'ca.key'))),
    };
    const terms = {
      commonName: name,
      dns: [name],
      publicKey: publicKeyOf(key),
      role: 'node',
      fromMs,
      untilMs,
    } as const;
    writeFileSync(tls.cert, await issueCertificate(terms, issuer));
    writeFileSync(tls.key, key, { mode: 0o600 });
    writeFileSync(tls.ca, readFileSync(join(this.ca, 'ca.pem')));
    return tls;
  }

  records(): EnrollmentRecords {
    return new EnrollmentRecords(this.fleet.client(), new RealmKeys('default'));
  }
}

const open: Enrolling[] = [];
async function newEnrolling(...args: Parameters<Enrolling['start']>): Promise<Enrolling> {
  const one = new Enrolling();
  open.push(one);
  return one.start(...args);
}
afterEach(async () => {
  for (const { fleet } of open.splice(0)) await fleet.end();
});
afterAll(() => {
  removeDirectory(directory);
});

describe('enrollment of a node', () => {
  it("succeeds once with the node's own token, and the node follows its feed", async () => {
    const place = await newEnrolling();
    const { fleet } = place;
    await fleet.port(1);
    const token = await place.token('hv1');
    const tls = place.tlsOf('hv1');
    expect((await place.enroll('hv1', token)).stdout).toMatch(/^node hv1 is enrolled: .*node\.pem, valid until 20/);
    expect(statSync(tls.key).mode & 0o777).toBe(0o600);
    expect(statSync(join(place.ca, 'ca.key')).mode & 0o777).toBe(0o600);
    // As other implementations see it, and for the purposes it is for alone.
    const verified = spawnSync('openssl', [
      'verify',
      '-CAfile',
      tls.ca,
      '-purpose',
      'sslclient',
      '-x509_strict',
      tls.cert,
    ]);
    expect(verified.stderr.toString()).toBe('');
    expect(verified.status).toBe(0);
    expect(spawnSync('openssl', ['verify', '-CAfile', tls.ca, '-purpose', 'sslserver', tls.cert]).status).not.toBe(0);
    const shown = new X509Certificate(readFileSync(tls.cert));
    expect(shown.subjectAltName).toBe('DNS:hv1');
    expect(Math.round((Date.parse(shown.validTo) - Date.now()) / DAY_MS)).toBe(30);

    const node = fleet.node('hv1', tls);
    await node.start();
    await until('the part', () => node.isAt(fleet));
    expect(node.errors).toEqual([]);

    // The same token, with a key that is another one.
    const again = await place.enroll('hv1', token);
    expect(again.status).toBe(1);
    expect(again.stderr).toMatch(/the token was used at .* with another key\n$/);
    const list = await segue(['fleet', 'token', 'list', '-c', place.fleetFile]);
    expect(list.stdout).toMatch(/^ID .*\n[0-9a-f]{12} +hv1 +used /);
    expect(list.stdout).not.toContain(token.split('.')[2]);
    // Nothing in etcd is worth stealing.
    const all = fleet.etcd.ctl(['get', '--prefix', '/segue/v1/default/enroll/']);
    expect(all).toContain('"node":"hv1"');
    expect(all).not.toContain(token.split('.')[2]);
    expect(all).not.toContain('PRIVATE');
    expect((await segue(['fleet', 'certificates', '-c', place.fleetFile])).stdout).toContain('valid, issued by token');
  });

  it('succeeds again with the same key after a lost answer', async () => {
    const place = await newEnrolling();
    const token = await place.token('hv1');
    const tls = place.tlsOf('hv1');
    // The node cannot write what comes.
    mkdirSync(tls.cert);
    mkdirSync(`${tls.ca}.new`);
    const key = newKey();
    writeFileSync(`${tls.key}.enroll`, key, { mode: 0o600 });
    const first = await place.records().tokens();
    expect([...first.values()][0]?.used).toBeUndefined();
    expect((await place.enroll('hv1', token)).status).toBe(1);
    const used = [...(await place.records().tokens()).values()][0]?.used;
    expect(used).toBeDefined();
    rmSync(tls.cert, { recursive: true });
    if (existsSync(`${tls.ca}.new`)) rmSync(`${tls.ca}.new`, { recursive: true });
    // Its key has its name by now, or not yet.
    if (!existsSync(`${tls.key}.enroll`)) writeFileSync(`${tls.key}.enroll`, key, { mode: 0o600 });
    expect(await place.enroll('hv1', token)).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(tls.cert, 'utf8')).toBe(used?.certificate);
    expect([...(await place.records().issued()).get('hv1')!]).toHaveLength(1);
  });

  it('fails with any other token', async () => {
    const place = await newEnrolling();
    const token = await place.token('hv1');
    const refused = async (name: string, text: string): Promise<string> => {
      const { status, stderr } = await place.enroll(name, text);
      expect(status).not.toBe(0);
      expect(existsSync(place.tlsOf(name).cert)).toBe(false);
      return stderr;
    };
    expect(await refused('hv2', token)).toContain('the token is for node hv1, not for hv2');
    expect(await refused('hv1', 'hunter2')).toContain('expected a token from segue fleet token create');
    const [ca] = readCertificates(join(place.ca, 'ca.pem'));
    const forged = newToken(pinOf(ca!));
    expect(await refused('hv1', formatToken(forged))).toContain('the token is unknown');
    const id = token.split('.')[1] ?? '';
    expect(await refused('hv1', formatToken({ ...forged, id }))).toContain('the token is unknown');
    const short = newToken(pinOf(ca!));
    await place.records().addToken(short, 'hv1', 1, 'test');
    await until(
      'its end',
      async () =>
        ([...(await place.records().tokens()).entries()].find(([at]) => at === short.id)?.[1].expiresMs ?? 0) <
        Date.now(),
    );
    expect(await refused('hv1', formatToken(short))).toMatch(/the token expired at |the token is unknown/);
    // What answers in the feed's place learns nothing: not even the token.
    const asked = fleetLogs(place).length;
    expect(await refused('hv1', formatToken({ ...forged, pin: 'A'.repeat(43) }))).toContain(
      "the server's certificate is not of the CA that the token names: nothing was sent",
    );
    expect(fleetLogs(place).length).toBe(asked);
    expect(await segue(['fleet', 'token', 'remove', id, '-c', place.fleetFile])).toMatchObject({ status: 0 });
    expect(await refused('hv1', token)).toContain('the token is unknown');
    expect(await segue(['fleet', 'token', 'remove', id, '-c', place.fleetFile])).toMatchObject({
      status: 2,
      stderr: `segue: token ${id}: not found\n`,
    });
    expect((await segue(['fleet', 'ca', 'init', '--out', place.ca])).stderr).toContain(
      'exists already: nothing was written',
    );
  });
});

function fleetLogs({ fleet }: Enrolling): string[] {
  return fleet.logs.filter((line) => line.startsWith('no certificate') || line === 'a certificate was issued');
}

describe('a certificate', () => {
  it('is renewed before it expires, without the loss of the feed or a change', async () => {
    const place = await newEnrolling();
    const { fleet } = place;
    const tls = await place.certify('hv1', Date.now() - 10 * DAY_MS, Date.now() + DAY_MS);
    const before = readFileSync(tls.cert, 'utf8');
    const node = fleet.node('hv1', tls);
    let isDone = false;
    const lost: unknown[] = [];
    const watching = (async () => {
      while (!isDone) {
        if (node.status()?.lostSinceMs !== undefined) lost.push(node.status());
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    await node.start();
    for (let n = 0; n < 40; n++) await fleet.port(n);
    await until('a new certificate', () => readFileSync(tls.cert, 'utf8') !== before);
    await until('a second stream', () => fleet.logs.filter((line) => line === 'a node connected').length > 1);
    for (let n = 40; n < 60; n++) await fleet.port(n);
    await until('all ports', () => node.isAt(fleet));
    isDone = true;
    await watching;
    expect(lost).toEqual([]);
    expect(node.errors).toEqual([]);
    expect(fleet.logs.filter((line) => line === 'a certificate was issued')).toHaveLength(1);
    const shown = new X509Certificate(readFileSync(tls.cert));
    expect(Math.round((Date.parse(shown.validTo) - Date.now()) / DAY_MS)).toBe(30);
    expect(shown.checkPrivateKey(createPrivateKey(readFileSync(tls.key)))).toBe(true);
  });

  it('ends its connection when it expires, and the node retains its intent', async () => {
    const place = await newEnrolling(30, false);
    const { fleet } = place;
    await fleet.port(1);
    const tls = await place.certify('hv1', Date.now() - DAY_MS, Date.now() + 8000);
    const node = fleet.node('hv1', tls);
    await node.start();
    await until('the part', () => node.isAt(fleet));
    await until('its end', () => node.status()?.lostSinceMs !== undefined);
    await fleet.port(2);
    await until('why', () => node.status()?.error?.includes('expired') === true);
    expect(node.ports).toEqual(['p1']);
    // The feed issues none, which is said as well.
    expect(node.status()?.notRenewed).toMatch(/issues no certificates|expired/);
    await place.certify('hv1', Date.now() - DAY_MS, Date.now() + DAY_MS);
    await until('the rest', () => node.isAt(fleet));
  });

  it('ends its connection when revoked, opens no other, and is not renewed', async () => {
    const place = await newEnrolling();
    const { fleet } = place;
    await fleet.port(1);
    const [own, other] = [place.tlsOf('hv1'), place.tlsOf('hv2')];
    for (const name of ['hv1', 'hv2']) expect((await place.enroll(name, await place.token(name))).status).toBe(0);
    const [hv1, hv2] = [fleet.node('hv1', own), fleet.node('hv2', other)];
    await Promise.all([hv1.start(), hv2.start()]);
    await until('both', () => hv1.isAt(fleet) && hv2.isAt(fleet));
    const revoked = await segue([
      'fleet',
      'revoke',
      'hv1',
      '-c',
      place.fleetFile,
      '--reason',
      'stolen',
      '--author',
      'ann',
    ]);
    expect(revoked.status).toBe(0);
    expect(revoked.stdout).toMatch(/^revoked: node hv1, serial [0-9a-f]+\n$/);
    await until('the refusal', () => hv1.status()?.error?.includes('revoked') === true);
    expect(hv1.status()?.error).toContain('node hv1: the certificate is revoked');
    await fleet.port(2);
    await until('the neighbour', () => hv2.isAt(fleet));
    expect(hv1.ports).toEqual(['p1']);
    const { renew } = await import('../../../src/fleet/enroll/client.js');
    await expect(renew(`${place.address}:7179`, 'hv1', own)).rejects.toThrow('the certificate is revoked');
    const list = (await segue(['fleet', 'certificates', 'hv1', '-c', place.fleetFile])).stdout;
    expect(list).toContain('revoked by ann: stolen');
    expect(await segue(['fleet', 'revoke', 'hv1', '-c', place.fleetFile])).toMatchObject({ status: 2 });
    // Who stole it is refused for good.
    const stolen = place.tlsOf('thief');
    for (const what of ['ca', 'cert', 'key'] as const) copyFileSync(own[what], stolen[what]);
    // A new token, a new key: the node is back.
    const key = readFileSync(own.key, 'utf8');
    expect((await place.enroll('hv1', await place.token('hv1'))).status).toBe(0);
    expect(readFileSync(own.key, 'utf8')).not.toBe(key);
    await until('the rest', () => hv1.isAt(fleet));
    await expect(renew(`${place.address}:7179`, 'hv1', stolen)).rejects.toThrow('the certificate is revoked');
  });

  it('of a feed is replaced in its file without an effect on nodes; a mismatched one is rejected', async () => {
    const place = await newEnrolling();
    const { fleet } = place;
    const tls = await place.certify('hv1', Date.now() - DAY_MS, Date.now() + 300 * DAY_MS);
    const node = fleet.node('hv1', tls);
    await node.start();
    await until('the part', () => node.isAt(fleet));
    const serial = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const [cert, key, ca] = [tls.cert, tls.key, tls.ca].map((file) => readFileSync(file));
        const options = { host: place.address, port: 7179, ALPNProtocols: ['h2'], cert, key, ca };
        const socket = connect({ ...options, checkServerIdentity: () => undefined }, () => {
          resolve(socket.getPeerCertificate().serialNumber);
          socket.end();
        });
        socket.on('error', reject);
      });
    const before = await serial();
    await place.issueFeed('next');
    writeFileSync(place.feedTls.cert, readFileSync(join(place.place, 'next.pem')));
    await until('the fault', () => fleet.logs.some((line) => line.startsWith('the certificates in use are kept: ')));
    expect(await serial()).toBe(before);
    writeFileSync(place.feedTls.key, readFileSync(join(place.place, 'next.key')));
    await until('the next one', async () => (await serial()) !== before);
    await fleet.port(1);
    await until('the port', () => node.isAt(fleet));
    expect(fleet.logs.filter((line) => line === 'a node connected')).toHaveLength(1);
  });
});
