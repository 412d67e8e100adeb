import { Server, status } from '@grpc/grpc-js';
import { RealmKeys, toIntentChanges } from '../keys.js';
import { EnrollmentRecords } from '../enroll/records.js';
import { EnrollmentService } from '../enroll/service.js';
import { peerOf } from '../peer.js';
import { FEED, FEED_PROTOCOL } from '../rpc.js';
import { ScopeIndex } from '../scope/scope-index.js';
import { RealmFollower } from '../store/realm-follower.js';
import { EtcdClient } from '../store/etcd-client.js';
import { serverCredentials } from '../tls.js';
import { readNodeStatus } from '../status/node-status.js';
import { Handshakes } from './handshakes.js';
import { NodeQueue } from './node-queue.js';
import { StatusCollector } from './status-collector.js';
import { Revocations } from './revocations.js';
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import type { Peer } from '../peer.js';
import type { Logger } from '../../agent/log.js';
import type { RealmStatus } from '../store/realm-follower.js';
import type { IssuedCertificate, RenewRequest } from '../rpc.js';
import type { FleetConfig, Head, StoredChange } from '../types.js';
import type { ReportReply, ReportRequest } from '../rpc.js';
import type { FollowStream } from './node-queue.js';

/** Interval of heartbeats to nodes, in milliseconds. */
const BEAT_MS = 5000;

/** Interval of nodes' reports if the fleet file sets none, in milliseconds. */
const REPORT_MS = 30_000;
/** Reports of a node within less than this are refused, in milliseconds. */
const MIN_REPORT_MS = 500;

const SERVER_OPTIONS = {
  // A dead node costs only memory. A feed that was busy for seconds must not consider its nodes dead: their answers are waiting to be read.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 60_000,
  'grpc.max_receive_message_length': 64 * 1024,
};

/** Follows etcd with one watch, holds the whole intent in memory, and sends each connected node its part. */
export class Feed {
  readonly #config: FleetConfig;
  readonly #log: Logger;
  readonly #client: EtcdClient;
  readonly #follower: RealmFollower;
  readonly #server = new Server(SERVER_OPTIONS);
  readonly #handshakes = new Handshakes();
  /** Connections that had waited for their handshake when that was last logged. */
  #waitedSaid = 0;
  readonly #scopes = new ScopeIndex();
  readonly #queues = new Map<string, NodeQueue>();
  readonly #reports: StatusCollector;
  readonly #revocations: Revocations;
  readonly #enrollment: EnrollmentService | undefined;
  #status: RealmStatus = {};
  #beat: NodeJS.Timeout | undefined;

