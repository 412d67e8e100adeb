import { Server, status } from '@grpc/grpc-js';
import { toIntentChanges } from '../keys.js';
import { RealmKeys } from '../keys.js';
import { FEED, FEED_PROTOCOL } from '../rpc.js';
import { ScopeIndex } from '../scope/scope-index.js';
import { RealmFollower } from '../store/realm-follower.js';
import { EtcdClient } from '../store/etcd-client.js';
import { serverCredentials } from '../tls.js';
import { readNodeStatus } from '../status/node-status.js';
import { NodeQueue } from './node-queue.js';
import { StatusCollector } from './status-collector.js';
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { Logger } from '../../agent/log.js';
import type { RealmStatus } from '../store/realm-follower.js';
import type { FleetConfig, Head, StoredChange } from '../types.js';
import type { ReportReply, ReportRequest } from '../rpc.js';
import type { FollowStream } from './node-queue.js';

/** How often nodes are told that the feed is there, milliseconds. */
const BEAT_MS = 5000;

/** How often a node reports where the fleet file does not say, milliseconds. */
const REPORT_MS = 30_000;
/** A node that reports more often than this is refused, milliseconds. */
const MIN_REPORT_MS = 500;

const SERVER_OPTIONS = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5000,
  'grpc.max_receive_message_length': 64 * 1024,
};

/** One watch on etcd, the whole intent in memory, and each node's part of it for the nodes that ask. */
export class Feed {
  readonly #config: FleetConfig;
  readonly #log: Logger;
  readonly #client: EtcdClient;
  readonly #follower: RealmFollower;
  readonly #server = new Server(SERVER_OPTIONS);
  readonly #scopes = new ScopeIndex();
  readonly #queues = new Map<string, NodeQueue>();
  readonly #reports: StatusCollector;
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
    this.#reports = new StatusCollector({
      ...{ client: this.#client, keys: new RealmKeys(config.realm), log },
      ...{ feed: config.feed?.listen ?? '', everyMs: config.feed?.reportMs ?? REPORT_MS },
    });
    this.#server.addService(FEED, { Follow: this.#follow, Report: this.#report });
  }

  /**
   * Serves and follows until it is closed.
   *
   * @throws Error where the address cannot be served, or certificates cannot be read
   */
  async run(): Promise<void> {
    const { feed } = this.#config;
    if (feed === undefined) throw new Error('the fleet file has no feed: listen and tls of a feed are expected');
    await new Promise<void>((resolve, reject) => {
      this.#server.bindAsync(feed.listen, serverCredentials(feed.tls), (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
    this.#log.info(
      { listen: feed.listen, etcd: this.#config.etcd.endpoints, realm: this.#config.realm },
      'serves nodes',
    );
    this.#beat = setInterval(() => {
      this.#beatAll();
    }, BEAT_MS);
    this.#reports.start();
    await this.#follower.run();
  }

  close(): void {
    this.#reports.close();
    clearInterval(this.#beat);
    this.#follower.close();
    this.#client.close();
    this.#server.forceShutdown();
  }

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
    if (held !== undefined && held !== before.held) this.#log.error(`${held}; nodes keep what they have`);
    else if (error !== undefined && error !== before.error) this.#log.warn(`${error}; nodes keep what they have`);
    else if (lostSinceMs === undefined && before.lostSinceMs !== undefined) {
      this.#log.info({ sequence: this.#follower.head?.sequence }, 'follows etcd');
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
    const names = namesOf(stream);
    if (!names.includes(node)) {
      return refuse(
        status.PERMISSION_DENIED,
        `node ${node}: expected one of the certificate's names (${names.join(', ')})`,
      );
    }
    if (protocol < 1) return refuse(status.FAILED_PRECONDITION, `protocol ${protocol}: expected 1 to ${FEED_PROTOCOL}`);
    const head = this.#follower.head;
    if (head === undefined) return refuse(status.UNAVAILABLE, 'the feed has not read the intent yet');
    // A node has one stream: of two the later counts.
    this.#queues.get(node)?.end();
    const queue = new NodeQueue(node, stream, () => this.#scopes.follow(node));
    this.#queues.set(node, queue);
    this.#reports.begins(node);
    const gone = (): void => {
      if (this.#queues.get(node) !== queue) return;
      this.#queues.delete(node);
      this.#scopes.unfollow(node);
      this.#log.info({ node, nodes: this.#queues.size }, 'a node has gone');
    };
    stream.on('cancelled', gone);
    stream.on('close', gone);
    queue.begin(this.#scopes.follow(node), head, stream.request);
    this.#log.info(
      { node, nodes: this.#queues.size, has: stream.request.sequence, version: stream.request.version },
      'a node follows',
    );
  };

  readonly #report = (call: ServerUnaryCall<ReportRequest, ReportReply>, done: sendUnaryData<ReportReply>): void => {
    const refuse = (code: status, details: string): void => {
      this.#log.warn({ peer: call.getPeer() }, `refused: ${details}`);
      done({ code, details });
    };
    const { node, status: bytes } = call.request;
    const names = namesOf(call);
    if (!names.includes(node)) {
      return refuse(
        status.PERMISSION_DENIED,
        `status of node ${node}: expected one of the certificate's names (${names.join(', ')})`,
      );
    }
    const queue = this.#queues.get(node);
    if (queue === undefined) return refuse(status.FAILED_PRECONDITION, `node ${node}: follows another feed, or none`);
    if (Date.now() - (this.#reports.lastOf(node) ?? 0) < MIN_REPORT_MS)
      return done({ code: status.RESOURCE_EXHAUSTED, details: `node ${node}: reports too often` });
    try {
      const told = readNodeStatus(bytes);
      this.#reports.take(node, told, queue.differsFrom(told));
    } catch (error) {
      return refuse(status.INVALID_ARGUMENT, `status of node ${node}: ${(error as Error).message}`);
    }
    done(null, { next_ms: this.#reports.everyMs });
  };
}

/** DNS names of the certificate that the other side has shown. */
function namesOf(stream: Pick<FollowStream, 'getAuthContext'>): string[] {
  const names = stream.getAuthContext()?.sslPeerCertificate?.subjectaltname ?? '';
  // A name with a comma in it is quoted: it could be taken for two.
  if (names.includes('"')) return [];
  return names.split(', ').flatMap((name) => (name.startsWith('DNS:') ? [name.slice('DNS:'.length)] : []));
}
