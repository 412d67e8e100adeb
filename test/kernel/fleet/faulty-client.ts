import { status } from '@grpc/grpc-js';
import { EtcdClient, EtcdError } from '../../../src/fleet/store/etcd-client.js';
import type { ServiceError } from '@grpc/grpc-js';
import type { TxnRequest, TxnResponse } from '../../../src/fleet/rpc.js';

/** `killed`: the writer dies before the transaction; `request lost`, `reply lost`: the connection is cut before or after etcd carries it out. */
export type Fault = 'killed' | 'request lost' | 'reply lost';

export class Killed extends Error {}

/** A client whose transactions fail as asked. A killed writer's lease ends at once, as if its time had passed. */
export class FaultyClient extends EtcdClient {
  /** Called when etcd has carried out a transaction. */
  after: () => Promise<void> = () => Promise.resolve();
  lastLease = 0;
  #count = 0;
  #fault: (n: number) => Fault | undefined | Promise<Fault | undefined> = () => undefined;

  /** @param fault by the number of the transaction, from 1 */
  failing(fault: (n: number) => Fault | undefined | Promise<Fault | undefined>): void {
    this.#count = 0;
    this.#fault = fault;
  }

  override async txn(request: TxnRequest): Promise<TxnResponse> {
    this.#count += 1;
    const fault = await this.#fault(this.#count);
    if (fault === 'killed') throw new Killed();
    if (fault === 'request lost') throw this.#cut();
    const response = await super.txn(request);
    await this.after();
    if (fault === 'reply lost') throw this.#cut();
    return response;
  }

  override async grantLease(seconds: number): Promise<number> {
    return (this.lastLease = await super.grantLease(seconds));
  }

  #cut(): EtcdError {
    const error = Object.assign(new Error('cut'), { code: status.UNAVAILABLE, details: 'Connection dropped' });
    return new EtcdError(this.endpoints[0] ?? '', error as unknown as ServiceError, true);
  }
}