  constructor(config: FleetConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.#client = new EtcdClient(config.etcd);
    this.#follower = new RealmFollower(this.#client, config.realm, {
      commit: (changes, head) => {
        this.#commit(changes, head);
      },
      status: (now) => {
        this.#setStatus(now);
      },
    });
    const keys = new RealmKeys(config.realm);
    this.#reports = new StatusCollector({
      ...{ client: this.#client, keys, log },
      ...{ feed: config.feed?.listen ?? '', everyMs: config.feed?.reportMs ?? REPORT_MS },
    });
    this.#revocations = new Revocations(this.#client, keys, () => {
      this.#endUnwelcome();
    });
    const { tls, enroll } = config.feed ?? {};
    this.#enrollment =
      enroll && tls && new EnrollmentService(enroll, tls, new EnrollmentRecords(this.#client, keys), log);
    this.#handshakes.attach(this.#server);
    this.#server.addService(FEED, { Follow: this.#follow, Report: this.#report, Renew: this.#renew });
  }

  /**
   * Serves and follows until it is closed.
   *
   * @throws Error if the address cannot be served, or certificates cannot be read
   */
  async run(): Promise<void> {
    const { feed } = this.#config;
    if (feed === undefined) throw new Error('the fleet file has no feed: expected a map with listen and tls');
    await new Promise<void>((resolve, reject) => {
      const problem = (message: string): void => {
        this.#log.error(message);
      };
      this.#server.bindAsync(feed.listen, serverCredentials(feed.tls, problem), (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
    this.#log.info(
      { listen: feed.listen, etcd: this.#config.etcd.endpoints, realm: this.#config.realm },
      'serving nodes',
    );
    await this.#enrollment?.start();
    this.#revocations.start();
    this.#beat = setInterval(() => {
      this.#endUnwelcome();
      this.#beatAll();
      this.#sayWaited();
    }, BEAT_MS);
    this.#reports.start();
    await this.#follower.run();
  }

  close(): void {
    this.#reports.close();
    clearInterval(this.#beat);
    this.#follower.close();
    this.#revocations.close();
    this.#enrollment?.close();
    this.#client.close();
    this.#server.forceShutdown();
  }

  /** Why a client with a certificate must not be served; undefined: it may. */
  #faultOf({ fingerprint, untilMs }: Peer): string | undefined {
    if (this.#revocations.has(fingerprint)) return 'the certificate is revoked';
    // A connection may outlive the certificate with which it was made.
    return untilMs < Date.now() ? 'the certificate has expired' : undefined;
  }

  #endUnwelcome(): void {
    for (const queue of this.#queues.values()) {
      const fault = this.#faultOf(queue.peer);
      if (fault === undefined) continue;
      this.#log.warn({ node: queue.node }, `disconnected: ${fault}`);
      queue.refuse(status.PERMISSION_DENIED, `node ${queue.node}: ${fault}`);
      this.#gone(queue);
    }
  }

  #sayWaited(): void {
    const { waited, waiting, mostWaiting } = this.#handshakes;
    if (waited === this.#waitedSaid) return;
    this.#waitedSaid = waited;
    this.#log.info(
      { waited, waiting, mostWaiting },
      'connections wait for their TLS handshake: many nodes came at once',
    );
  }

  #gone(queue: NodeQueue): void {
    const { node } = queue;
    if (this.#queues.get(node) !== queue) return;
    this.#queues.delete(node);
    this.#scopes.unfollow(node);
    this.#log.info({ node, nodes: this.#queues.size }, 'a node disconnected');
  }

  readonly #renew = (
    call: ServerUnaryCall<RenewRequest, IssuedCertificate>,
    answer: sendUnaryData<IssuedCertificate>,
  ): void => {
    const fault = this.#faultOf(peerOf(call));
    if (fault !== undefined) answer({ code: status.PERMISSION_DENIED, details: fault });
    else if (this.#enrollment === undefined)
      answer({ code: status.UNIMPLEMENTED, details: 'this feed issues no certificates' });
    else this.#enrollment.renew(call, answer);
  };

  #commit(changes: readonly StoredChange[], head: Head): void {
    const concerned = this.#scopes.apply(toIntentChanges(changes));
    const fedMs = Date.now();
    for (const [node, scoped] of concerned) this.#queues.get(node)?.take(scoped, head, fedMs);
    this.#log.debug({ sequence: head.sequence, changes: changes.length, nodes: concerned.size }, 'commit');
  }

  #setStatus(now: RealmStatus): void {
    const before = this.#status;
    this.#status = now;
    const { held, error, lostSinceMs } = now;
    if (held !== undefined && held !== before.held) this.#log.error(`${held}; nodes keep the intent that they have`);
    else if (error !== undefined && error !== before.error)
      this.#log.warn(`${error}; nodes keep the intent that they have`);
    else if (lostSinceMs === undefined && before.lostSinceMs !== undefined) {
      this.#log.info({ sequence: this.#follower.head?.sequence }, 'following etcd');
    }
    this.#beatAll();
  }

  #beatAll(): void {
    const head = this.#follower.head;
    if (head === undefined) return;
    const { lostSinceMs, held = '' } = this.#status;
    const behind_ms = lostSinceMs === undefined ? 0 : Math.max(Date.now() - lostSinceMs, 1);
    for (const queue of this.#queues.values()) queue.beat(head, { behind_ms, held });
  }

  readonly #follow = (stream: FollowStream): void => {
    const refuse = (code: status, details: string): void => {
      this.#log.warn({ peer: stream.getPeer() }, `refused: ${details}`);
      stream.emit('error', { code, details });
    };
    const { node, protocol } = stream.request;
    const peer = peerOf(stream);
    const { names } = peer;
    if (!names.includes(node)) {
      return refuse(
        status.PERMISSION_DENIED,
        `node ${node}: expected one of the certificate's names (${names.join(', ')})`,
      );
    }
    if (!this.#revocations.isKnown) {
      const why = this.#revocations.error ?? 'etcd has not answered yet';
      return refuse(status.UNAVAILABLE, `the feed does not know which certificates are revoked: ${why}`);
    }
    const fault = this.#faultOf(peer);
    if (fault !== undefined) return refuse(status.PERMISSION_DENIED, `node ${node}: ${fault}`);
    if (protocol < 1) return refuse(status.FAILED_PRECONDITION, `protocol ${protocol}: expected 1 to ${FEED_PROTOCOL}`);
    const head = this.#follower.head;
    if (head === undefined) return refuse(status.UNAVAILABLE, 'the feed has not read the intent yet');
    // A node has one stream: a new one replaces the old.
    this.#queues.get(node)?.end();
    const queue = new NodeQueue(node, stream, peer, () => this.#scopes.follow(node));
    this.#queues.set(node, queue);
    this.#reports.begins(node);
    const gone = (): void => {
      this.#gone(queue);
    };
    stream.on('cancelled', gone);
    stream.on('close', gone);
    queue.begin(this.#scopes.follow(node), head, stream.request);
    this.#log.info(
      { node, nodes: this.#queues.size, has: stream.request.sequence, version: stream.request.version },
      'a node connected',
    );
  };

  readonly #report = (call: ServerUnaryCall<ReportRequest, ReportReply>, done: sendUnaryData<ReportReply>): void => {
    const refuse = (code: status, details: string): void => {
      this.#log.warn({ peer: call.getPeer() }, `refused: ${details}`);
      done({ code, details });
    };
    const { node, status: bytes } = call.request;
    const peer = peerOf(call);
    const { names } = peer;
    if (!names.includes(node)) {
      return refuse(
        status.PERMISSION_DENIED,
        `status of node ${node}: expected one of the certificate's names (${names.join(', ')})`,
      );
    }
    const fault = this.#faultOf(peer);
    if (fault !== undefined) return refuse(status.PERMISSION_DENIED, `status of node ${node}: ${fault}`);
    const queue = this.#queues.get(node);
    if (queue === undefined) return refuse(status.FAILED_PRECONDITION, `node ${node}: not connected to this feed`);
    if (Date.now() - (this.#reports.lastOf(node) ?? 0) < MIN_REPORT_MS)
      return done({ code: status.RESOURCE_EXHAUSTED, details: `node ${node}: reports too often` });
    try {
      const nodeStatus = readNodeStatus(bytes);
      this.#reports.take(node, nodeStatus, queue.differsFrom(nodeStatus));
    } catch (error) {
      return refuse(status.INVALID_ARGUMENT, `status of node ${node}: ${(error as Error).message}`);
    }
    done(null, { next_ms: this.#reports.everyMs });
  };
}
